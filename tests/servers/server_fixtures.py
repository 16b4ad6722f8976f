"""Real servers as fixtures: started for the first test that asks, shared by all of one process.

Where a server is not installed the tests that need it are skipped, and the end of the run says
so with the command that brings it.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest
from elastic_server import PASSWORD, USER, AttachedServer, ElasticServer
from postgres_server import PostgresServer
from process import ServerAbsent

T = TypeVar("T")

FACTS = pytest.StashKey[dict[str, str]]()
ABSENT = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Make room for what the run will say of servers."""
    config.stash[FACTS] = {}
    config.stash[ABSENT] = {}


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what a worker of pytest-xdist learnt to the process that prints."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["servers"] = (session.config.stash[FACTS], session.config.stash[ABSENT])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker learnt."""
    facts, absent = getattr(node, "workeroutput", {}).get("servers", ({}, {}))
    node.config.stash[FACTS].update(facts)
    node.config.stash[ABSENT].update(absent)


def or_skip(config: pytest.Config, name: str, start: Callable[[], T]) -> T:
    """Return a started server, or skip the test loudly."""
    try:
        return start()
    except ServerAbsent as absent:
        config.stash[ABSENT][name] = str(absent)
        pytest.skip(f"NO {name} HERE. This brings it: {absent}")


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Iterator[PostgresServer]:
    """A cluster without durability; ``postgres.create("name")`` gives an empty database's URL."""
    server = or_skip(pytestconfig, "PostgreSQL", PostgresServer)
    pytestconfig.stash[FACTS]["PostgreSQL"] = server.version
    yield server
    server.close()


@pytest.fixture(scope="session")
def elastic(pytestconfig: pytest.Config) -> Iterator[ElasticServer]:
    """A node with passwords and TLS; or the open one at ``TEST_ELASTIC_URL``."""
    running = os.environ.get("TEST_ELASTIC_URL")
    if running:
        yield AttachedServer(running)
        return
    server = or_skip(pytestconfig, "Elasticsearch", lambda: ElasticServer(secure=True))
    pytestconfig.stash[FACTS]["Elasticsearch, secured"] = server.facts
    yield server
    server.close()


@pytest.fixture(scope="session")
def open_elastic(pytestconfig: pytest.Config) -> Iterator[ElasticServer]:
    """A node without passwords, on plain loopback, which tests may kill and start again."""
    server = or_skip(pytestconfig, "Elasticsearch", ElasticServer)
    pytestconfig.stash[FACTS]["Elasticsearch, open"] = server.facts
    yield server
    server.close()


_PREFIXES = itertools.count(1)


@pytest.fixture(scope="module")
def module_elastic_settings(elastic: ElasticServer) -> Iterator[dict[str, object]]:
    """What `EventStoreSettings` needs for a prefix of its own, which is gone after the module."""
    yield from _own_prefix(elastic)


@pytest.fixture
def elastic_settings(elastic: ElasticServer) -> Iterator[dict[str, object]]:
    """What `EventStoreSettings` needs for a prefix of its own, which is gone after the test."""
    yield from _own_prefix(elastic)


def _own_prefix(elastic: ElasticServer) -> Iterator[dict[str, object]]:
    prefix = f"tests_{next(_PREFIXES)}"
    settings: dict[str, object] = {"kind": "elasticsearch", "url": elastic.url, "prefix": prefix}
    if elastic.secure:
        settings |= {"user": USER, "password": PASSWORD, "ca": elastic.ca}
    yield settings
    elastic.forget(prefix)


@pytest.hookimpl
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say which servers really ran, and which were absent."""
    for facts in config.stash[FACTS].values():
        terminalreporter.write_line(f"ran on {facts}")
    for name, command in config.stash[ABSENT].items():
        terminalreporter.write_line(
            f"NO {name}: tests on it were SKIPPED. This brings it: {command}", red=True, bold=True
        )
