"""Business facts: from events and files, with both of their times."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sentinel.detect.scope.fact_files import load_facts
from sentinel.detect.scope.facts import (
    FactIndex,
    UnusableFact,
    fact_from_event,
    parse_instant,
    read_fact,
)
from sentinel.domain.event import Event, Value
from sentinel.domain.scope import Fact
from sentinel.errors import ContentError, UnreadableFile

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
HEADER = "kind,id,customer,staff,team,category,opened_by,valid_from,valid_to,recorded_at\n"


def fact_event(**fields: Value) -> Event:
    base: dict[str, Value] = {"event.dataset": "business.fact"}
    base |= {f"fact.{name}": value for name, value in fields.items()}
    return Event(id="1", time=NOON, source="backoffice", ref="backoffice#1", fields=base)


def ticket(**changes: object) -> Fact:
    values: dict[str, object] = {"kind": "ticket", "id": "T1", "subject": "C1", "actor": "ana"}
    return Fact(**(values | changes))  # type: ignore[arg-type]


def test_a_fact_event_becomes_a_fact() -> None:
    event = fact_event(
        kind="ticket",
        id="T1",
        subject="C1",
        team="support-1",
        valid_from="2026-01-05T10:00:00Z",
        valid_to="2026-01-05T12:00:00+01:00",
    )
    fact = fact_from_event(event)
    assert fact is not None
    assert fact.valid_to == NOON - HOUR
    assert fact.recorded_at == NOON  # the event's own time, where the fact does not say
    assert fact.actor == ""


def test_other_events_are_no_facts() -> None:
    assert fact_from_event(Event(id="1", time=NOON, source="s", ref="s#1")) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "ticket"},
        {"id": "T1"},
        {"kind": "ticket", "id": "T1", "valid_to": "tomorrow"},
        {"kind": "ticket", "id": "T1", "valid_from": "0001-01-01T00:00:00+14:00"},
        {
            "kind": "ticket",
            "id": "T1",
            "valid_from": "2026-01-02T00:00:00Z",
            "valid_to": "2026-01-01T00:00:00Z",
        },
    ],
)
def test_an_unusable_fact_says_so(fields: dict[str, Value]) -> None:
    event = fact_event(**fields)
    with pytest.raises(UnusableFact):
        read_fact(event)
    assert fact_from_event(event) is None


def test_an_instant_without_offset_is_utc() -> None:
    assert parse_instant("2026-01-05T12:00:00") == NOON
    assert parse_instant("") is None


def test_facts_are_joined_at_the_instant() -> None:
    index = FactIndex([ticket(valid_from=NOON, valid_to=NOON + HOUR)])
    assert index.relating("ticket", "C1", NOON)
    assert not index.relating("ticket", "C1", NOON - timedelta(microseconds=1))
    assert not index.relating("ticket", "C1", NOON + HOUR)  # half-open
    assert not index.relating("invoice", "C1", NOON)
    assert not index.relating("ticket", "C2", NOON)


def test_the_newest_version_counts_whatever_the_order() -> None:
    opened = ticket(recorded_at=NOON)
    closed = ticket(recorded_at=NOON + HOUR, valid_to=NOON + HOUR)
    later = NOON + 2 * HOUR
    for order in ([opened, closed], [closed, opened], [closed, opened, closed]):
        assert not FactIndex(order).relating("ticket", "C1", later)


def test_a_replay_sees_what_was_known_then() -> None:
    opened = ticket(recorded_at=NOON)
    closed = ticket(recorded_at=NOON + HOUR, valid_to=NOON)
    index = FactIndex([closed, opened])
    at = NOON + HOUR / 2
    assert index.relating("ticket", "C1", at, known_at=at) == [opened]
    assert not index.relating("ticket", "C1", at, known_at=NOON + HOUR)
    assert not index.relating("ticket", "C1", at, known_at=NOON - HOUR)


def test_a_duplicate_adds_nothing() -> None:
    index = FactIndex()
    assert index.add(ticket())
    assert not index.add(ticket())
    assert len(index) == 1


def test_a_ticket_handed_to_another_team_leaves_the_first() -> None:
    index = FactIndex([ticket(team="a", actor=""), ticket(team="b", actor="", recorded_at=NOON)])
    assert list(index.about_agent("ticket", "", "a")) == []
    assert [fact.team for fact in index.about_agent("ticket", "", "b")] == ["b"]
    before = NOON - HOUR
    assert [fact.team for fact in index.about_agent("ticket", "", "a", known_at=before)] == ["a"]


def test_csv_with_our_columns(tmp_path: Path) -> None:
    row = "ticket,T1,C1,ana,support-1,technical,bob,2026-01-05T12:00:00Z,,2026-01-05T12:00:01Z\n"
    (tmp_path / "facts.csv").write_text(HEADER + row + "\n", encoding="utf-8")
    [fact] = load_facts(tmp_path)
    assert fact.subject == "C1"
    assert fact.opened_by == "bob"
    assert fact.valid_from == NOON
    assert fact.valid_to is None


def test_one_file_per_kind_gets_its_kind_from_the_name(tmp_path: Path) -> None:
    text = (
        "customer,user,team,valid_from,valid_to,recorded_at\nC1,ana,,,,\nC2,ana,,,,\nC1,ana,,,,\n"
    )
    (tmp_path / "cover.csv").write_text(text, encoding="utf-8")
    facts = load_facts(tmp_path)
    assert {fact.kind for fact in facts} == {"cover"}
    assert len(FactIndex(facts)) == 2  # the same row twice is one fact
    assert load_facts(tmp_path / "cover.csv") == facts


def test_json_and_ndjson_say_the_same(tmp_path: Path) -> None:
    item = '{"kind":"ticket","id":"T1","customer":"C1","staff":"ana","team":null}'
    (tmp_path / "a.json").write_text(f"[{item}]", encoding="utf-8")
    (tmp_path / "b.ndjson").write_text(f"{item}\n\n", encoding="utf-8")
    assert load_facts(tmp_path / "a.json") == load_facts(tmp_path / "b.ndjson")


@pytest.mark.parametrize(
    ("name", "text", "place", "reason"),
    [
        ("a.csv", HEADER + "ticket,T1\n", ":2", "2 cells where 10 are due"),
        ("a.csv", "kind,who\nticket,ana\n", ":2", "no column is called 'who'"),
        ("a.csv", "kind,id,valid_to\nticket,T1,x\n", ":2", "valid_to: not an instant"),
        ("a.csv", 'kind,id\n"a"b,c\n', ":2", "not CSV"),
        ("a.csv", "", ":1", "empty"),
        ("a.csv", "id,valid_from,valid_to\n1,2026-01-02,2026-01-01\n", ":2", "before valid_from"),
        ("a.ndjson", '{"id":"1"}\n{"id"\n', ":2", "not JSON"),
        ("a.ndjson", "[]\n", ":1", "an object is expected"),
        ("a.ndjson", '{"id":1}\n', ":1", "text is expected"),
        ("a.json", "{}", ":1", "an array"),
        ("a.json", "[1]", ":[0]", "an object is expected"),
        ("a.json", "[", "", "not JSON"),
    ],
)
def test_a_bad_row_names_its_place(
    tmp_path: Path, name: str, text: str, place: str, reason: str
) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ContentError) as caught:
        load_facts(tmp_path)
    assert caught.value.where == f"{path}{place}"
    assert reason in caught.value.detail


def test_a_folder_without_facts_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="no facts"):
        load_facts(tmp_path)


def test_an_unreadable_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"kind\xff\n")
    with pytest.raises(UnreadableFile):
        load_facts(tmp_path)
    with pytest.raises(UnreadableFile):
        load_facts(tmp_path / "nowhere.csv")


def test_a_retracted_fact_is_known_and_explains_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ticket.csv"
    path.write_text(
        "id,customer,staff,recorded_at,retracted\n"
        "T1,C1,ana,2026-01-05T10:00:00Z,\n"
        "T1,C1,ana,2026-01-05T11:00:00Z,yes\n"
    )
    facts = load_facts(path)
    assert [fact.retracted for fact in facts] == [False, True]
    for order in (facts, facts[::-1]):
        index = FactIndex(order)
        assert len(index) == 1
        assert not index.relating("ticket", "C1", NOON)
        assert index.relating("ticket", "C1", NOON, known_at=NOON - HOUR * 3 / 2)
    event = fact_event(kind="ticket", id="T1", subject="C1", retracted="Yes")
    read = read_fact(event)
    assert read is not None
    assert read.retracted


@pytest.mark.parametrize("count", [1, 3, 7, 40, 60])
def test_the_facts_that_name_an_agent_are_those_of_a_walk_over_all(count: int) -> None:
    index = FactIndex()
    for number in range(count):
        index.add(
            Fact(
                kind="ticket",
                id=f"T{number:03}",
                subject="C1",
                actor=("ana", "bob", "", "t1")[number % 4],
                team=("t1", "t2", "")[number % 3],
            )
        )
    for agents in (("ana", "t1"), ("ana", ""), ("", "t2"), ("t1", "t1"), ("nobody", "none")):
        walked = [
            fact
            for fact in index.about_subject("ticket", "C1")
            if agents[0] in (fact.actor,) or agents[1] in (fact.team,)
        ]
        noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
        found = index.naming("ticket", "C1", agents, noon, (timedelta(0), timedelta(0)))
        assert [fact for fact in found if fact in walked] == walked
    index.add(Fact(kind="ticket", id="T9", subject="C1", actor="eve"))
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    found = index.naming("ticket", "C1", ("eve", "?"), noon, (timedelta(0), timedelta(0)))
    assert [fact.id for fact in found] == ["T9"]
