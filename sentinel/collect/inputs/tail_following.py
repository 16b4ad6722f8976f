"""Files that are open, each with its mark and its place among the others."""

from __future__ import annotations

import time
from pathlib import Path

from sentinel.collect.inputs.tail_identity import Content, Mark, is_copy
from sentinel.collect.inputs.tail_order import family, siblings

GRACE_SECONDS = 60.0  # a renamed file is still written until its writer opens the new one
COPYING_SECONDS = 60.0  # a copy that is this young may still grow


class Following:
    """A file that is open. ``place``: among all that were ever opened, in the order of writing."""

    def __init__(
        self,
        mark: Mark,
        content: Content,
        place: int,
        *,
        leftover: bool = False,
        whole: bool = False,
    ) -> None:
        self.mark = mark
        self.content = content
        self.place = place
        self.leftover = leftover
        """Its name is another file's now: what is left is read before that one."""
        self.whole = whole
        """The copy of a file that was cut after it: nobody writes it any more."""
        self.grew = time.monotonic()

    @property
    def family(self) -> str:
        """The log that it is a part of."""
        return family(self.mark.path)

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more will come: then a last line without its end is whole."""
        if self.content.is_gzip:
            young = time.time() - self.content.stat.st_mtime < COPYING_SECONDS
            return not (self.content.is_cut and young)
        if self.whole or not self.leftover:
            return self.whole
        gone = self.content.refresh().st_nlink == 0
        return gone or time.monotonic() - self.grew > GRACE_SECONDS


def is_all_of(mark: Mark, content: Content) -> bool:
    """Tell whether this is what was read whole under a mark, as it is, copied or compressed."""
    if not mark.finished or not mark.offset or is_retired(mark):
        return False
    longer = not content.is_gzip and content.stat.st_size > mark.offset
    return not longer and is_copy(mark, content)


def end(mark: Mark) -> None:
    """Let a mark stand only for how often a file stood at its inode."""
    mark.finished = True
    mark.tail_bytes = mark.head_bytes = 0


def is_retired(mark: Mark) -> bool:
    """Tell whether a mark stands only for how often a file stood at its inode."""
    return mark.finished and not mark.head_bytes


def opened_at(path: Path, place: tuple[int, int]) -> Content | None:
    """Open the file at an inode, which rotation may rename meanwhile; None where it is gone."""
    for near in (path, *siblings(path), *siblings(path)):
        content = opened(near)
        if content is None:
            continue
        if (content.stat.st_dev, content.stat.st_ino) == place:
            return content
        content.close()
    return None


def opened(path: Path) -> Content | None:
    """Open a file; None where that cannot be."""
    try:
        return Content(path)
    except OSError:
        return None
