"""Where a case store may lie, for the suites that hold for each: memory, a file, PostgreSQL."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from sentinel.store.sql_engine import open_engine
from sentinel.store.sql_schema import migrate

sys.path.insert(0, str(Path(__file__).parents[1] / "servers"))

from postgres_server import PostgresServer
from process import ServerAbsent

TARGETS = ["memory", "file", "postgresql"]
_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real server, with a database ``migrated`` from which others are copied."""
    try:
        server = PostgresServer()
    except ServerAbsent as absent:
        pytest.skip(f"NO POSTGRESQL HERE: nothing is shown of it. This brings it: {absent}")
    engine = open_engine(server.create("migrated"))
    migrate(engine)
    engine.dispose()
    yield server
    server.close()


def fresh_database(server: PostgresServer, template: str = "template1") -> str:
    """Return the address of a new database."""
    name = f"cases_{next(_NUMBERS)}"
    engine = create_engine(make_url(server.url()), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    engine.dispose()
    return server.url(name)


@pytest.fixture(params=TARGETS)
def case_target(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    """Where the store of this test lies."""
    if request.param == "memory":
        return ":memory:"
    if request.param == "file":
        return tmp_path / "cases.sqlite"
    return fresh_database(request.getfixturevalue("postgres"), "migrated")
