"""Verifies the journal from its first line, a page at a time, against anchors kept elsewhere.

Inside the chain an altered, removed, moved or inserted line shows by itself. A cut tail, or a chain
rewritten from some line on, shows against an anchor only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import msgspec

from sentinel.domain.anchor import Anchor
from sentinel.domain.journal import Break, JournalLine, verify
from sentinel.respond.anchoring import PURGED, digest
from sentinel.store.ports import CaseTx

PAGE = 5_000


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """``lines``: how many there are; ``anchors``: how many were held against them."""

    lines: int
    anchors: int
    breaks: tuple[Break, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.breaks


def verify_journal(tx: CaseTx) -> list[Break]:
    """Return every break of the chain; empty means that it holds.

    A cut tail cannot be seen from inside: see `check`.
    """
    return list(check(all_lines(tx)).breaks)


def check(lines: Iterable[JournalLine], anchors: Sequence[Anchor] = ()) -> Verdict:
    """Verify a chain from its first line, and hold it against ``anchors``, whose signatures the
    caller has verified.
    """  # noqa: D205
    watch = _Watch(anchors)
    breaks = verify(watch.through(lines))
    found = [*breaks, *watch.after(), *_broken_anchors(anchors)]
    ordered = sorted(found, key=lambda one: one.seq)
    return Verdict(lines=watch.count, anchors=len(anchors), breaks=tuple(ordered))


class _Watch:
    """Looks at the lines as they pass: which payloads are empty, what the anchors expect."""

    def __init__(self, anchors: Sequence[Anchor]) -> None:
        self.count = 0
        self._wanted = {anchor.last_seq: anchor for anchor in anchors}
        self._breaks: list[Break] = []
        self._empty: list[int] = []
        self._purged_to = 0
        self._last = 0

    def through(self, lines: Iterable[JournalLine]) -> Iterator[JournalLine]:
        for line in lines:
            self.count += 1
            self._last = line.seq
            if not line.payload:
                self._empty.append(line.seq)
            if line.action == PURGED:
                self._purged_to = max(self._purged_to, _up_to(line.object))
            anchor = self._wanted.pop(line.seq, None)
            if anchor is not None and anchor.hash != line.hash:
                self._breaks.append(
                    Break(
                        line.seq,
                        f"it is not what the anchor of {anchor.day} says: the chain was "
                        f"rewritten at or before this line",
                    )
                )
            yield line

    def after(self) -> list[Break]:
        missing = [
            Break(seq, f"the anchor of {one.day} knows this line and it is gone: a tail was cut")
            for seq, one in sorted(self._wanted.items())
        ]
        unpurged = [
            Break(seq, "the payload is empty, and no purge says so")
            for seq in self._empty
            if seq > self._purged_to
        ]
        return [*self._breaks, *missing, *unpurged]


def _broken_anchors(anchors: Sequence[Anchor]) -> Iterator[Break]:
    """Yield what does not fit in a full row of anchors; a single one has no neighbour."""
    ordered = sorted(anchors, key=lambda one: one.last_seq)
    for before, after in pairwise(ordered):
        follows = after.first_seq == before.last_seq + 1
        if follows and after.previous != digest(before):
            yield Break(after.last_seq, f"the anchor of {after.day} does not follow the one before")


def _up_to(object_id: str) -> int:
    last = object_id.rpartition("-")[2]
    return int(last) if last.isascii() and last.isdigit() else 0


def all_lines(tx: CaseTx) -> Iterator[JournalLine]:
    """Yield every line in order, a page at a time."""
    after = 0
    while page := tx.journal.lines(after=after, limit=PAGE):
        yield from page
        after = page[-1].seq
