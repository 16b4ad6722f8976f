"""Reads the rows of one query from somebody else's database; nothing is written there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from sentinel.errors import StorageError

AT_ONCE = 1000


def read_rows(url: str, query: str) -> Iterator[dict[str, Any]]:
    """Yield each row as column to value. ``url``: SQLAlchemy's. Raises StorageError.

    The message names the host and the kind of fault, never a password. The transaction is rolled
    back at the end: a query that writes leaves nothing.
    """
    try:
        parsed = make_url(url)
        engine = create_engine(parsed)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise StorageError(
            "the database URL is wrong, or its driver is not installed",
            hint="such as postgresql+psycopg://user@host/database",
        ) from error
    where = parsed.render_as_string(hide_password=True).split("?")[0]
    try:
        with engine.connect() as connection:
            rows = connection.execution_options(yield_per=AT_ONCE).execute(text(query))
            for row in rows.mappings():
                yield dict(row)
            connection.rollback()
    except SQLAlchemyError as error:
        raise StorageError(type(error).__name__, where=where, hint="is the query right?") from error
    finally:
        engine.dispose()
