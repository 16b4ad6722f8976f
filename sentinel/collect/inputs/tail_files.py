"""Which files are to be read now, and from where: what rotation did since the last look."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from sentinel.collect.inputs.tail_following import (
    COPYING_SECONDS,
    Following,
    is_all_of,
    is_retired,
    opened_at,
)
from sentinel.collect.inputs.tail_identity import (
    HEAD_BYTES,
    Content,
    Mark,
    digest,
    is_copy,
    is_same,
)
from sentinel.collect.inputs.tail_order import Listing
from sentinel.collect.inputs.tail_rests import Rests
from sentinel.config import TailSettings
from sentinel.ids import digest_id

FINISHED_KEPT = 2000
_FIRST_LINE = 64 * 1024

Key = tuple[int, int, int, int]


class Files:
    """The files of one source. ``marks``: all that is remembered."""

    def __init__(self, settings: TailSettings, marks: list[Mark] | None) -> None:
        self.marks = marks or []
        self.open: list[Following] = []
        self._settings = settings
        self._first = marks is None
        self._fresh = True
        self._passed_over: set[Key] = set()
        self._places = 0
        self._kept_places: dict[str, int] = {}
        self._begun: list[Following] = []
        self._listing = Listing(settings)
        self._rests = Rests(self.marks, self.open, settings.poll_seconds)
        self.unreadable: set[Path] = set()
        """Files that we may not read."""

    def look(self) -> bool:
        """Look at the folders; return whether there are new marks, to be kept before reading."""
        before = len(self.marks), sum(mark.generation for mark in self.marks)
        found = self._listing.files()
        inodes = {(status.st_dev, status.st_ino) for _, status in found}
        for following in list(self.open):
            self._look_again(following, inodes)
        if self._fresh:
            self._find_leftovers({(s.st_dev, s.st_ino): path for path, s in found})
        self._rests.look()
        for path, status in found:
            if any(one.mark.is_at(status) for one in self.open):
                continue
            if not self._meet(path, status):
                break  # it was moved this very moment: what is younger waits for the next look
        self.open.sort(key=lambda one: one.place)
        kept = self._keep_begun()
        self._first = self._first and not kept
        self._fresh = False
        self._forget()
        return before != (len(self.marks), sum(mark.generation for mark in self.marks))

    def waits(self, following: Following) -> bool:
        """Tell whether a file waits for the rest of an older one, which is looked for."""
        return self._rests.hold(following)

    def lost_rests(self) -> int:
        """Return how many rests were found nowhere since the last call: gaps, perhaps."""
        lost, self._rests.without_copy = self._rests.without_copy, 0
        return lost

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
        self._rests.seek(old, following.place)

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
            here = (mark.device, mark.inode)
            content = opened_at(inodes.get(here, Path(mark.path)), here)
            if content is None or not is_same(mark, content):
                self._rests.seek(mark, self._place_of(mark))
            elif here not in inodes:
                place = self._place_of(mark)
                self.open.append(Following(mark, content, place, leftover=True))
                continue
            if content is not None:
                content.close()

    def _meet(self, path: Path, status: os.stat_result) -> bool:
        """Decide what a file is that is not open. False where it is gone."""
        key: Key = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        if key in self._passed_over:
            return True
        if not os.access(path, os.R_OK, effective_ids=True) and path.exists():
            self.unreadable.add(path)
            return True
        self.unreadable.discard(path)
        content = opened_at(path, (status.st_dev, status.st_ino))
        if content is None:
            return False
        known = next((m for m in self.marks if m.is_at(status) and not is_retired(m)), None)
        if known is not None and is_same(known, content) and status.st_size >= known.offset:
            if known.finished and not content.is_gzip and status.st_size > known.offset:
                known.finished = False
            if known.finished:
                self._pass_over(key, content)
            else:
                known.path = str(path)
                self.open.append(Following(known, content, self._place_of(known)))
            return True
        if known is not None and not known.finished:
            self._rests.seek(known, self._place_of(known))
        if self._is_copy_of_one(content, status) or self._rests.want(content):
            content.close()
        elif any(is_all_of(mark, content) for mark in self.marks):
            self._pass_over(key, content)  # a compressed or copied form of what was read whole
        else:
            self._begin(path, content)
        return True

    def _is_copy_of_one(self, content: Content, status: os.stat_result) -> bool:
        """Tell whether this is, or is becoming, a copy of a file that is open."""
        young = time.time() - status.st_mtime < COPYING_SECONDS
        head = content.read(0, HEAD_BYTES)
        for one in self.open:
            size = one.content.refresh().st_size
            uncut = not one.content.is_gzip and is_same(one.mark, one.content)
            if uncut and not content.is_gzip and status.st_size > size:
                continue  # it goes on otherwise than what it begins like
            if is_copy(one.mark, content):
                return True
            if uncut and young and head and one.content.read(0, len(head)) == head:
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
        self._begun.append(Following(mark, content, self._next_place()))
        self.open.append(self._begun[-1])

    def _keep_begun(self) -> bool:
        """Forget the files that were begun in this look if names have moved since it began.

        Then one may have been another's when it was opened, and an older one may be missing.
        """
        begun, self._begun = self._begun, []
        if not begun or self._listing.is_current():
            return True
        for one in begun:
            one.content.close()
            self.open.remove(one)
            self.marks.remove(one.mark)
        return False

    def _pass_over(self, key: Key, content: Content) -> None:
        content.close()
        self._passed_over.add(key)

    def _forget(self) -> None:
        """Keep a bounded number of marks of finished files."""
        finished = [mark for mark in self.marks if mark.finished]
        for mark in finished[: max(0, len(finished) - FINISHED_KEPT)]:
            self.marks.remove(mark)
