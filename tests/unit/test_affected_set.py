"""The affected set as a question: its extent, what it leaves out, its limits, its changes."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sentinel.app.affected_cases import AffectedCases, selection_of
from sentinel.content import content_dir
from sentinel.detect.scope.engine import ScopeEngine
from sentinel.detect.scope.facts import FactIndex
from sentinel.detect.scope.load import load_scope
from sentinel.domain.affected import Affected, Extent, Selection
from sentinel.domain.blind import BlindWindow, Cause
from sentinel.domain.event import Event, Value
from sentinel.domain.incident import Actor, Incident, Legal, Role
from sentinel.domain.scope import Fact, Standing
from sentinel.errors import Refused
from sentinel.respond.affected import counted, look_back, selected
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.events_memory import MemoryEventStore
from sentinel.store.ports import CaseTx
from sentinel.store.seal import AesGcmSealer

START = datetime(2026, 3, 2, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
DPO = Actor("dpo", frozenset({Role.DPO}))
AUDITOR = Actor("aud", frozenset({Role.AUDITOR}))
WHY = "The interview with the team leader settled these persons."


class At:
    def now(self) -> datetime:
        return START + HOUR * 24

    async def sleep_until(self, instant: datetime) -> None:
        raise AssertionError(instant)


def access(minutes: float, subject: str, action: str = "customer.read", **more: Value) -> Event:
    fields: dict[str, Value] = {
        "sentinel.actor.kind": "staff",
        "user.name": "usr_a",
        "user.roles": ["support"],
        "user.group.name": "t1",
        "event.action": action,
        "event.outcome": "success",
        "sentinel.data_category": "identity",
        "sentinel.subject": [subject],
    }
    return Event(
        id=f"{minutes}-{subject}",
        time=START + timedelta(minutes=minutes),
        source="crm",
        ref=f"crm#{minutes}",
        fields=fields | more,
    )


def ticket(subject: str, **changes: Any) -> Fact:
    values: dict[str, Any] = {"kind": "ticket", "id": f"T-{subject}", "subject": subject}
    values |= {"valid_from": START - HOUR, "recorded_at": START - HOUR}
    return Fact(**(values | changes))


EVENTS = (
    access(1, "sub_own"),
    access(2, "sub_team"),
    access(3, "sub_weak"),
    access(4, "sub_none"),
    access(5, "sub_out", action="customer.export"),
    access(-600, "sub_before"),
)
FACTS = (
    ticket("sub_own", actor="usr_a"),
    ticket("sub_team", team="t1"),
    ticket("sub_weak", actor="usr_a", opened_by="usr_a"),
)
WINDOW = Selection(actors=("usr_a",), since=START, until=START + HOUR)


class House:
    def __init__(self, folder: Path) -> None:
        self.store = SqlCaseStore.open(folder / "c.sqlite", AesGcmSealer(bytes(32)), At())
        self.events = MemoryEventStore()
        self.events.append(EVENTS, last_offset=9)
        engine = ScopeEngine(load_scope(content_dir("rules") / "scopes"), FactIndex(FACTS))
        self.desk = AffectedCases(self.in_store, self.events, At(), engine)

    async def in_store(self, function: Callable[[CaseTx], Any], /) -> Any:
        with self.store.begin() as tx:
            return function(tx)

    def count(self, **changes: Any) -> Affected:
        return asyncio.run(self.desk.count(msgspec.structs.replace(WINDOW, **changes)))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.store.close()


@pytest.mark.parametrize(
    ("extent", "names"),
    [
        (Extent.EVERYTHING, ["none", "out", "own", "team", "weak"]),
        (Extent.BEYOND_OWN_WORK, ["none", "out", "team", "weak"]),
        (Extent.UNJUSTIFIED, ["none", "out", "weak"]),
        (Extent.FINDINGS, []),
    ],
)
def test_the_extent_decides_and_what_it_leaves_out_is_named(
    house: House, extent: Extent, names: list[str]
) -> None:
    found = house.count(extent=extent)
    assert [name.removeprefix("sub_") for name in found.subjects] == names
    everybody = {"sub_none", "sub_out", "sub_own", "sub_team", "sub_weak"}
    assert {*found.subjects, *found.left_out} == everybody
    assert found.left_out_accesses == 5 - len(names)


def test_what_was_not_judged_is_never_excused() -> None:
    assert all(extent.takes(None) for extent in Extent if extent is not Extent.FINDINGS)
    assert not Extent.FINDINGS.takes(Standing.FORBIDDEN)


def test_some_acts_and_named_events_count_whatever_explains_them(house: House) -> None:
    assert house.count(extent=Extent.FINDINGS, acts=("*.export",)).subjects == ("sub_out",)
    named = house.count(extent=Extent.FINDINGS, event_ids=("-600-sub_before",))
    assert named.subjects == ("sub_before",)  # wherever it lies


def test_accesses_before_the_window_are_looked_for(house: House) -> None:
    question = look_back(WINDOW, HOUR * 24)
    assert question is not None
    assert asyncio.run(house.desk.count(question)).subjects == ("sub_before",)
    assert look_back(Selection(actors=("usr_a",)), HOUR) is None


def test_the_same_question_gives_the_same_hashes_in_any_order() -> None:
    store = MemoryEventStore()
    store.append(tuple(reversed(EVENTS)), last_offset=9)
    first = counted(selected(store, WINDOW), WINDOW)
    again = msgspec.structs.replace(WINDOW, actors=("usr_a", "usr_a"))
    assert counted(EVENTS[:5], again).sha256 == first.sha256
    assert again.sha256 == WINDOW.sha256 != msgspec.structs.replace(WINDOW, until=None).sha256
    stored = msgspec.json.decode(msgspec.json.encode(first), type=Affected)
    assert stored == first
    assert stored.selection is not None
    assert counted(selected(store, stored.selection), stored.selection) == first


def test_blind_windows_that_touch_the_span_limit_the_set(house: House) -> None:
    with house.store.begin() as tx:
        for number, begin in enumerate((START - HOUR * 5, START + HOUR / 2)):
            tx.blind.put(
                BlindWindow(
                    id=f"b{number}",
                    cause=Cause.SILENCE,
                    source="crm",
                    begin=begin,
                    seen=begin + HOUR,
                    end=begin + HOUR,
                )
            )
    assert [one.id for one in house.count().limits] == ["b1"]


def a_case(house: House, kind: str = "bulk_export") -> Incident:
    case = Incident(
        id="i1",
        reference="INC-2026-0001",
        title="t",
        kind=kind,
        created_at=START,
        created_by="dpo",
        legal=Legal.INVESTIGATION,
        actors=("usr_a",),
        occurred_from=START,
        occurred_to=START + HOUR,
    )
    with house.store.begin() as tx:
        tx.incidents.put(case)
    return case


def test_frozen_then_changed_with_a_reason_never_in_silence(house: House) -> None:
    case = a_case(house)
    desk = house.desk

    def run(**given: Any) -> Incident:
        name = given.pop("name")
        who = given.pop("who", DPO)
        return asyncio.run(desk.run(name, who, incident_id=case.id, **given))

    frozen = run(name="freeze_affected").affected
    assert frozen is not None
    assert len(frozen.subjects) == 5
    assert run(name="freeze_affected").affected == frozen  # again: the same set
    with pytest.raises(Refused, match="frozen already"):
        run(name="freeze_affected", extent="unjustified")
    with pytest.raises(Refused, match="reason"):
        run(name="narrow_affected", persons=["sub_own"], reason="because")
    with pytest.raises(Refused):
        run(name="narrow_affected", persons=["sub_own"], reason=WHY, who=AUDITOR)
    with pytest.raises(Refused, match="no set to be narrowed"):
        run(name="narrow_affected", persons=["sub_nobody"], reason=WHY)
    narrowed = run(name="narrow_affected", persons=["sub_own sub_team"], reason=WHY).affected
    assert narrowed is not None
    assert narrowed.subjects == ("sub_none", "sub_out", "sub_weak")
    assert narrowed.access_count == 3
    widened = run(name="widen_affected", persons=["sub_own", "sub_9"], reason=WHY)
    assert widened.subjects == ("sub_9", "sub_none", "sub_out", "sub_own", "sub_weak")
    assert widened.affected is not None
    assert "by hand" in widened.affected.query
    with house.store.begin() as tx:
        lines = [(one.action, one.actor) for one in tx.journal.lines(object_id=case.id)]
        last: Any = tx.journal.opened(tx.journal.lines(object_id=case.id)[-1])
    assert lines == [
        ("incident.affected_frozen", "dpo"),
        ("incident.affected_frozen", "dpo"),
        ("incident.affected_narrowed", "dpo"),
        ("incident.affected_widened", "dpo"),
    ]
    assert (last["reason"], last["added"]) == (WHY, ["sub_9", "sub_own"])
    assert last["before"]["sha256"] == narrowed.sha256


def test_nothing_is_changed_before_it_is_frozen(house: House) -> None:
    case = a_case(house)
    with pytest.raises(Refused, match="not frozen"):
        asyncio.run(house.desk.by_hand(DPO, case.id, ["sub_own"], WHY, widen=True))


def test_the_kind_of_the_case_decides_what_is_asked_first(house: House) -> None:
    extents = {
        kind: selection_of(a_case_like(kind), ()) for kind in ("bulk_export", "account-takeover")
    }
    assert [one.extent for one in extents.values() if one] == [
        Extent.EVERYTHING,
        Extent.BEYOND_OWN_WORK,
    ]
    nobody = msgspec.structs.replace(a_case_like("bulk_export"), actors=())
    assert selection_of(nobody, ()) is None


def a_case_like(kind: str) -> Incident:
    return Incident(
        id="i",
        reference="r",
        title="t",
        kind=kind,
        created_at=START,
        created_by="dpo",
        actors=("usr_a",),
        occurred_from=START,
        occurred_to=START,
    )
