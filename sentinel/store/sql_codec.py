"""Between structs and columns: instants as integers, bodies as JSON, sealed where they must be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec

from sentinel.errors import StorageError
from sentinel.store.ports import Sealer

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

S = TypeVar("S", bound=msgspec.Struct)


def to_us(instant: datetime) -> int:
    """Return an aware instant as microseconds since 1970-01-01T00:00Z, exactly."""
    if instant.tzinfo is None:
        raise ValueError("an instant to store needs a zone")
    return (instant - _EPOCH) // _MICROSECOND


def from_us(value: int) -> datetime:
    """Return the instant, UTC, of ``value`` microseconds since 1970."""
    return _EPOCH + value * _MICROSECOND


class SealedBodies:
    """Writes and reads sealed JSON. The context binds a body to its row: none can be swapped."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def write(self, record: object, context: str) -> bytes:
        """Return ``record`` as sealed JSON."""
        return self._sealer.seal(msgspec.json.encode(record), context=context)

    def read(self, sealed: bytes, kind: type[S], context: str) -> S:
        """Return the record. Raises StorageError where it cannot be opened or understood."""
        return decode(self._sealer.open(sealed, context=context), kind, context)

    def seal(self, plaintext: bytes, context: str) -> bytes:
        """Return bytes sealed: a data key, say."""
        return self._sealer.seal(plaintext, context=context)

    def open(self, sealed: bytes, context: str) -> bytes:
        """Return bytes that `seal` sealed. Raises StorageError."""
        return self._sealer.open(sealed, context=context)

    def read_any(self, sealed: bytes, context: str) -> object:
        """Return JSON of any shape."""
        return msgspec.json.decode(self._sealer.open(sealed, context=context))


def decode(body: bytes | str, kind: type[S], where: str) -> S:
    """Return the struct written as JSON. Raises StorageError where it does not fit ``kind``."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise StorageError(f"a {kind.__name__} cannot be read: {error}", where=where) from error
