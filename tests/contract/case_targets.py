"""Where a case store may lie, for the suites that hold for each: memory, a file, PostgreSQL."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from postgres_server import PostgresServer
from sqlalchemy import create_engine, make_url, text

from sentinel.store.sql_engine import open_engine
from sentinel.store.sql_schema import migrate

TARGETS = ["memory", "file", "postgresql"]
_NUMBERS = itertools.count()
_MIGRATED: set[Path] = set()


@pytest.fixture(scope="session")
def migrated(postgres: PostgresServer) -> PostgresServer:
    """The real server, with a database ``migrated`` from which others are copied."""
    if postgres.folder not in _MIGRATED:  # each module that imports this has its own fixture
        engine = open_engine(postgres.create("migrated"))
        migrate(engine)
        engine.dispose()
        _MIGRATED.add(postgres.folder)
    return postgres


def fresh_database(server: PostgresServer, template: str = "template1") -> str:
    """Return the address of a new database."""
    name = f"contract_{next(_NUMBERS)}"
    engine = create_engine(make_url(server.url()), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    engine.dispose()
    return server.url(name)


def target_of(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    """Return where the store of this test lies; ``request.param`` is one of `TARGETS`."""
    if request.param == "memory":
        return ":memory:"
    if request.param == "file":
        return tmp_path / "cases.sqlite"
    return fresh_database(request.getfixturevalue("migrated"), "migrated")
