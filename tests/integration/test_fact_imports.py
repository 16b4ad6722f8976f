"""Facts fetched from files and databases: pseudonymised on the way in, once, never in silence."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sentinel.app import parts
from sentinel.app.fact_imports import FactImports
from sentinel.clock import ManualClock
from sentinel.config import Settings
from sentinel.detect.scope.facts import fact_from_event
from sentinel.domain.event import Event
from sentinel.domain.scope import Fact
from sentinel.errors import ConfigError
from sentinel.obs.metrics import Metrics
from sentinel.store.case_store import SqlCaseStore

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CSV = (
    "id,customer,staff,valid_from,valid_to,recorded_at\n"
    "T1,C00001,a.martin,2026-03-01T09:00:00Z,,2026-03-01T09:00:00Z\n"
    "T2,C00002,a.martin,2026-03-01T10:00:00Z,,2026-03-01T10:00:00Z\n"
)


def write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


class Spool:
    """Takes what the intake made, as the real one does, and gives it back."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def append(self, events: list[Event]) -> int:
        self.events += events
        return len(self.events)

    @property
    def facts(self) -> list[Fact]:
        return [fact for event in self.events if (fact := fact_from_event(event)) is not None]


class Desk:
    def __init__(self, folder: Path, *imports: dict[str, Any]) -> None:
        self.folder, self.clock, self.spool = folder, ManualClock(NOW), Spool()
        settings = Settings.model_validate(
            {
                "data_dir": folder / "var",
                "keys": {"master": bytes(range(32)).hex()},
                "sources": [
                    {
                        "name": "backoffice",
                        "format": "csv",
                        "profile": "business-facts",
                        "token": "t",
                    }
                ],
                "scope": {"imports": list(imports)},
            }
        )
        sealer = parts.open_sealer(settings)
        self.cases: SqlCaseStore = parts.open_cases(settings, sealer, self.clock)
        self.settings = settings
        self.intakes = parts.make_intakes(settings, sealer, self.clock)
        self.imports = self.again()

    def again(self) -> FactImports:
        self.metrics = Metrics()
        return FactImports(
            self.settings, self.intakes, self.spool, self.in_store, self.clock, self.metrics
        )

    def counted(self, name: str, which: str, **labels: str) -> float | None:
        found = self.metrics.registry
        return found.get_sample_value(f"sentinel_import_{name}", {"name": which, **labels})

    async def in_store(self, function: Any) -> Any:
        with self.cases.begin() as tx:
            return function(tx)

    async def later(self) -> None:
        self.clock.advance(timedelta(minutes=30))
        await self.imports.look()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "ticket.csv").write_text(CSV, encoding="utf-8")
    return tmp_path / "ticket.csv"


@pytest.fixture
def desk(tmp_path: Path, file: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, {"name": "ticket", "path": file})
    yield made
    made.cases.close()


async def test_rows_become_facts_under_pseudonyms(desk: Desk) -> None:
    await desk.imports.look()
    first, second = desk.spool.facts
    assert (first.kind, first.id) == ("ticket", "T1")
    assert first.subject.startswith("sub_")
    assert first.actor.startswith("usr_")
    assert first.actor == second.actor
    assert first.valid_from == datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert "a.martin" not in str(desk.spool.events[0].fields)
    state = desk.imports.status["ticket"]
    assert (state.rows, state.sent, state.skipped, state.fault) == (2, 2, 0, "")


async def test_a_row_is_sent_once_also_after_a_restart(desk: Desk, file: Path) -> None:
    await desk.imports.look()
    await desk.later()
    desk.imports = desk.again()
    write(file, CSV + "T3,C00003,b.petit,2026-03-01T11:00:00Z,,2026-03-01T11:00:00Z\n")
    await desk.later()
    assert [fact.id for fact in desk.spool.facts] == ["T1", "T2", "T3"]


async def test_a_changed_row_is_news(desk: Desk, file: Path) -> None:
    await desk.imports.look()
    closed = CSV.replace(",,2026-03-01T09", ",2026-03-02T09:00:00Z,2026-03-02T09", 1)
    write(file, closed)
    await desk.later()
    assert [fact.id for fact in desk.spool.facts] == ["T1", "T2", "T1"]
    assert desk.spool.facts[-1].valid_to == datetime(2026, 3, 2, 9, tzinfo=UTC)


async def test_it_looks_no_more_often_than_it_is_told(desk: Desk, file: Path) -> None:
    await desk.imports.look()
    write(file, CSV.replace("T2", "T9"))
    await desk.imports.look()
    assert len(desk.spool.facts) == 2


async def test_a_wrong_row_is_skipped_counted_and_said(desk: Desk, file: Path) -> None:
    write(file, CSV + "T3,C3,b,when,,2026-03-01T11:00:00Z\n")
    await desk.imports.look()
    state = desk.imports.status["ticket"]
    assert (state.rows, state.sent, state.skipped) == (3, 2, 1)
    assert "ticket.csv:4" in state.fault
    assert "not an instant" in state.fault
    told = desk.imports.told()
    assert told == [
        {"name": "ticket", "at": NOW, "rows": 3, "sent": 2, "skipped": 1, "fault": True}
    ]
    assert desk.counted("rows_total", "ticket", outcome="sent") == 2
    assert desk.counted("rows_total", "ticket", outcome="skipped") == 1
    assert desk.counted("failing", "ticket") == 0


async def test_a_missing_file_stops_no_other_import(tmp_path: Path, file: Path) -> None:
    desk = Desk(
        tmp_path, {"name": "gone", "path": tmp_path / "gone.csv"}, {"name": "ticket", "path": file}
    )
    await desk.imports.look()
    assert "gone.csv" in desk.imports.status["gone"].fault
    assert [desk.counted("failing", name) for name in ("gone", "ticket")] == [1, 0]
    assert len(desk.spool.facts) == 2
    desk.cases.close()


@pytest.mark.parametrize("suffix", ["json", "ndjson"])
async def test_json_is_read_too(tmp_path: Path, suffix: str) -> None:
    row = '{"id": "A1", "customer": "C00001", "staff": "a", "valid_from": "2026-03-01T09:00:00Z"}'
    path = tmp_path / f"rows.{suffix}"
    path.write_text(f"[{row}]" if suffix == "json" else row + "\n", encoding="utf-8")
    desk = Desk(tmp_path, {"name": "assignments", "path": path, "kind": "assignment"})
    await desk.imports.look()
    assert [(fact.kind, fact.id) for fact in desk.spool.facts] == [("assignment", "A1")]
    desk.cases.close()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "office.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table t (id, customer, staff, valid_from, recorded_at)")
        connection.executemany(
            "insert into t values (?, ?, ?, ?, ?)",
            [
                ("T1", "C00001", "a", "2026-03-01T09:00:00Z", "2026-03-01T09:00:00.000Z"),
                ("T2", "C00002", "a", "2026-03-01T10:00:00Z", "2026-03-01T10:00:00.000Z"),
            ],
        )
    connection.close()
    return path


async def test_a_query_goes_on_where_it_stood(tmp_path: Path, database: Path) -> None:
    query = "select * from t where recorded_at >= :since order by recorded_at"
    url = f"sqlite:///{database}"
    desk = Desk(tmp_path, {"name": "sql", "url": url, "query": query, "kind": "ticket"})
    await desk.imports.look()
    assert [fact.id for fact in desk.spool.facts] == ["T1", "T2"]
    connection = sqlite3.connect(database)
    connection.execute(
        "insert into t values ('T3', 'C3', 'a', '2026-03-02T09:00:00Z', '2026-03-02T09:00:00.000Z')"
    )
    connection.commit()
    connection.close()
    await desk.later()
    assert [fact.id for fact in desk.spool.facts] == ["T1", "T2", "T3"]
    assert desk.imports.status["sql"].rows == 4  # T2 was read again, for it lies on the edge
    desk.cases.close()


@pytest.mark.parametrize(
    ("url", "query", "says"),
    [
        ("sqlite:////nowhere/at/all.db", "select 1", "unable to open"),
        ("sqlite://", "select * from absent", "no such table"),
        ("nosuch://u:secret@example.org/x", "select 1", "cannot be used"),
    ],
)
async def test_a_database_that_refuses_is_told_without_its_password(
    tmp_path: Path, url: str, query: str, says: str
) -> None:
    desk = Desk(tmp_path, {"name": "sql", "url": url, "query": query})
    await desk.imports.look()
    fault = desk.imports.status["sql"].fault
    assert says in fault
    assert "secret" not in fault
    desk.cases.close()


def test_an_import_names_a_declared_source(tmp_path: Path, file: Path) -> None:
    with pytest.raises(ConfigError, match="not declared"):
        Desk(tmp_path, {"name": "x", "path": file, "source": "elsewhere"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "x"},
        {"name": "x", "path": "a.csv", "url": "sqlite://"},
        {"name": "x", "url": "sqlite://"},
        {"name": "x", "url": "sqlite://", "query": "delete from t"},
    ],
)
def test_a_wrong_import_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"import|query|url"):
        Settings.model_validate({"scope": {"imports": [wrong]}})
