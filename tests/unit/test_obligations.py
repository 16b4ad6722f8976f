"""The calendar of obligations: when things are due, what rings, what proves that they were done."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from sentinel.cli.calendar import icalendar
from sentinel.clock import ManualClock
from sentinel.config import Settings
from sentinel.domain.incident import Actor, Role
from sentinel.domain.recurring import Recurring, State
from sentinel.errors import ContentError, NotFound, Refused
from sentinel.legal.obligations import in_force, load_recurring
from sentinel.notify.messages import MessageRenderer
from sentinel.respond import obligations
from sentinel.respond.escalation import escalate
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.ports import CaseTx
from sentinel.store.seal import AesGcmSealer

TODAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
DPO = Actor("acc-dpo", frozenset({Role.DPO}))
QUARTERLY = Recurring(
    id="continuity-test", every="P3M", owner=Role.COMMANDER, basis="R-37", lead_days=14,
    valid_from=date(2018, 5, 25), fr="Essai « PCA », trimestriel", en="Test, quarterly",
)  # fmt: skip


@pytest.fixture
def store() -> Iterator[SqlCaseStore]:
    opened = SqlCaseStore.open(":memory:", AesGcmSealer(bytes(32)), ManualClock(NOW))
    yield opened
    opened.close()


def ring(tx: CaseTx, day: date, channels: tuple[str, ...] = ("email",)) -> list[str]:
    now = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    rung = obligations.ring(tx, [QUARTERLY], now, today=day, route=lambda _: channels, set_on=TODAY)
    return [message.key for message in rung]


def done(tx: CaseTx, on: date, actor: Actor = DPO, sha256: str = "a" * 64, proof: str = "pv.pdf"):
    now = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
    return obligations.complete(
        tx, actor, QUARTERLY, done_on=on, proof=proof, sha256=sha256, now=now
    )


def test_what_ships_covers_the_promises() -> None:
    shipped = {one.id: one for one in in_force(TODAY)}
    basis = {promise for one in shipped.values() for promise in one.basis.split(", ")}
    assert {"R-16", "R-20", "R-36", "R-37", "R-39", "R-40", "R-59", "R-61"} <= basis
    assert (shipped["continuity-test"].every, shipped["protocol-review"].every) == ("P3M", "P6M")
    assert (shipped["policy-review"].every, shipped["audit-log-review"].every) == ("P1Y", "P1W")
    assert all("’" not in one.en for one in shipped.values())


@pytest.mark.parametrize(
    ("every", "last", "due"),
    [
        ("P1W", date(2026, 3, 2), date(2026, 3, 9)),
        ("P10D", date(2026, 2, 25), date(2026, 3, 7)),
        ("P3M", date(2025, 11, 30), date(2026, 2, 28)),
        ("P6M", date(2026, 8, 31), date(2027, 2, 28)),
        ("P1Y", date(2024, 2, 29), date(2025, 2, 28)),
    ],
)
def test_periods_end_where_the_month_ends(every: str, last: date, due: date) -> None:
    one = Recurring(id="x", every=every, owner=Role.DPO, basis="", valid_from=TODAY, fr="x", en="x")
    assert one.after(last) == due


def test_it_rings_near_the_day_then_when_overdue_then_weekly(store: SqlCaseStore) -> None:
    due = date(2026, 6, 2)
    rang = {}
    with store.begin() as tx:
        for offset in range(-30, 24):
            keys = ring(tx, due + offset * DAY)
            if keys:
                rang[offset] = keys
            assert ring(tx, due + offset * DAY) == []  # asked again the same day: silence
    assert list(rang) == [-14, 1, 8, 15, 22]
    assert rang[1] == ["calendar:continuity-test:2026-06-02:overdue:0:email"]


def test_a_service_that_was_stopped_rings_once_for_what_it_missed(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        assert len(ring(tx, date(2026, 12, 24))) == 1
        lines = tx.journal.lines(object_id="calendar:continuity-test")
    assert [line.action for line in lines] == ["calendar.alarm"]


def test_without_a_channel_the_journal_still_tells(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        assert ring(tx, date(2026, 6, 3), ()) == []
        assert len(tx.journal.lines(object_id="calendar:continuity-test")) == 1


def test_a_completion_silences_and_moves_the_next_one(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        made = done(tx, date(2026, 6, 10))
        (one,) = obligations.look(tx, [QUARTERLY], date(2026, 6, 11), set_on=TODAY)
        assert (one.due, one.state, one.last) == (date(2026, 9, 10), State.AHEAD, made)
        assert ring(tx, date(2026, 6, 11)) == []
        (line,) = tx.journal.lines(object_id="calendar:continuity-test")
        payload = tx.journal.opened(line)
    assert payload == {"on": "2026-06-10", "proof": "pv.pdf", "sha256": "a" * 64, "note": ""}


def test_who_and_with_what_proof(store: SqlCaseStore) -> None:
    analyst = Actor("a", frozenset({Role.ANALYST}))
    with store.begin() as tx:
        with pytest.raises(Refused, match="takes the role commander"):
            done(tx, TODAY, analyst)
        with pytest.raises(Refused, match="proves"):
            done(tx, TODAY, sha256="")
        with pytest.raises(Refused, match="proves"):
            done(tx, TODAY, proof=" ")
        with pytest.raises(Refused, match="to come"):
            obligations.complete(
                tx, DPO, QUARTERLY, done_on=TODAY + 9 * DAY, proof="p", sha256="a" * 64, now=NOW
            )
        with pytest.raises(NotFound, match="no-such"):
            obligations.named([QUARTERLY], "no-such")


def test_since_is_the_first_look_and_stays(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        obligations.ring(tx, [QUARTERLY], NOW, today=TODAY, route=lambda _: ())
        assert obligations.since(tx, TODAY + 400 * DAY) == TODAY


def test_an_alarm_that_fails_escalates_as_its_own_kind(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        ring(tx, date(2026, 6, 3))
        (message,) = tx.outbox.claim(datetime(2026, 6, 3, 13, tzinfo=UTC))
        tx.outbox.mark_failed(message.id, error="no")
        (other,) = escalate(tx, datetime(2026, 6, 3, 13, tzinfo=UTC), ["email", "webhook"])
    assert (other.kind, other.channel) == ("calendar_alarm", "webhook")
    assert other.key == message.key.replace(":email", ":webhook")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_message_reads_well(store: SqlCaseStore, language: str) -> None:
    renderer = MessageRenderer(
        Settings().notifiers_path / "messages",
        languages={"email": language},
        public_url="https://s.example.org",
    )
    with store.begin() as tx:
        for day in (date(2026, 5, 20), date(2026, 6, 3)):
            ring(tx, day)
        found = [renderer.render(one) for one in tx.outbox.find()]
    assert {one.subject.replace("\u00a0", " ") for one in found} == {
        "fr": {
            "[Sentinel] En retard de 1 jour : Essai « PCA », trimestriel",
            "[Sentinel] À faire sous 13 jours : Essai « PCA », trimestriel",
        },
        "en": {
            "[Sentinel] Overdue by 1 day: Test, quarterly",
            "[Sentinel] Due in 13 days: Test, quarterly",
        },
    }[language]
    assert all("/calendar" in one.text and "R-37" in one.html for one in found)


def test_the_ics_is_folded_and_escaped(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        found = obligations.look(tx, [QUARTERLY], TODAY, set_on=TODAY)
    text = icalendar(found, "fr", NOW)
    assert "SUMMARY:Essai « PCA »\\, trimestriel\r\n" in text
    assert "DTSTART;VALUE=DATE:20260602\r\n" in text
    assert "DTSTAMP:20260302T120000Z" in text
    long = Recurring(
        id="x", every="P1Y", owner=Role.DPO, basis="", valid_from=TODAY, fr="é" * 90, en="x"
    )
    with store.begin() as tx:
        text = icalendar(obligations.look(tx, [long], TODAY), "fr", NOW)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "é" * 90 in text.replace("\r\n ", "")


@pytest.mark.parametrize(
    "change",
    ['every = "P0M"', 'every = "3 months"', 'owner = "king"', "lead_days = -1", "unknown = 1"],
)
def test_a_wrong_file_is_refused(tmp_path: Path, change: str) -> None:
    file = tmp_path / "own.toml"
    base = {"every": '"P1Y"', "owner": '"dpo"', "lead_days": "1"}
    name, value = change.split(" = ")
    rows = "".join(f"{key} = {given}\n" for key, given in (base | {name: value}).items())
    file.write_text(
        f'[[recurring]]\nid = "x"\nbasis = "b"\nvalid_from = 2026-01-01\nfr = "x"\nen = "x"\n{rows}'
    )
    with pytest.raises(ContentError, match=r"own\.toml"):
        load_recurring(file)


def test_one_obligation_does_not_hold_twice_on_one_day(tmp_path: Path) -> None:
    row = '[[recurring]]\nid = "x"\nbasis = "b"\nevery = "{}"\nowner = "dpo"\nfr = "x"\n'
    row += 'en = "x"\n{}\n'
    file = tmp_path / "own.toml"
    first = row.format("P1Y", "valid_from = 2026-01-01\nvalid_to = 2026-07-01")
    file.write_text(first + row.format("P6M", "valid_from = 2026-07-01"))
    assert [one.every for one in in_force(date(2026, 6, 30), file)] == ["P1Y"]
    assert [one.every for one in in_force(date(2026, 7, 1), file)] == ["P6M"]
    file.write_text(first + row.format("P6M", "valid_from = 2026-06-30"))
    with pytest.raises(ContentError, match="twice"):
        load_recurring(file)
