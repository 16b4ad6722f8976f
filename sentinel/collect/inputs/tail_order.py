"""In which order files are read: one log's older parts to their end, before its newer ones.

A log and what rotation made of it are a *family*, known by their names without the endings that
rotation gives. Files of different families wait for nobody.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from sentinel.collect.inputs.tail_identity import Mark

_PACKED = r"(?:\.(?:gz|bz2|xz|zst|Z))?"
_TURNED = re.compile(rf"^(.+?)(?:[-._](?:\d{{1,14}}|\d{{4}}-\d\d-\d\d|old|bak|orig))*{_PACKED}$")
_NUMBER = re.compile(rf"\.(\d{{1,4}}){_PACKED}$")


class Sought(msgspec.Struct, frozen=True):
    """The rest of a file that was cut or went: what stands in a copy that is not found yet.

    ``place``: of the file among those that are read; ``hold``, ``deadline``: until when (monotonic
    seconds) younger files of its family wait for it, and until when it is looked for.
    """

    mark: Mark
    place: int
    hold: float
    deadline: float


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
                    yield Path(entry.path), entry.stat()
                except OSError:  # it is renamed this very moment
                    continue
    except OSError:
        return
