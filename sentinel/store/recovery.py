"""What an earlier process left, judged at opening: kept, passed over, or an error. Never guessed.

In a log (the spool) each segment names the offset at which it starts, and that decides every
doubt. Blocks of a segment that reach beyond the start of the next one were never acknowledged
(their write failed, and the log went on in a new segment): they are passed over. A segment that
ends before the start of the next one has lost data: an error. Only the last may have a torn tail.
Where no segment holds anything, the last one that has a header says where the log goes on.

In the event store the manifest gives each segment's committed length, and that decides.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from sentinel.errors import StorageError
from sentinel.store.frames import Torn
from sentinel.store.ports import Sealer
from sentinel.store.segments import Segment

_RESTORE = "restore the file from a backup, or move it away and accept the loss"


class Left(NamedTuple):
    """What a log left: segments that hold something, or else the mark; files that hold nothing.

    ``mark``: the segment without a block at whose offset an emptied log goes on.
    """

    held: list[Segment]
    mark: Segment | None
    leftovers: list[Path]


def load_log(paths: list[Path], sealer: Sealer, *, purpose: str) -> Left:
    """Return what lies in the files of a log; all that is kept is published.

    ``paths``: every segment file, in order. Changes nothing on the disk. Raises StorageError where
    a file is damaged or missing, or where the key is another.
    """
    opened: list[Segment] = []
    empty: list[Path] = []
    for path in paths:
        try:
            opened.append(Segment.open(path, sealer, purpose=purpose))
        except Torn:
            empty.append(path)
    held: list[Segment] = []
    until: int | None = None
    for segment in reversed(opened):
        if _publish(segment, until):
            held.insert(0, segment)
            until = segment.base
        else:
            empty.append(segment.path)
    for before, after in pairwise(held):
        if after.previous != before.link:
            raise StorageError(
                f"the segment does not follow {before.path.name}",
                where=f"{after.path}:0",
                hint=_RESTORE,
            )
    mark = opened[-1] if opened and not held else None
    return Left(held, mark, [path for path in empty if mark is None or path != mark.path])


def load_committed(path: Path, length: int, sealer: Sealer, *, purpose: str) -> Segment:
    """Return a segment with the blocks of its first ``length`` bytes published.

    Raises StorageError where they are not all there.
    """
    try:
        segment = Segment.open(path, sealer, purpose=purpose)
    except Torn as error:
        raise StorageError(
            "the segment's header is missing", where=f"{path}:0", hint=_RESTORE
        ) from error
    for block in segment.scan(until=length):
        segment.publish(block)
    if segment.end != length:
        raise StorageError(
            f"the segment ends at {segment.end} instead of {length}",
            where=f"{path}:{segment.end}",
            hint=_RESTORE,
        )
    return segment


def _publish(segment: Segment, until: int | None) -> bool:
    """Publish the blocks of ``segment`` below offset ``until``; tell whether it has any."""
    if segment.base == until:
        return False
    for block in segment.scan(verify=until is None):
        if block.first != segment.last + 1 or block.last - block.first + 1 != block.count:
            raise StorageError(
                "offsets do not follow", where=f"{segment.path}:{block.position}", hint=_RESTORE
            )
        segment.publish(block)
        if block.last + 1 == until:
            return True
    if until is not None:
        raise StorageError(
            f"offsets {segment.last + 1} to {until - 1} are missing",
            where=f"{segment.path}:{segment.end}",
            hint=_RESTORE,
        )
    return segment.blocks > 0
