"""Seals the rows of the case store again under the root key that is in force now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, Engine, select, update

from sentinel.store.reseal_rows import AT_ONCE, Place, reseal_rows, resealed
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
        yield place.table.name, reseal_rows(engine, sealer, place)
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
        again = resealed(sealer, row.sealed, row.context)
        if again is not None:
            connection.execute(update(DEAD_LETTERS).where(table.id == row.id).values(sealed=again))
            done += 1
    return done, rows[-1].id if rows else last, len(rows) == AT_ONCE
