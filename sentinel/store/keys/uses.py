"""What was done with keys: counted where it happens, told to the journal (promise R-32).

A process counts how often it sealed and opened, by purpose, and leaves a line in a file of its own
when it ends; the service takes these lines, and its own counts, into the journal from time to time.
An opening that a person asked for has a line of its own besides, written before it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from weakref import finalize

import msgspec

from sentinel.clock import SystemClock
from sentinel.store.disk import trouble

FOLDER: Final = Path("keys") / "uses"
UNREADABLE: Final = "unreadable"


class Uses(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of a process, as ``seal:account``. ``by``: who ran it; ``at``: when it ended, UTC."""

    at: datetime
    by: str
    counts: dict[str, int]


def tell_at_end(owner: object, counts: Counter[str], folder: Path, by: str) -> None:
    """Leave what was counted in a file when ``owner`` is gone, or the process ends."""
    finalize(owner, _leave, counts, folder, by)


def taken(counters: Sequence[Counter[str]]) -> dict[str, int]:
    """Return what was counted since the last time, and begin anew."""
    total: Counter[str] = Counter()
    for counter in counters:
        counts = dict(counter)
        counter.subtract(counts)
        total.update(counts)
    return {name: count for name, count in sorted(total.items()) if count}


def left(folder: Path) -> list[tuple[Path, Uses]]:
    """Return what processes left, oldest first; `forget` each once it is in the journal.

    A file that is damaged says so: its counts are lost, that there were some is not.
    """
    found = []
    for path in sorted((folder / FOLDER).glob("*.json")):
        with suppress(FileNotFoundError):  # another process has told it meanwhile
            found.append((path, _read(path)))
    return sorted(found, key=lambda one: (one[1].at, one[0]))


def _read(path: Path) -> Uses:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Uses)
    except msgspec.MsgspecError:
        written = datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
        return Uses(at=written, by="", counts={UNREADABLE: 1})
    except FileNotFoundError:
        raise
    except OSError as error:
        raise trouble(error, path) from error


def forget(paths: Sequence[Path]) -> None:
    """Remove files that are in the journal. Raises StorageError."""
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise trouble(error, path) from error


def _leave(counts: Mapping[str, int], folder: Path, by: str) -> None:
    told = {name: count for name, count in sorted(counts.items()) if count}
    if not told or not folder.is_dir():
        return
    where = folder / FOLDER
    now = SystemClock().now()
    name = f"{now:%Y%m%dT%H%M%S%f}-{os.getpid()}"
    # A process that ends says nothing any more: a full disk loses a count, not the work.
    with suppress(OSError):
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = where / f"{name}.new"
        draft.write_bytes(msgspec.json.encode(Uses(at=now, by=by, counts=told)))
        draft.replace(where / f"{name}.json")
