"""Events as documents: columns in clear, the whole event sealed beside them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
import zstandard

from sentinel.domain.event import Event
from sentinel.domain.hunt import ID
from sentinel.domain.hunt_match import class_of, text_of, values_of
from sentinel.errors import StorageError
from sentinel.store.elastic import columns
from sentinel.store.payload import encode
from sentinel.store.ports import Sealer

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)
_LONG = 1 << 63
_LOWERS_TO_ASCII = frozenset("\u0130\u212a")
"""Characters whose lower case has ASCII letters: Elasticsearch folds the case of ASCII alone."""


class Codec:
    """Makes documents under one key and opens them."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def documents(self, events: Sequence[Event], *, last_offset: int) -> list[bytes]:
        """Return each event as JSON. Raises UnstorableEvent, naming the event."""
        packer = zstandard.ZstdCompressor(level=1)
        out: list[bytes] = []
        for position, (event, packed) in enumerate(zip(events, encode(events), strict=True)):
            sealed = self._sealer.seal(packer.compress(packed), context=_context(event.id))
            document = _columns_of(event)
            document[columns.OFFSET] = last_offset
            document[columns.POSITION] = position
            document[columns.BODY] = base64.b64encode(sealed).decode()
            out.append(msgspec.json.encode(document))
        return out

    def event(self, hit: dict[str, Any]) -> Event:
        """Return the event of a search hit. Raises StorageError where it was altered."""
        event_id, where = hit["_id"], f"{hit['_index']}/{hit['_id']}"
        try:
            sealed = base64.b64decode(hit["_source"][columns.BODY], validate=True)
            packed = self._sealer.open(sealed, context=_context(event_id))
            event = msgspec.msgpack.decode(
                zstandard.ZstdDecompressor().decompress(packed), type=Event
            )
        except StorageError as error:
            raise StorageError(error.detail, where=where, hint=error.hint) from error
        except (KeyError, ValueError, zstandard.ZstdError, msgspec.MsgspecError) as error:
            raise StorageError(f"a document cannot be read: {error}", where=where) from error
        return event


def micros(instant: datetime) -> int:
    """Return microseconds since 1970, exactly."""
    return (instant - EPOCH) // _MICRO


def instant(count: int) -> datetime:
    """Return the instant so many microseconds after 1970, UTC."""
    return EPOCH + count * _MICRO


def class_term(kind: str) -> str:
    """Return the term of a retention class."""
    return kind if _fits(kind) else f"sha256:{sha256(kind.encode()).hexdigest()}"


def _context(event_id: str) -> str:
    return f"event:stored:{event_id}"


def _columns_of(event: Event) -> dict[str, Any]:
    time = micros(event.time)
    document: dict[str, Any] = {
        columns.TIMESTAMP: time // 1000,
        columns.MICROS: time,
        columns.CLASS: class_term(class_of(event)),
    }
    odd = ID in event.fields
    for name in columns.COLUMNS:
        values = [event.id] if name == ID else values_of(event, name)
        if not values:
            continue
        texts = [text_of(value) for value in values]
        kept = [text for text in texts if _fits(text)]
        odd = odd or len(kept) < len(texts) or any(not _LOWERS_TO_ASCII.isdisjoint(t) for t in kept)
        document[columns.text_column(name)] = kept
        if name in columns.NUMBERS:
            numbers = [whole for value in values if (whole := _whole(value)) is not None]
            odd = odd or len(numbers) < sum(map(_is_number, values))
            document[name] = numbers
    if odd:
        document[columns.ODD] = True
    return document


def _fits(text: str) -> bool:
    return len(text) <= columns.LONGEST // 4 or len(text.encode()) <= columns.LONGEST


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: object) -> int | None:
    """Return a number as 64 bits hold it, None for what is none or does not fit."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not value.is_integer():
        return None
    return int(value) if -_LONG <= value < _LONG else None
