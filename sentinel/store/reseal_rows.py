"""Seals the rows of a table again under the root key that is in force now, a slice at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from sqlalchemy import Column, Engine, Table, and_, select, tuple_, update

from sentinel.errors import StorageError
from sentinel.store.seal import AesGcmSealer

AT_ONCE: Final = 500


class Place(NamedTuple):
    """A column of sealed values. ``context``: from a row's key to what its value is bound to."""

    table: Table
    column: Column[bytes]
    context: Callable[[str], str]


def reseal_rows(engine: Engine, sealer: AesGcmSealer, place: Place) -> int:
    """Seal every value of a column again; return how many needed it.

    Each slice is a transaction of its own, and a row that is done is passed over: killed, it is
    simply run again. The service may run meanwhile. Raises StorageError.
    """
    keys = list(place.table.primary_key.columns)
    order = tuple_(*keys)
    query = select(*keys, place.column).order_by(*keys).limit(AT_ONCE)
    done, slice_ = 0, query
    while True:
        with engine.begin() as connection:
            rows = connection.execute(slice_).all()
            for *key, sealed in rows:
                again = resealed(sealer, sealed, place.context(key[0]))
                if again is not None:
                    here = and_(*(one == value for one, value in zip(keys, key, strict=True)))
                    values = {place.column.name: again}
                    connection.execute(update(place.table).where(here).values(values))
                    done += 1
        if len(rows) < AT_ONCE:
            return done
        slice_ = query.where(order > tuple_(*rows[-1][:-1]))


def resealed(sealer: AesGcmSealer, sealed: bytes, context: str) -> bytes | None:
    """Return a value sealed again; None where it needs not be, or is not sealed at all."""
    if not sealer.knows(sealed) or sealer.is_current(sealed):
        return None
    try:
        return sealer.seal(sealer.open(sealed, context=context), context=context)
    except StorageError as error:
        raise StorageError(
            "a row cannot be sealed again: nothing of it was changed", where=context,
            hint=str(error),
        ) from error  # fmt: skip
