"""The next whole lines of a file from a place on."""

from __future__ import annotations

import msgspec

from sentinel.collect.inputs.tail_identity import Content

CHUNK = 1024 * 1024


class Lines(msgspec.Struct, frozen=True):
    """Lines with the places where they begin. ``end``: where the next one will begin."""

    found: list[tuple[int, bytes]]
    end: int


def whole_lines(
    content: Content, offset: int, *, most: int, longest: int, last: bool = False
) -> Lines:
    """Return up to ``most`` lines from ``offset`` on, without their ends.

    A last line without its end waits for it; ``last``: it is taken as it is. Of a line above
    ``longest`` bytes the start is returned, one byte too long, and the rest passed over.
    """
    data = content.read(offset, max(CHUNK, longest + 1))
    found: list[tuple[int, bytes]] = []
    start = 0
    while len(found) < most and (end := data.find(b"\n", start)) >= 0:
        found.append((offset + start, data[start : min(end, start + longest + 1)]))
        start = end + 1
    if found or not data:
        return Lines(found, offset + start)
    if len(data) > longest:
        after = _end_of_line(content, offset + len(data))
        if after is None and not last:
            return Lines([], offset)
        end = after if after is not None else _size(content, offset + len(data))
        return Lines([(offset, data[: longest + 1])], end)
    if last:
        return Lines([(offset, data)], offset + len(data))
    return Lines([], offset)


def _end_of_line(content: Content, offset: int) -> int | None:
    while data := content.read(offset, CHUNK):
        end = data.find(b"\n")
        if end >= 0:
            return offset + end + 1
        offset += len(data)
    return None


def _size(content: Content, offset: int) -> int:
    while data := content.read(offset, CHUNK):
        offset += len(data)
    return offset
