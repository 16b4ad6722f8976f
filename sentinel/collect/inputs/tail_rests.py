"""What stood in a file that was cut or went: looked for in the copies that rotation makes."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from sentinel.collect.inputs.tail_following import Following, end, is_all_of, opened
from sentinel.collect.inputs.tail_identity import Content, Mark, is_copy
from sentinel.collect.inputs.tail_order import family, siblings

SEEKING_SECONDS = 10.0
HOLD_SECONDS = 1.0  # and two looks: what comes after a cut waits so long for the copy
_NOWHERE = (-1, -1)


class Sought(msgspec.Struct, frozen=True):
    """The rest of a file that was cut or went: what stands in a copy that is not found yet.

    ``place``: of the file among those that are read; ``hold``, ``deadline``: until when (monotonic
    seconds) younger files of its family wait for it, and until when it is looked for.
    """

    mark: Mark
    place: int
    hold: float
    deadline: float


class Rests:
    """Looks for rests, among the ``marks`` and the files ``open`` of a source, which it shares."""

    def __init__(self, marks: list[Mark], open_: list[Following], poll_seconds: float) -> None:
        self._marks = marks
        self._open = open_
        self._poll_seconds = poll_seconds
        self._sought: list[Sought] = []
        self.without_copy = 0
        """Files that were cut, or went, and whose rest was found nowhere: a gap, perhaps."""

    def hold(self, following: Following) -> bool:
        """Tell whether a file waits for the rest of an older one, which is looked for."""
        now = time.monotonic()
        return any(
            one.place < following.place and now < one.hold
            for one in self._sought
            if family(one.mark.path) == following.family
        )

    def want(self, content: Content) -> bool:
        """Tell whether this is what is looked for: then the next look finds it."""
        return any(is_copy(one.mark, content) for one in self._sought)

    def seek(self, old: Mark, place: int) -> None:
        """Note that what stood under ``old`` is over here, and look for the copy it goes on in.

        What is looked for is a mark too, at no inode: the next process goes on looking.
        """
        now = time.monotonic()
        hold = now + HOLD_SECONDS + 2 * self._poll_seconds
        rest = old
        if (old.device, old.inode) != _NOWHERE:
            rest = msgspec.structs.replace(old, device=_NOWHERE[0], inode=_NOWHERE[1])
            self._marks.insert(self._marks.index(old) + 1, rest)  # they stand in the order of age
            end(old)
        self._sought.append(Sought(rest, place, hold, max(hold, now + SEEKING_SECONDS)))
        self.look()

    def look(self) -> None:
        """Look for copies; one that is moved meanwhile is found at the next look."""
        for sought in list(self._sought):
            if self._found_copy(sought):
                self._sought.remove(sought)
            elif time.monotonic() > sought.deadline:
                self._sought.remove(sought)
                end(sought.mark)
                self.without_copy += 1

    def _found_copy(self, sought: Sought) -> bool:
        rest = sought.mark
        for path in siblings(Path(rest.path)):
            content = opened(path)
            if content is None:
                continue
            if self._is_rest(rest, content):
                rest.path = str(path)
                rest.device, rest.inode = content.stat.st_dev, content.stat.st_ino
                self._open.append(Following(rest, content, sought.place, leftover=True, whole=True))
                return True
            content.close()
        return False

    def _is_rest(self, rest: Mark, content: Content) -> bool:
        """Tell whether a file is what is looked for, and not one that was read."""
        here = [mark for mark in self._marks if mark.is_at(content.stat)]
        if any(mark.name == rest.name or is_all_of(mark, content) for mark in here):
            return False
        is_open = any(one.mark.is_at(content.stat) for one in self._open)
        return not is_open and is_copy(rest, content)
