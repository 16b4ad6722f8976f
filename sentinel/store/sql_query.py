"""Reads the rows of one query from somebody else's database; nothing is written there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import (
    ArgumentError,
    NoSuchModuleError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)

from sentinel.errors import StorageError

AT_ONCE = 1000
SINCE = ":since"


def read_rows(url: str, query: str, *, since: str = "") -> Iterator[dict[str, Any]]:
    """Yield each row as column to value, all of them. ``url``: SQLAlchemy's. Raises StorageError.

    ``:since`` in the query stands for ``since``. The message names the host and what the database
    said of the query or the connection; never a password, and nothing that may quote a row. The
    transaction is rolled back at the end: a query that writes leaves nothing.
    """
    try:
        parsed = make_url(url)
        engine = create_engine(parsed)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise StorageError(
            f"this database URL cannot be used ({type(error).__name__})",
            hint="such as postgresql+psycopg://user@host/database; is its driver installed?",
        ) from error
    where = parsed.render_as_string(hide_password=True).split("?")[0]
    bound = {"since": since} if SINCE in query else {}
    try:
        with engine.connect() as connection:
            streamed = connection.execution_options(yield_per=AT_ONCE)
            for row in streamed.execute(text(query), bound).mappings():
                yield dict(row)
            connection.rollback()
    except SQLAlchemyError as error:
        raise StorageError(
            f"the query failed: {_told(error)}", where=where, hint="is the query right?"
        ) from error
    finally:
        engine.dispose()


def _told(error: SQLAlchemyError) -> str:
    """Return what is wrong with query or connection; of a row's value only the kind of fault."""
    if isinstance(error, OperationalError | ProgrammingError):
        return str(error.orig).splitlines()[0]
    return type(error).__name__
