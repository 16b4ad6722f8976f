r"""Where one syslog message ends and the next begins on a stream (RFC 6587, section 3.4).

A connection uses octet counting (``17 <13>1 - - - - - -``) or ends each message by a line feed;
which one, its first byte says: a digit, or anything else. Bytes may be cut anywhere.
"""

from __future__ import annotations

import re

import msgspec

_COUNT = re.compile(rb"([1-9]\d{0,8}) ")
_MAYBE_COUNT = re.compile(rb"[1-9]\d{0,8}")
_END = b"\n"
_TRAILERS = b"\r\n\x00"
CUT_SHORT = "the connection ended within the message"
BAD_COUNT = "no message length where one is due"


class Frame(msgspec.Struct, frozen=True):
    """One message. ``fault``: why it is not whole, or no message."""

    raw: bytes
    fault: str = ""


class Splitter:
    """Splits one connection's bytes. ``longest``: bytes kept of a message; the rest is skipped."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._buffer = b""
        self._counted: bool | None = None
        self._skip = 0
        self._skip_line = False

    def feed(self, data: bytes) -> list[Frame]:
        """Take what was read; return the messages that are whole now."""
        data = self._buffer + data if self._buffer else data
        self._buffer = b""
        frames: list[Frame] = []
        if self._counted is None and data:
            self._counted = b"1"[0] <= data[0] <= b"9"[0]
        if self._counted:
            data = self._feed_counted(data, frames)
        if not self._counted:
            self._feed_lines(data, frames)
        return frames

    def end(self) -> list[Frame]:
        """Return what the connection's end cut short."""
        rest, self._buffer = self._buffer.strip(_TRAILERS), b""
        return [Frame(rest[: self._longest], CUT_SHORT)] if rest else []

    def _feed_counted(self, data: bytes, frames: list[Frame]) -> bytes:
        position, size = 0, len(data)
        while position < size:
            if self._skip:
                step = min(self._skip, size - position)
                self._skip -= step
                position += step
                continue
            match = _COUNT.match(data, position)
            if match is None:
                rest = data[position:]
                if _MAYBE_COUNT.fullmatch(rest):
                    self._buffer = rest
                    return b""
                # Whoever sends other than counts is read by lines from here on.
                self._counted = False
                line, _, after = rest.partition(_END)
                if line.strip(_TRAILERS):
                    frames.append(Frame(line[: self._longest], BAD_COUNT))
                return after
            start, length = match.end(), int(match[1])
            if length > self._longest:
                if size - start < self._longest:
                    self._buffer = data[position:]
                    return b""
                frames.append(Frame(data[start : start + self._longest + 1]))
                position, self._skip = start, length
            elif size - start < length:
                self._buffer = data[position:]
                return b""
            else:
                frames.append(Frame(data[start : start + length]))
                position = start + length
        return b""

    def _feed_lines(self, data: bytes, frames: list[Frame]) -> None:
        if self._skip_line:
            _, found, data = data.partition(_END)
            self._skip_line = not found
            if not found:
                return
        lines = data.split(_END)
        rest = lines.pop()
        frames += [Frame(line) for line in lines if line.strip(_TRAILERS)]
        if len(rest) > self._longest:
            frames.append(Frame(rest[: self._longest + 1]))
            self._skip_line = True
        else:
            self._buffer = rest
