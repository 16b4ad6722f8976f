"""In which order files are read: one log's older parts to their end, before its newer ones.

A log and what rotation made of it are a *family*, known by their names without the endings that
rotation gives. Files of different families wait for nobody.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path

from sentinel.config import TailSettings

_PACKED = r"(?:\.(?:gz|bz2|xz|zst|Z))?"
_TURNED = re.compile(rf"^(.+?)(?:[-._](?:\d{{1,14}}|\d{{4}}-\d\d-\d\d|old|bak|orig))*{_PACKED}$")
_LISTINGS = 6
_NUMBER = re.compile(rf"\.(\d{{1,4}}){_PACKED}$")


def family(path: str) -> str:
    """Return what a log and its rotated parts have in common."""
    folder, name = os.path.split(path)
    found = _TURNED.match(name)
    return f"{folder}/{found[1] if found else name}"


def oldest_first(
    found: Iterable[tuple[Path, os.stat_result]],
) -> list[tuple[Path, os.stat_result]]:
    """Return files in the order in which they were written, as far as times and names tell it.

    File systems keep time in steps of some milliseconds: of two equal times the higher number is
    the older file, and one without a number the newest.
    """
    return sorted(found, key=lambda one: (one[1].st_mtime_ns, -_number(one[0]), str(one[0])))


def _number(path: Path) -> int:
    found = _NUMBER.search(path.name)
    return int(found[1]) if found else 0


def siblings(path: Path) -> list[Path]:
    """Return the files that rotation may have made of ``path``, the newest first."""
    stem = path.name.removesuffix(path.suffix)
    near = [one for one in _listed(path.parent) if one[0].name.startswith(stem)]
    return [one for one, _ in reversed(oldest_first(near))]


def _listed(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    status = entry.stat()
                except OSError:  # it is renamed this very moment
                    continue
                if stat.S_ISREG(status.st_mode):  # opening a pipe would wait for its writer
                    yield Path(entry.path), status
    except OSError:
        return


class Listing:
    """The files that the settings name."""

    def __init__(self, settings: TailSettings) -> None:
        self._settings = settings
        self._names: set[tuple[Path, int, int]] = set()

    def files(self) -> list[tuple[Path, os.stat_result]]:
        """Return them, oldest first. While names move, a list may lack one: it is made anew."""
        found: list[tuple[Path, os.stat_result]] = []
        for _ in range(_LISTINGS):
            found = list(self._found())
            names = _names(found)
            if names == self._names:
                break
            self._names = names
        return oldest_first(found)

    def is_current(self) -> bool:
        """Tell whether the files are still those that were returned last."""
        return _names(self._found()) == self._names

    def _found(self) -> Iterator[tuple[Path, os.stat_result]]:
        for pattern in self._settings.paths:
            for name in glob.glob(str(pattern), recursive=True):  # noqa: PTH207 - absolute patterns
                path = Path(name)
                if any(fnmatch(path.name, one) for one in self._settings.exclude):
                    continue
                try:
                    status = path.stat()
                except OSError:
                    continue
                if stat.S_ISREG(status.st_mode) and status.st_size:
                    yield path, status


def _names(found: Iterable[tuple[Path, os.stat_result]]) -> set[tuple[Path, int, int]]:
    return {(path, status.st_dev, status.st_ino) for path, status in found}
