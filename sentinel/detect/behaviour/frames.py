"""What the service and the model's process say to each other: one MessagePack value a frame.

A frame is its length in four bytes, big-endian, then the value. Only steps of sessions cross the
pipe: no user, no event id, no address.
"""

from __future__ import annotations

import asyncio
import struct
from typing import Any, BinaryIO

import msgspec

from sentinel.detect.behaviour.model import Score
from sentinel.detect.behaviour.sessions import Step

_LENGTH = struct.Struct(">I")
LONGEST = 256 * 1024 * 1024


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The model is loaded."""

    threshold: float


class Broken(msgspec.Struct, frozen=True, tag="broken"):
    """The model cannot be loaded, and why; the process ends after it."""

    message: str


class Scores(msgspec.Struct, frozen=True, tag="scores"):
    """One score for each session asked, in order; None where the model failed on that one."""

    scores: list[Score | None]


class Ask(msgspec.Struct, frozen=True):
    """Sessions to score."""

    sessions: list[tuple[Step, ...]]


Reply = Ready | Broken | Scores


def frame(value: Any) -> bytes:
    """Return ``value`` as a frame."""
    body = msgspec.msgpack.encode(value)
    return _LENGTH.pack(len(body)) + body


def read_ask(stream: BinaryIO) -> Ask | None:
    """Read the next question; None at the end of the stream, even inside a frame."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = stream.read(length)
    return msgspec.msgpack.decode(body, type=Ask) if len(body) == length else None


async def read_reply(stream: asyncio.StreamReader) -> Reply:
    """Read the next answer. Raises EOFError (asyncio.IncompleteReadError), ValueError."""
    (length,) = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
    if length > LONGEST:
        raise ValueError("a frame is longer than any answer")
    body = await stream.readexactly(length)
    reply: Reply = msgspec.msgpack.decode(body, type=Reply)
    return reply
