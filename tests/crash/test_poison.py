"""One event, fact or finding that our code cannot bear stops nothing: counted, kept, passed."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession

from sentinel.app.service import Sentinel
from sentinel.config import Settings
from sentinel.detect.behaviour.monitor import Behaviour
from sentinel.detect.engine import RuleEngine
from sentinel.detect.faults import NOT_JUDGED
from sentinel.detect.scope.engine import ScopeEngine
from sentinel.detect.scope.facts import FactIndex
from sentinel.domain.alert import Alert
from sentinel.domain.event import SCOPE_VERDICT, Event
from sentinel.domain.finding import Finding
from sentinel.domain.journal import JournalLine
from sentinel.domain.scope import Fact
from sentinel.errors import StorageError
from sentinel.respond.fold import Folder
from sentinel.store.events_segments import SegmentEventStore
from sentinel.store.ports import CaseTx
from sentinel.store.sql_small import SqlFacts
from sentinel.web.serve import Servers

SOURCES = {"crm": ("json", "crm-audit"), "backoffice": ("csv", "business-facts")}
POISON = "poison.read"


def _settings(folder: Path) -> Settings:
    return Settings.model_validate(
        {
            "data_dir": folder / "var",
            "keys": {"master": bytes(range(32)).hex()},
            "collector": {"port": 0},
            "behaviour": {"enabled": False},
            "scope": {
                "staff": {
                    "informed_on": "2026-01-05",
                    "informed_how": "a note",
                    "dpia_on": "2025-12-15",
                }
            },
            "sources": [
                {"name": name, "format": fmt, "profile": profile, "token": f"token-{name}"}
                for name, (fmt, profile) in SOURCES.items()
            ],
        }
    )


def _line(number: int, action: str = "session.login", *, actor: str = "a.admin") -> dict[str, Any]:
    line: dict[str, Any] = {
        "id": f"crm-{number:06d}",
        "time": "2026-01-02T03:04:05.678Z",
        "actor": {"id": actor, "kind": "staff", "roles": ["admin"], "team": "it"},
        "action": action,
        "outcome": "success",
        "mfa": action != "session.login",
        "ip": "192.0.2.4",
    }
    if action == POISON:
        line |= {"customers": ["C00123"], "category": "identity"}
    return line


Post = Callable[[Sequence[dict[str, Any]] | str], Awaitable[None]]


@asynccontextmanager
async def _running(folder: Path) -> AsyncIterator[tuple[Sentinel, Post]]:
    settings = _settings(folder)
    service = await Sentinel.open(settings)
    servers = Servers()
    try:
        await service.start()
        url = await servers.open(service.collector(), settings.collector)
        async with ClientSession() as client:

            async def post(lines: Sequence[dict[str, Any]] | str) -> None:
                facts = isinstance(lines, str)
                body = lines.encode() if facts else b"\n".join(map(msgspec.json.encode, lines))
                token = "token-backoffice" if facts else "token-crm"
                headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"}
                async with client.post(f"{url}/v1/events", data=body, headers=headers) as answer:
                    assert answer.status == 200, await answer.text()

            yield service, post
    finally:
        await servers.close()
        await service.stop()


async def _judged(service: Sentinel) -> None:
    """Wait until detection, running by itself, has caught up."""
    async with asyncio.timeout(20):
        while service.lag:  # noqa: ASYNC110 - a running service, seen from outside
            await asyncio.sleep(0.02)


async def _alerts(service: Sentinel) -> list[Alert]:
    return await service.in_store(lambda tx: tx.alerts.find())


def _faults(service: Sentinel) -> Any:
    return service.status()["detection"]


def _poison_scope(patch: pytest.MonkeyPatch) -> None:
    judge = ScopeEngine.judge

    def poisoned(self: ScopeEngine, event: Event, **known: Any) -> Event:
        if event.text("event.action") == POISON:
            raise OverflowError("date value out of range for a.admin")
        return judge(self, event, **known)

    patch.setattr(ScopeEngine, "judge", poisoned)


async def test_an_event_that_the_scope_engine_cannot_bear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    _poison_scope(monkeypatch)
    async with _running(tmp_path) as (service, post):
        await post([_line(1), _line(2, POISON, actor="b.poison"), _line(3, actor="c.admin")])
        await _judged(service)
        alerts = await _alerts(service)
        assert sorted(alert.rule.slug for alert in alerts).count("admin_session_without_mfa") == 2
        assert "staff_access_without_reason" in {alert.rule.slug for alert in alerts}
        assert _faults(service)["faults"] == {"scope:OverflowError": 1}
        assert _faults(service)["waits"] == ""
        assert service.status()["events"] == 3
        poisoned = [event_id for alert in alerts for event_id in alert.events]
        stored = [await service.event(event_id) for event_id in poisoned]
        marked = [event for event in stored if event and event.get(NOT_JUDGED)]
        assert {event.get(NOT_JUDGED) for event in marked} == {"OverflowError"}
        assert {event.get(SCOPE_VERDICT) for event in marked} == {"unexplained"}
        exposition = service.metrics.exposition().decode()
        assert 'sentinel_detect_faults_total{fault="scope:OverflowError"} 1.0' in exposition
    told = capfd.readouterr()
    assert "scope:OverflowError" in told.out + told.err
    assert "date value out of range" not in told.out + told.err  # an exception may quote the event


async def test_it_does_not_hinder_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _poison_scope(monkeypatch)
    async with _running(tmp_path) as (service, post):
        now = service.clock.now().isoformat()
        await post([_line(1) | {"time": now}, _line(2, POISON) | {"time": now}])
        await _judged(service)
    async with _running(tmp_path) as (service, post):
        await post([_line(3, actor="c.admin")])
        await _judged(service)
        slugs = [alert.rule.slug for alert in await _alerts(service)]
        assert slugs.count("admin_session_without_mfa") == 2


async def test_an_event_that_the_rule_engine_cannot_bear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    match = RuleEngine.process

    def poisoned(self: RuleEngine, events: Sequence[Event], **when: Any) -> list[Finding]:
        if any(event.text("event.action") == POISON for event in events):
            raise KeyError("a.admin")
        return match(self, events, **when)

    monkeypatch.setattr(RuleEngine, "process", poisoned)
    async with _running(tmp_path) as (service, post):
        await post([_line(1), _line(2, POISON), _line(3, actor="c.admin")])
        await _judged(service)
        slugs = [alert.rule.slug for alert in await _alerts(service)]
        assert slugs == ["admin_session_without_mfa"] * 2
        assert _faults(service)["faults"] == {"rules:KeyError": 2}
        assert service.status()["events"] == 3


FACTS = (
    "kind,id,customer,staff,team,category,opened_by,valid_from,valid_to,recorded_at\n"
    "ticket,T1,C00123,a.martin,support-1,identity,,2026-01-02T03:00:00Z,,2026-01-02T03:00:00Z\n"
    "ticket,BAD,C00123,a.martin,support-1,identity,,2026-01-02T03:00:00Z,,2026-01-02T03:00:00Z\n"
    "ticket,T3,C00123,a.martin,support-1,identity,,2026-01-02T03:00:00Z,,2026-01-02T03:00:00Z\n"
)


async def test_a_fact_that_the_index_cannot_bear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = FactIndex.add

    def poisoned(self: FactIndex, fact: Fact) -> bool:
        if fact.id == "BAD":
            raise TypeError("unorderable")
        return add(self, fact)

    monkeypatch.setattr(FactIndex, "add", poisoned)
    async with _running(tmp_path) as (service, post):
        await post(FACTS)
        await _judged(service)
        facts = await service.in_store(lambda tx: list(tx.facts.all()))
        assert [fact.id for fact in facts] == ["T1", "T3"]
        assert _faults(service)["faults"] == {"facts:TypeError": 1}
        assert service.status()["events"] == 3


async def test_a_finding_that_cannot_be_folded_is_set_aside_in_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fold = Folder.fold

    def poisoned(self: Folder, tx: CaseTx, findings: Sequence[Finding]) -> list[Alert]:
        touched = fold(self, tx, findings)
        if any("crm#crm-000002" in finding.refs for finding in findings):
            raise OverflowError("after the rows were written")
        return touched

    monkeypatch.setattr(Folder, "fold", poisoned)
    async with _running(tmp_path) as (service, post):
        await post([_line(number, actor=f"a.admin{number}") for number in (1, 2, 3)])
        await _judged(service)
        alerts = await _alerts(service)
        assert sorted(ref for alert in alerts for ref in alert.refs) == [
            "crm#crm-000001",
            "crm#crm-000003",
        ]
        lines: list[JournalLine] = await service.in_store(lambda tx: list(tx.journal.lines()))
        aside = [line for line in lines if line.action == "finding.set_aside"]
        assert len(aside) == 1
        assert _faults(service)["set_aside"] == {"finding": 1}


async def test_a_fact_that_the_store_cannot_bear_is_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_many = SqlFacts.put_many

    def poisoned(self: SqlFacts, facts: Sequence[Fact]) -> int:
        if any(fact.id == "BAD" for fact in facts):
            raise ValueError("a surrogate")
        return put_many(self, facts)

    monkeypatch.setattr(SqlFacts, "put_many", poisoned)
    async with _running(tmp_path) as (service, post):
        await post(FACTS)
        await _judged(service)
        facts = await service.in_store(lambda tx: list(tx.facts.all()))
        assert [fact.id for fact in facts] == ["T1", "T3"]
        assert _faults(service)["set_aside"] == {"fact": 1}


async def test_an_unforeseen_failure_of_a_store_is_told_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = SegmentEventStore.append
    failures = iter([RuntimeError("quotes a.admin")])
    seen: list[str] = []

    def failing(self: SegmentEventStore, events: Sequence[Event], *, last_offset: int) -> int:
        for error in failures:
            raise error
        return append(self, events, last_offset=last_offset)

    monkeypatch.setattr(SegmentEventStore, "append", failing)
    async with _running(tmp_path) as (service, post):
        await post([_line(1)])
        async with asyncio.timeout(20):
            while service.lag:
                seen.append(_faults(service)["waits"])
                await asyncio.sleep(0.02)
        slugs = {alert.rule.slug for alert in await _alerts(service)}
        assert slugs == {"admin_session_without_mfa", "blind_storage_failure"}
        assert _faults(service)["waits"] == ""
    assert any(reason.startswith("RuntimeError at ") for reason in seen)
    assert not any("a.admin" in reason for reason in seen)


async def test_navigation_that_fails_does_not_take_the_rules_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(_self: Behaviour, _events: Sequence[Event]) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Behaviour, "process", failing)
    async with _running(tmp_path) as (service, post):
        service._detector.behaviour = object.__new__(Behaviour)
        await post([_line(1)])
        await _judged(service)
        service._detector.behaviour = None
        assert len(await _alerts(service)) == 1
        assert _faults(service)["faults"] == {"behaviour:ZeroDivisionError": 1}


async def test_an_event_store_that_was_removed_is_not_begun_anew(tmp_path: Path) -> None:
    async with _running(tmp_path) as (service, post):
        await post([_line(1)])
        await _judged(service)
    shutil.rmtree(tmp_path / "var" / "events")
    with pytest.raises(StorageError, match="was judged"):
        await Sentinel.open(_settings(tmp_path))
