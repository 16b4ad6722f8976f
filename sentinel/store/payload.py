"""Events as bytes: a MessagePack array of `Event`, compressed by zstd at level 1.

What is acknowledged must be readable: `encode` decodes what it wrote before anybody relies on it,
so that one event with an impossible value is refused and not met again by every reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import zstandard

from sentinel.domain.event import Event
from sentinel.errors import SentinelError, StorageError

_ARRAY32 = 0xDD
_LEVEL = 1
_ITEMS = msgspec.msgpack.Decoder(list[msgspec.Raw])


class UnstorableEvent(SentinelError):
    """An event cannot be stored."""


def encode(events: Sequence[Event]) -> list[bytes]:
    """Return one MessagePack map an event. Raises UnstorableEvent, naming the event."""
    encoder = msgspec.msgpack.Encoder()
    decoder = msgspec.msgpack.Decoder(Event)
    maps: list[bytes] = []
    for event in events:
        try:
            body = encoder.encode(event)
            back = decoder.decode(body)
        except (
            msgspec.MsgspecError,
            TypeError,
            ValueError,
            OverflowError,
            RecursionError,
        ) as error:
            raise _unstorable(event, str(error)) from error
        if back.time.tzinfo is None:
            raise _unstorable(event, "its time has no zone")
        maps.append(body)
    return maps


def pack(maps: Iterable[bytes]) -> bytes:
    """Join encoded events into one compressed array."""
    items = list(maps)
    raw = bytes([_ARRAY32]) + len(items).to_bytes(4, "big") + b"".join(items)
    return zstandard.ZstdCompressor(level=_LEVEL).compress(raw)


def unpack(packed: bytes, *, where: str) -> list[Event]:
    """Return the events of one array. Raises StorageError at ``where``."""
    try:
        raw = zstandard.ZstdDecompressor().decompress(packed)
        # One by one, in a thread: one call for a block of 100,000 would stop the event loop too.
        decoder = msgspec.msgpack.Decoder(Event)
        return [decoder.decode(item) for item in _ITEMS.decode(raw)]
    except (zstandard.ZstdError, msgspec.MsgspecError) as error:
        raise StorageError(f"a block cannot be read: {error}", where=where) from error


def _unstorable(event: Event, why: str) -> UnstorableEvent:
    return UnstorableEvent(
        why,
        where=event.ref or event.source,
        hint="the parser of this source yields a value that is no ECS scalar or list",
    )
