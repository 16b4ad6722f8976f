"""Seals the rows of the case store again under the root key that is in force now.

What cannot be sealed again keeps opening by the roots before: segments of events, whose headers are
chained, files of evidence and documents, until their time is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from sqlalchemy import Column, Connection, Engine, Table, select, update

from sentinel.errors import StorageError
from sentinel.store.seal import AesGcmSealer
from sentinel.store.tables import (
    ACCOUNTS,
    ALERTS,
    API_TOKENS,
    BODY_KEYS,
    CASE_RECORDS,
    DEADLINES,
    DOCUMENTS,
    FINDINGS,
    IDEMPOTENCY,
    INCIDENTS,
    STATE,
    WEB_SESSIONS,
)
from sentinel.store.tables_watch import DEAD_LETTERS

AT_ONCE: Final = 500


class Place(NamedTuple):
    """A column of sealed values. ``context``: from a row's key to what its value is bound to."""

    table: Table
    column: Column[bytes]
    context: Callable[[str], str]


PLACES: Final = (
    *(
        Place(table, table.c.body, f"{name}:{{}}".format)
        for name, table in {
            "account": ACCOUNTS,
            "session": WEB_SESSIONS,
            "token": API_TOKENS,
            "finding": FINDINGS,
            "alert": ALERTS,
            "incident": INCIDENTS,
            "deadline": DEADLINES,
            "document": DOCUMENTS,
            "record": CASE_RECORDS,
            "idempotency": IDEMPOTENCY,
        }.items()
    ),
    Place(BODY_KEYS, BODY_KEYS.c.wrapped, "data-key:journal:{}".format),
    Place(STATE, STATE.c.value, str),
)


def reseal_cases(engine: Engine, sealer: AesGcmSealer) -> Iterator[tuple[str, int]]:
    """Seal every row again; yield each table with how many of its rows were sealed.

    Each slice is a transaction of its own, and a row that is done is passed over: killed, it is
    simply run again. The service may run meanwhile.
    """
    for place in PLACES:
        (key,) = place.table.primary_key.columns
        last, done, more = "", 0, True
        while more:
            with engine.begin() as connection:
                query = select(key, place.column).where(key > last).order_by(key).limit(AT_ONCE)
                rows = connection.execute(query).all()
                for name, sealed in rows:
                    again = _again(sealer, sealed, place.context(name))
                    if again is not None:
                        values = {place.column.name: again}
                        connection.execute(update(place.table).where(key == name).values(values))
                        done += 1
            more = len(rows) == AT_ONCE
            last = rows[-1][0] if rows else last
        yield place.table.name, done
    yield DEAD_LETTERS.name, _letters(engine, sealer)


def _letters(engine: Engine, sealer: AesGcmSealer) -> int:
    last, done, more = "", 0, True
    while more:
        with engine.begin() as connection:
            now, last, more = _letters_after(connection, sealer, last)
        done += now
    return done


def _letters_after(
    connection: Connection, sealer: AesGcmSealer, last: str
) -> tuple[int, str, bool]:
    table = DEAD_LETTERS.c
    query = select(table.id, table.sealed, table.context).where(table.id > last)
    rows = connection.execute(query.order_by(table.id).limit(AT_ONCE)).all()
    done = 0
    for row in rows:
        again = _again(sealer, row.sealed, row.context)
        if again is not None:
            connection.execute(update(DEAD_LETTERS).where(table.id == row.id).values(sealed=again))
            done += 1
    return done, rows[-1].id if rows else last, len(rows) == AT_ONCE


def _again(sealer: AesGcmSealer, sealed: bytes, context: str) -> bytes | None:
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
