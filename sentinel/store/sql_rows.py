"""Read rows from somebody else's database, for imports: one query, nothing written."""

from __future__ import annotations

from typing import Any

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from sentinel.errors import ConfigError, UnreadableFile

MOST_ROWS = 200_000
SINCE = ":since"


def read_rows(url: str, query: str, *, since: str) -> list[dict[str, Any]]:
    """Return at most 200,000 rows of ``query``; ``:since`` in it stands for ``since``.

    The transaction is rolled back. Raises ConfigError for a URL or a driver that cannot be used,
    UnreadableFile where the database refuses; the message never holds the password.
    """
    try:
        engine = create_engine(make_url(url))
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        kind = type(error).__name__
        raise ConfigError(
            f"this database URL cannot be used ({kind})", hint="is its driver installed?"
        ) from error
    try:
        with engine.connect() as connection:
            bound = {"since": since} if SINCE in query else {}
            rows = connection.execute(text(query), bound).mappings().fetchmany(MOST_ROWS)
            connection.rollback()
            return [dict(row) for row in rows]
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        where = engine.url.render_as_string(hide_password=True)
        raise UnreadableFile(f"the query failed: {cause}".splitlines()[0], where=where) from error
    finally:
        engine.dispose()
