"""Which files are to be read now, and from where: what rotation did since the last look."""

from __future__ import annotations

import glob
import os
import stat
import time
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path

import msgspec

from sentinel.collect.inputs.tail_identity import (
    HEAD_BYTES,
    Content,
    Mark,
    digest,
    is_copy,
    is_same,
)
from sentinel.collect.inputs.tail_order import Sought, family, oldest_first, siblings
from sentinel.config import TailSettings
from sentinel.ids import digest_id

GRACE_SECONDS = 60.0  # a renamed file is still written until its writer opens the new one
COPYING_SECONDS = 60.0  # a copy that is this young may still grow
SEEKING_SECONDS = 10.0
HOLD_SECONDS = 1.0  # and two looks: what comes after a cut waits so long for the copy
FINISHED_KEPT = 2000
_FIRST_LINE = 64 * 1024
_LISTINGS = 6

Key = tuple[int, int, int, int]


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


class Files:
    """The files of one source. ``marks``: all that is remembered."""

    def __init__(self, settings: TailSettings, marks: list[Mark] | None) -> None:
        self.marks = marks or []
        self.open: list[Following] = []
        self._settings = settings
        self._first = marks is None
        self._fresh = True
        self._passed_over: set[Key] = set()
        self._sought: list[Sought] = []
        self._places = 0
        self._kept_places: dict[str, int] = {}
        self._names: set[tuple[Path, int, int]] = set()
        self.without_copy = 0
        """Files that were cut, or went, and whose rest was found nowhere: a gap, perhaps."""

    def look(self) -> bool:
        """Look at the folders; return whether there are new marks, to be kept before reading."""
        before = len(self.marks), sum(mark.generation for mark in self.marks)
        found = oldest_first(self._listed())
        inodes = {(status.st_dev, status.st_ino) for _, status in found}
        for following in list(self.open):
            self._look_again(following, inodes)
        if self._fresh:
            self._find_leftovers({(s.st_dev, s.st_ino): path for path, s in found})
        self._seek()
        for path, status in found:
            if not any(one.mark.is_at(status) for one in self.open):
                self._meet(path, status)
        self.open.sort(key=lambda one: one.place)
        self._first = self._fresh = False
        self._forget()
        return before != (len(self.marks), sum(mark.generation for mark in self.marks))

    def held(self, following: Following) -> bool:
        """Tell whether a file waits for the rest of an older one, which is looked for."""
        now = time.monotonic()
        return any(
            one.place < following.place and now < one.hold
            for one in self._sought
            if family(one.mark.path) == following.family
        )

    def behind(self) -> int:
        """Return how many bytes of plain files are not read yet."""
        plain = [one for one in self.open if not one.content.is_gzip]
        return sum(max(0, one.content.refresh().st_size - one.mark.offset) for one in plain)

    def close(self, following: Following, *, finished: bool) -> None:
        """Stop following a file."""
        following.mark.finished = finished
        following.content.close()
        self.open.remove(following)

    def close_all(self) -> None:
        """Close every file."""
        for following in list(self.open):
            self.close(following, finished=following.mark.finished)

    def _listed(self) -> list[tuple[Path, os.stat_result]]:
        """Return the files there are. While names move, a list may lack one: it is made anew."""
        found: list[tuple[Path, os.stat_result]] = []
        for _ in range(_LISTINGS):
            found = list(self._found())
            names = {(path, status.st_dev, status.st_ino) for path, status in found}
            if names == self._names:
                break
            self._names = names
        return found

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

    def _look_again(self, following: Following, inodes: set[tuple[int, int]]) -> None:
        mark, status = following.mark, following.content.refresh()
        if not following.content.is_gzip and (
            status.st_size < mark.offset or not is_same(mark, following.content)
        ):
            self._was_cut(following)
            return
        if following.leftover:
            return
        if (status.st_dev, status.st_ino) not in inodes:
            following.leftover = True
            following.grew = time.monotonic()

    def _was_cut(self, following: Following) -> None:
        """Leave a file that was cut and is written anew: its rest, if any, lies in a copy."""
        old = following.mark
        self.open.remove(following)
        following.content.close()
        self._retire(old, following.place)

    def _retire(self, old: Mark, place: int) -> None:
        """Note that what stood under ``old`` is over here, and look for the copy it goes on in."""
        now = time.monotonic()
        hold = now + HOLD_SECONDS + 2 * self._settings.poll_seconds
        rest = msgspec.structs.replace(old)
        self._sought.append(Sought(rest, place, hold, max(hold, now + SEEKING_SECONDS)))
        old.finished = True
        old.tail_bytes = old.head_bytes = 0
        self._seek()

    def _seek(self) -> None:
        """Look for copies; one that is moved meanwhile is found at the next look."""
        for sought in list(self._sought):
            if self._found_copy(sought):
                self._sought.remove(sought)
            elif time.monotonic() > sought.deadline:
                self._sought.remove(sought)
                self.without_copy += 1

    def _found_copy(self, sought: Sought) -> bool:
        old = sought.mark
        for path in siblings(Path(old.path)):
            content = _opened(path)
            if content is None:
                continue
            read_whole = any(m.is_at(content.stat) and _is_all_of(m, content) for m in self.marks)
            if not old.is_at(content.stat) and not read_whole and is_copy(old, content):
                device, inode = content.stat.st_dev, content.stat.st_ino
                rest = msgspec.structs.replace(old, path=str(path), device=device, inode=inode)
                self.marks.insert(self._index(old), rest)
                self.open.append(Following(rest, content, sought.place, leftover=True, whole=True))
                return True
            content.close()
        return False

    def _index(self, old: Mark) -> int:
        """Return where among the marks that of a rest belongs: they stand in the order of age."""
        at = (i for i, mark in enumerate(self.marks, 1) if mark.name == old.name)
        return next(at, len(self.marks))

    def _next_place(self) -> int:
        self._places += 1
        return self._places

    def _place_of(self, mark: Mark) -> int:
        """Return the place of a file that the last process knew, or else the next one."""
        return self._kept_places.pop(mark.name, 0) or self._next_place()

    def _find_leftovers(self, inodes: Mapping[tuple[int, int], Path]) -> None:
        """Find what was rotated away while nobody looked."""
        unfinished = [one for one in self.marks if not one.finished]
        for mark in unfinished:
            self._kept_places[mark.name] = self._next_place()
        for mark in unfinished:
            here = inodes.get((mark.device, mark.inode))
            near = siblings(Path(mark.path)) if here is None else [here]
            for path in near:
                content = _opened(path)
                if content is None:
                    continue
                if mark.is_at(content.stat) and is_same(mark, content):
                    if here is None:
                        place = self._place_of(mark)
                        self.open.append(Following(mark, content, place, leftover=True))
                    else:
                        content.close()
                    break
                content.close()
            else:
                self._retire(mark, self._place_of(mark))

    def _meet(self, path: Path, status: os.stat_result) -> None:
        """Decide what a file is that is not open."""
        key: Key = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        if key in self._passed_over:
            return
        content = _opened(path)
        if content is None:
            return
        known = next((m for m in self.marks if m.is_at(status) and not _is_retired(m)), None)
        if known is not None and is_same(known, content) and status.st_size >= known.offset:
            if known.finished and not content.is_gzip and status.st_size > known.offset:
                known.finished = False
            if known.finished:
                self._pass_over(key, content)
            else:
                known.path = str(path)
                self.open.append(Following(known, content, self._place_of(known)))
            return
        if known is not None and not known.finished:
            self._retire(known, self._place_of(known))
        if self._is_copy_of_one(content, status):
            content.close()
            return
        if any(_is_all_of(mark, content) for mark in self.marks):
            self._pass_over(key, content)  # a compressed or copied form of what was read whole
            return
        self._begin(path, content)

    def _is_copy_of_one(self, content: Content, status: os.stat_result) -> bool:
        """Tell whether this is, or is becoming, a copy of a file that is open."""
        young = time.time() - status.st_mtime < COPYING_SECONDS
        for one in self.open:
            longer = not content.is_gzip and status.st_size > one.content.refresh().st_size
            if longer and not one.content.is_gzip:
                continue  # it goes on otherwise than what it begins like
            if is_copy(one.mark, content):
                return True
            size = min(status.st_size, one.mark.head_bytes)
            shorter = bool(size) and not content.is_gzip and status.st_size < one.mark.offset
            if young and shorter and one.content.read(0, size) == content.read(0, size):
                return True
        return False

    def _begin(self, path: Path, content: Content) -> None:
        data = content.read(0, _FIRST_LINE)
        first, end, _ = data.partition(b"\n")
        unfinished = not end and len(first) < _FIRST_LINE and not content.is_gzip
        if unfinished and not self._settings.partial_seconds:
            content.close()
            return
        device, inode = content.stat.st_dev, content.stat.st_ino
        earlier = [m.generation for m in self.marks if (m.device, m.inode) == (device, inode)]
        generation = max(earlier, default=0) + 1
        identity = (str(device), str(inode), str(generation), digest(first))
        mark = Mark(str(path), device, inode, generation, digest_id("file", *identity))
        if self._first and self._settings.start == "end" and not content.is_gzip:
            mark.offset = content.stat.st_size
        mark.head_bytes = min(HEAD_BYTES, len(data))  # what is cut before it is read is known too
        mark.head = digest(data[:HEAD_BYTES])
        self.marks.append(mark)
        self.open.append(Following(mark, content, self._next_place()))

    def _pass_over(self, key: Key, content: Content) -> None:
        content.close()
        self._passed_over.add(key)

    def _forget(self) -> None:
        """Keep a bounded number of marks of finished files."""
        finished = [mark for mark in self.marks if mark.finished]
        for mark in finished[: max(0, len(finished) - FINISHED_KEPT)]:
            self.marks.remove(mark)


def _is_retired(mark: Mark) -> bool:
    """Tell whether a mark stands only for how often a file stood at its inode."""
    return mark.finished and not mark.head_bytes


def _is_all_of(mark: Mark, content: Content) -> bool:
    """Tell whether this is what was read whole under a mark, as it is, copied or compressed."""
    if not mark.finished or not mark.offset or _is_retired(mark):
        return False
    longer = not content.is_gzip and content.stat.st_size > mark.offset
    return not longer and is_copy(mark, content)


def _opened(path: Path) -> Content | None:
    try:
        return Content(path)
    except OSError:
        return None
