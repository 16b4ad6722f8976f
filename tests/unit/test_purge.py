"""The purge of the day: on time, never early, certified, finished after a death, held back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from sentinel.app.purge import certificates
from sentinel.app.purge.run import Preview, Purger
from sentinel.clock import ManualClock
from sentinel.config import Settings
from sentinel.domain.account import Account, WebSession
from sentinel.domain.alert import Alert, AlertState
from sentinel.domain.certificate import Certificate
from sentinel.domain.event import Event
from sentinel.domain.finding import Level, RuleInfo
from sentinel.domain.hold import Hold, HoldScope, HoldState
from sentinel.domain.hunt import RETENTION
from sentinel.domain.incident import Actor, Incident, Legal, Outcome, Role
from sentinel.domain.outbox import Message
from sentinel.domain.reclassified import CaseEvents
from sentinel.domain.scope import Fact
from sentinel.errors import Refused
from sentinel.respond import anchoring, holds, reclassify
from sentinel.respond.journal_check import Verdict, all_lines, check
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.events_memory import MemoryEventStore
from sentinel.store.ports import CaseTx
from sentinel.store.seal import AesGcmSealer
from sentinel.store.signing import AnchorSigner

T = TypeVar("T")
START = datetime(2025, 1, 10, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SIGNER = AnchorSigner("22" * 32)
DPO = Actor("dpo-1", frozenset({Role.DPO}))
LAWYER = Actor("legal-1", frozenset({Role.LEGAL}))
RULE = RuleInfo(id="r-1", slug="r", title="r", level=Level.HIGH)


class House:
    """A case store and an event store, a clock, a signer."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(START)
        self.settings = Settings(data_dir=folder)
        self.store = SqlCaseStore.open(folder / "cases.sqlite", AesGcmSealer(bytes(32)), self.clock)
        self.events = MemoryEventStore()
        self.offset = -1
        self.purger = Purger(self.settings, self.run, self.events, SIGNER, self.clock)

    def run(self, function: Callable[[CaseTx], T], /) -> T:
        with self.store.begin() as tx:
            return function(tx)

    def put(self, *times: datetime, kind: str = "", user: str = "usr_a") -> list[str]:
        made = []
        for at in times:
            self.offset += 1
            fields: dict[str, Any] = {"user.name": user, "sentinel.subject": ["sub_a"]}
            if kind:
                fields[RETENTION] = kind
            made.append(
                Event(id=f"{self.offset:032x}", time=at, source="crm", ref="", fields=fields)
            )
        self.events.append(made, last_offset=self.offset)
        return [one.id for one in made]

    def at(self, instant: datetime) -> None:
        self.clock.set(instant)

    def purge(self, **options: Any) -> Certificate:
        return self.purger.purge(**{"clock_is_right": True} | options)

    def case(self, number: int = 1, **changes: Any) -> Incident:
        made = Incident(
            id=f"case-{number}", reference=f"INC-2025-{number:04d}", title="usr_a looked",
            kind="out_of_scope_access", created_at=START, created_by="dpo-1",
            detected_at=START, occurred_from=START, occurred_to=START, actors=("usr_a",),
            subjects=("sub_a",),
        )  # fmt: skip
        made = msgspec.structs.replace(made, **changes)
        self.run(lambda tx: tx.incidents.put(made))
        return made

    def change(self, incident: Incident, **changes: Any) -> Incident:
        made = msgspec.structs.replace(incident, version=incident.version + 1, **changes)
        self.run(lambda tx: tx.incidents.put(made))
        return made

    def alert(self, number: int, events: list[str], **changes: Any) -> Alert:
        made = Alert(
            id=f"alert-{number}", fingerprint=f"f{number}", rule=RULE, actor="usr_a",
            subjects=("sub_a",), categories=(), first=START, last=START, created_at=START, count=1,
            event_count=len(events), events=tuple(events), refs=(), reasons=(),
        )  # fmt: skip
        made = msgspec.structs.replace(made, **changes)
        self.run(lambda tx: tx.alerts.put(made))
        return made

    def verdict(self) -> Verdict:
        return self.run(lambda tx: check(all_lines(tx), tx.journal.anchors()))


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty case store, to be copied: the schema is made once."""
    path = tmp_path_factory.mktemp("schema") / "cases.sqlite"
    SqlCaseStore.open(path, AesGcmSealer(bytes(32)), ManualClock(START)).close()
    return path


@pytest.fixture
def house(tmp_path: Path, schema: Path) -> Iterator[House]:
    shutil.copy(schema, tmp_path / "cases.sqlite")
    made = House(tmp_path)
    yield made
    made.store.close()


def counts(certificate: Certificate | Preview) -> dict[str, int]:
    found: dict[str, int] = {}
    for item in certificate.items:
        found[item.what] = found.get(item.what, 0) + item.count
    return found


@pytest.mark.parametrize(
    ("at", "kind", "first_run_that_takes"),
    [
        (datetime(2024, 3, 15, 10, tzinfo=UTC), "", date(2025, 3, 15)),
        (datetime(2024, 2, 29, 10, tzinfo=UTC), "", date(2025, 2, 28)),
        (datetime(2024, 6, 30, 21, 59, 59, tzinfo=UTC), "", date(2025, 6, 30)),
        (datetime(2024, 6, 30, 22, 0, tzinfo=UTC), "", date(2025, 7, 1)),  # next day in Paris
        (datetime(2024, 3, 15, 10, tzinfo=UTC), "navigation", date(2025, 4, 15)),
    ],
)
def test_an_event_goes_on_its_day_and_not_the_day_before(
    house: House, at: datetime, kind: str, first_run_that_takes: date
) -> None:
    house.put(at, kind=kind)
    before = datetime.combine(first_run_that_takes, datetime.min.time(), UTC) - timedelta(hours=3)
    house.at(before)
    assert counts(house.purge()) == {}
    house.at(before + timedelta(hours=4))
    made = house.purge()
    assert counts(made) == {"events": 1}
    assert house.events.count() == 0
    assert (made.items[0].first, made.items[0].last) == (at, at)


def test_a_run_catches_up_missed_days_and_takes_nothing_twice(house: House) -> None:
    house.put(*(datetime(2024, 1, 1, tzinfo=UTC) + n * DAY for n in range(20)))
    house.at(datetime(2025, 1, 12, 3, tzinfo=UTC))
    made = house.purge()
    assert counts(made)["events"] == 12
    assert counts(house.purge()) == {}
    assert house.events.count() == 8


def test_certificates_are_signed_chained_and_known_to_the_journal(house: House) -> None:
    house.put(datetime(2024, 1, 1, tzinfo=UTC))
    made = [house.purge() for _ in range(3)]
    assert [one.number for one in made] == [1, 2, 3]
    assert certificates.faults(made, SIGNER.public) == []
    assert house.run(lambda tx: certificates.unjournalled(tx, made)) == []
    files = sorted(house.settings.certificate_path.glob("*.json"))
    assert [certificates.read(path) for path in files] == made
    assert "missing: 2 to 2" in certificates.faults([made[0], made[2]], SIGNER.public)
    altered = msgspec.structs.replace(made[1], by="nobody")
    assert any("altered" in one for one in certificates.faults([altered], SIGNER.public))
    other = AnchorSigner("33" * 32).public
    assert all("another key" in one for one in certificates.faults(made[:1], other))
    assert house.run(lambda tx: certificates.unjournalled(tx, [altered]))


class Died(BaseException):
    """The process was killed here."""


@pytest.mark.parametrize("step", range(1, 12))
def test_a_run_that_dies_anywhere_is_finished_by_the_next(
    house: House, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    house.put(*(datetime(2024, 1, 1, tzinfo=UTC) + n * DAY for n in range(3)))
    house.put(START)
    house.alert(1, [], first=START - 800 * DAY, last=START - 800 * DAY)
    steps = 0

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def inner(*args: Any, **more: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps == step:
                raise Died
            result = call(*args, **more)
            steps += 1
            if steps == step:
                raise Died
            return result

        return inner

    purger = Purger(house.settings, counted(house.run), house.events, SIGNER, house.clock)
    monkeypatch.setattr(house.events, "purge", counted(house.events.purge))
    died = False
    try:
        purger.purge(clock_is_right=True)
    except Died:
        died = True
    monkeypatch.undo()
    house.purge()
    found = house.run(certificates.all_certificates)
    assert sum(one.count for one in found) == 4, died
    assert house.events.count() == 1
    assert house.run(lambda tx: tx.alerts.count()) == 0
    assert certificates.faults(found, SIGNER.public) == []
    assert house.verdict().holds


def test_a_clock_far_ahead_takes_nothing(house: House) -> None:
    house.put(START)
    assert house.purger.begin()
    house.at(START + DAY)
    house.purge(clock_is_right=False)
    house.at(START + 4 * 365 * DAY)
    with pytest.raises(Refused, match="is the clock right"):
        house.purge(clock_is_right=False)
    assert house.events.count() == 1
    house.at(START + 20 * DAY)  # no source agrees with the clock
    with pytest.raises(Refused, match="no event is as recent"):
        house.purge(clock_is_right=False)
    house.put(START + 20 * DAY)
    house.purge(clock_is_right=False)
    house.at(START - 5 * DAY)
    with pytest.raises(Refused, match="before the last run"):
        house.purge(clock_is_right=False)


def test_the_first_run_waits_for_events_that_agree_with_the_clock(house: House) -> None:
    house.put(START - 900 * DAY)
    with pytest.raises(Refused, match="no event is as recent"):
        house.purger.begin()
    with pytest.raises(Refused):
        house.purge(clock_is_right=False)
    assert house.events.count() == 1


def test_a_case_holds_copies_of_its_events_for_36_months_from_detection(house: House) -> None:
    ids = house.put(START, START + timedelta(hours=1))
    incident = house.case()
    house.alert(1, ids, incident_id=incident.id, state=AlertState.PROMOTED)
    house.at(START + DAY)
    house.purge()
    [copy] = house.run(lambda tx: tx.records.find(CaseEvents))
    assert copy.event_ids == tuple(ids)
    assert "INC-2025-0001" in copy.justification["fr"]
    closed = house.change(
        incident, legal=Legal.CLOSED, outcome=Outcome.REGISTER, closed_at=START + 30 * DAY
    )
    house.at(datetime(2026, 1, 10, 9, tzinfo=UTC))  # the originals are normal accesses
    assert counts(house.purge()) == {"events": 2}
    assert [e.id for e in house.run(lambda tx: reclassify.events_of(tx, closed.id))] == ids
    house.at(datetime(2028, 1, 9, 9, tzinfo=UTC))
    assert "cases" not in counts(house.purge())
    house.at(datetime(2028, 1, 10, 9, tzinfo=UTC))
    made = house.purge()
    assert counts(made)["cases"] == 1
    left = house.run(lambda tx: tx.incidents.get(closed.id))
    assert (left.actors, left.subjects, left.outcome) == ((), (), Outcome.REGISTER)
    assert "usr_a" not in msgspec.json.encode(left).decode()
    assert house.run(lambda tx: tx.records.find(CaseEvents)) == []
    assert house.run(lambda tx: tx.alerts.count()) == 0
    assert house.verdict().holds
    assert "cases" not in counts(house.purge())


def test_an_open_case_is_kept_and_the_certificate_says_so(house: House) -> None:
    incident = house.case()
    house.alert(1, house.put(START), incident_id=incident.id, state=AlertState.PROMOTED)
    house.at(START + 1200 * DAY)
    made = house.purge()
    assert [(s.why, s.name) for s in made.stayed] == [("open_case", "INC-2025-0001")]
    assert house.run(lambda tx: len(reclassify.events_of(tx, incident.id))) == 1


def test_a_false_positive_falls_back_to_twelve_months(house: House) -> None:
    ids = house.put(START)
    incident = house.case()
    house.alert(1, ids, incident_id=incident.id, state=AlertState.PROMOTED)
    house.purge()
    assert house.run(lambda tx: reclassify.copied_ids(tx, incident.id)) == set(ids)
    closed = {"legal": Legal.CLOSED, "outcome": Outcome.FALSE_POSITIVE, "closed_at": START + DAY}
    house.change(incident, **closed)
    house.at(START + 2 * DAY)
    house.purge()
    assert house.run(lambda tx: reclassify.copied_ids(tx, incident.id)) == set()
    assert house.events.count() == 1
    house.at(datetime(2026, 1, 9, 9, tzinfo=UTC))
    assert counts(house.purge()) == {}
    house.at(datetime(2026, 1, 10, 9, tzinfo=UTC))
    assert {"events": 1, "cases": 1}.items() <= counts(house.purge()).items()


def test_destroying_the_key_of_a_case_closes_its_copies(house: House) -> None:
    incident = house.case()
    house.alert(1, house.put(START), incident_id=incident.id, state=AlertState.PROMOTED)
    house.purge()
    house.run(
        lambda tx: anchoring.destroy_key(
            tx, incident.id, actor="dpo-1", reason="asked by the court", now=START
        )
    )
    assert house.run(lambda tx: reclassify.events_of(tx, incident.id)) == []
    assert house.verdict().holds


def propose(house: House, scope: HoldScope, name: str = "court", days: int = 90) -> Hold:
    return house.run(
        lambda tx: holds.propose(
            tx, DPO, name=name, reason="the court asked to keep these logs", scope=scope,
            review_by=(house.clock.now() + days * DAY).date(), now=house.clock.now(),
        )
    )  # fmt: skip


def test_what_is_held_stays_until_the_hold_is_released(house: House) -> None:
    house.put(START - 400 * DAY, user="usr_held")
    house.put(START - 400 * DAY, user="usr_b")
    house.alert(1, [], actor="usr_held", last=START - 400 * DAY, first=START - 400 * DAY)
    hold = propose(house, HoldScope(person="usr_held"))
    with pytest.raises(Refused, match="author cannot be the approver"):
        house.run(lambda tx: holds.approve(tx, DPO, hold.id, now=START))
    house.run(lambda tx: holds.approve(tx, LAWYER, hold.id, now=START))
    made = house.purge()
    assert counts(made) == {"events": 1}
    assert {(s.what, s.name, s.count) for s in made.stayed} == {
        ("events", "court", 1), ("alerts", "court", 1),
    }  # fmt: skip
    house.run(
        lambda tx: holds.end(tx, LAWYER, "court", reason="the judgment is final now", now=START)
    )
    made = house.purge()
    assert counts(made) == {"events": 1, "alerts": 1}
    assert made.stayed == ()


def test_a_hold_may_be_narrowed_to_a_time_and_a_source(house: House) -> None:
    old = [START - (500 - n) * DAY for n in range(4)]
    house.put(*old)
    scope = HoldScope(source="crm", since=old[1], until=old[3])
    hold = propose(house, scope)
    house.run(lambda tx: holds.approve(tx, LAWYER, hold.id, now=START))
    made = house.purge()
    assert counts(made) == {"events": 2}
    assert [one.time for one in house.events.search()] == old[1:3]


def test_a_proposal_protects_for_three_days_only(house: House) -> None:
    house.put(START - 400 * DAY)
    hold = propose(house, HoldScope(person="usr_a"))
    assert hold.state is HoldState.PROPOSED
    assert counts(house.purge()) == {}
    house.at(START + 4 * DAY)
    assert counts(house.purge()) == {"events": 1}


def test_a_held_case_outlives_its_day(house: House) -> None:
    incident = house.case(legal=Legal.CLOSED, outcome=Outcome.REGISTER, closed_at=START)
    hold = propose(house, HoldScope(case="INC-2025-0001"))
    house.run(lambda tx: holds.approve(tx, LAWYER, hold.id, now=START))
    house.at(START + 1200 * DAY)
    made = house.purge()
    assert [(s.what, s.why, s.name) for s in made.stayed] == [("cases", "hold", "court")]
    assert house.run(lambda tx: tx.incidents.get(incident.id)).actors == ("usr_a",)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"actor": Actor("a", frozenset({Role.ANALYST}))}, "takes one of the roles"),
        ({"actor": Actor("a", frozenset({Role.DPO, Role.ADMIN}))}, "takes one of the roles"),
        ({"reason": "because"}, "written reason"),
        ({"scope": HoldScope()}, "name what is held"),
        ({"scope": HoldScope(since=START, until=START)}, "ends before it begins"),
        ({"review_by": date(2027, 1, 1)}, "reviewed within"),
        ({"review_by": START.date()}, "reviewed within"),
        ({"name": "  "}, "name of its own"),
    ],
)
def test_a_hold_is_refused(house: House, change: dict[str, Any], why: str) -> None:
    given: dict[str, Any] = {
        "actor": DPO, "name": "court", "reason": "the court asked to keep these logs",
        "scope": HoldScope(person="usr_a"), "review_by": (START + 30 * DAY).date(),
    } | change  # fmt: skip
    actor = given.pop("actor")
    with pytest.raises(Refused, match=why):
        house.run(lambda tx: holds.propose(tx, actor, now=START, **given))


def test_a_hold_whose_review_is_missing_is_overdue_until_it_is_reviewed(house: House) -> None:
    hold = propose(house, HoldScope(person="usr_a"), days=10)
    house.run(lambda tx: holds.approve(tx, LAWYER, hold.id, now=START))
    late = START + 11 * DAY
    assert [one.name for one in house.run(lambda tx: holds.overdue(tx, late.date()))] == ["court"]
    house.run(
        lambda tx: holds.review(
            tx, DPO, "court", reason="the appeal is still pending", now=late,
            next_by=(late + 30 * DAY).date(),
        )
    )  # fmt: skip
    assert house.run(lambda tx: holds.overdue(tx, late.date())) == []


def test_rows_go_with_their_time(house: House) -> None:
    def fill(tx: CaseTx) -> None:
        tx.accounts.put(
            Account(
                id="a", name="a", display_name="a", roles=(Role.DPO,), language="fr",
                password_hash="x", totp_secret=b"x", created_at=START,
            )
        )  # fmt: skip
        for number, ends in enumerate((START - DAY, START + DAY)):
            tx.accounts.put_session(
                WebSession(
                    token_hash=f"t{number}", account_id="a", csrf_token="c", created_at=START,
                    expires_at=ends, last_seen_at=START,
                )
            )  # fmt: skip
        for number, at in enumerate((START - 400 * DAY, START - DAY)):
            tx.outbox.enqueue(
                Message(
                    id=f"m{number}", key=f"k{number}", channel="email", kind="alert", context={},
                    created_at=at, next_attempt_at=at,
                )
            )  # fmt: skip
            tx.outbox.mark_sent(f"m{number}", at=at, receipt="ok")
        tx.facts.put_many(
            [
                Fact(kind="ticket", id="1", subject="sub_a", valid_to=START - 400 * DAY),
                Fact(kind="ticket", id="2", subject="sub_a", valid_to=START - DAY),
                Fact(kind="employment", id="3", actor="usr_a", valid_from=START - 900 * DAY),
            ]
        )

    house.run(fill)
    assert counts(house.purge()) == {"sessions": 1, "messages": 1, "facts": 1}
    assert house.run(lambda tx: len(list(tx.facts.all()))) == 2


def test_a_preview_changes_nothing_and_says_what_a_run_takes(house: House) -> None:
    house.put(START - 400 * DAY)
    house.alert(1, [], first=START - 400 * DAY, last=START - 400 * DAY)
    lines = house.run(lambda tx: len(tx.journal.lines()))
    preview = house.purger.preview()
    assert counts(preview) == {"events": 1, "alerts": 1}
    assert house.events.count() == 1
    assert house.run(lambda tx: (len(tx.journal.lines()), tx.alerts.count())) == (lines, 1)
    assert counts(house.purge()) == counts(preview)


def test_the_payloads_of_the_journal_go_after_36_months_and_the_chain_holds(house: House) -> None:
    house.run(
        lambda tx: tx.journal.append(
            occurred_at=START, actor="a", action="x", object_id="o", payload={"secret": 1}
        )
    )
    house.at(START + DAY)
    house.run(lambda tx: anchoring.daily_anchor(tx, house.clock.now(), SIGNER.sign))
    house.at(datetime(2028, 1, 9, 12, tzinfo=UTC))
    assert "journal_payloads" not in counts(house.purge())
    house.at(datetime(2028, 1, 12, 12, tzinfo=UTC))
    assert counts(house.purge())["journal_payloads"] == 1
    assert house.verdict().holds
