"""The commands on a case, on the real store: what they change, refuse and write."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from sentinel.clock import ManualClock
from sentinel.domain.affected import Affected
from sentinel.domain.alert import Alert, AlertState
from sentinel.domain.deadline import Deadline
from sentinel.domain.finding import Finding, Level, RuleInfo
from sentinel.domain.incident import (
    Actor,
    Authority,
    Incident,
    Legal,
    Outcome,
    Persons,
    Role,
    Security,
)
from sentinel.domain.lateness import DatedFact
from sentinel.domain.record import Proposal
from sentinel.errors import NotFound, Refused
from sentinel.respond import workflow
from sentinel.respond.fold import Folder
from sentinel.respond.journal_check import verify_journal
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.seal import AesGcmSealer

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
WHY_LATE = "The portal was down for six hours after an update"
WHY = "The log shows 1200 customers exported by a leaver"

ANALYST = Actor("acc-analyst", frozenset({Role.ANALYST}))
DPO = Actor("acc-dpo", frozenset({Role.DPO}))
COMMANDER = Actor("acc-commander", frozenset({Role.COMMANDER}))
ADMIN = Actor("acc-admin", frozenset({Role.ADMIN}))
AUDITOR = Actor("acc-auditor", frozenset({Role.AUDITOR}))


class House:
    """A store, a clock, and commands as the service gives them."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW)
        self.store = SqlCaseStore.open(":memory:", AesGcmSealer(bytes(32)), self.clock)

    def alert(self, number: int = 1) -> Alert:
        rule = RuleInfo(
            id="r1", slug="leaver_bulk_export", title="t", level=Level.HIGH, runbook="bulk-export"
        )
        finding = Finding(
            id=f"n{number}",
            rule=rule,
            time=NOW - number * HOUR,
            actor=f"usr_{number}",
            subjects=(f"sub_{number}", "sub_0"),
            events=(f"e{number}",),
            refs=(f"crm#{number}",),
            event_count=1,
            reasons=(),
            categories=("contact",),
        )
        folder = Folder(self.clock, window=HOUR, route=lambda _: ())
        with self.store.begin() as tx:
            return folder.fold(tx, [finding])[0]

    def do(self, name: str, actor: Actor, **arguments: object):
        with self.store.begin() as tx:
            return workflow.COMMANDS[name](tx, actor, **arguments, now=self.clock.now())

    def incident(self) -> Incident:
        with self.store.begin() as tx:
            return tx.incidents.find()[0]

    def clocks(self) -> dict[str, Deadline]:
        with self.store.begin() as tx:
            return {row.obligation: row for row in tx.incidents.deadlines(self.incident_id)}

    def running(self) -> set[str]:
        return {name for name, clock in self.clocks().items() if clock.open}

    def journal(self) -> list[tuple[str, str, object]]:
        with self.store.begin() as tx:
            assert verify_journal(tx) == []
            return [
                (row.actor, row.action, tx.journal.opened(row))
                for row in tx.journal.lines(object_id=self.incident_id)
            ]

    @property
    def incident_id(self) -> str:
        return self._incident_id

    def open_case(self) -> str:
        alert = self.alert()
        incident = self.do(
            "promote", ANALYST, alert_ids=[alert.id], title="Export", kind="bulk_export"
        )
        self._incident_id = incident.id
        return incident.id

    def case(self, name: str, actor: Actor, **arguments: object) -> Incident:
        return self.do(name, actor, incident_id=self._incident_id, **arguments)

    def confirmed(self, *, hours_ago: float = 0) -> None:
        self.open_case()
        aware = NOW - hours_ago * HOUR
        self.case("confirm_breach", DPO, aware_at=aware, basis=WHY)


@pytest.fixture
def house() -> Iterator[House]:
    opened = House()
    yield opened
    opened.store.close()


def test_acknowledging_stops_the_clock_and_says_who(house: House) -> None:
    alert = house.alert()
    house.clock.advance(timedelta(minutes=3))
    taken = house.do("acknowledge_alert", ANALYST, alert_id=alert.id)
    assert taken.state is AlertState.ACKNOWLEDGED
    assert (taken.acknowledged_by, taken.acknowledged_at) == (ANALYST.id, house.clock.now())
    with house.store.begin() as tx:
        [clock] = tx.incidents.deadlines(alert.id)
        assert clock.met_at == house.clock.now()
        assert tx.journal.lines(object_id=alert.id)[-1].action == "alert.acknowledged"


def test_dismissing_needs_a_sentence_and_keeps_it(house: House) -> None:
    alert = house.alert()
    for reason in ("", "   ", "no", "rien rien rien rien", "!!!!!!!!!!! !!!!", "fauxpositif"):
        with pytest.raises(Refused, match="written reason"):
            house.do("dismiss_alert", ANALYST, alert_id=alert.id, reason=reason)
    reason = "A planned migration by the on-call engineer"
    assert house.do("dismiss_alert", ANALYST, alert_id=alert.id, reason=reason).state_reason
    with pytest.raises(Refused, match="dismissed"):
        house.do("acknowledge_alert", ANALYST, alert_id=alert.id)


def test_a_case_collects_what_its_alerts_know(house: House) -> None:
    alerts = [house.alert(1), house.alert(2)]
    ids = [alert.id for alert in alerts]
    incident = house.do("promote", ANALYST, alert_ids=ids, title=" Export ", kind="bulk_export")
    assert incident.reference == "INC-2026-0001"
    assert incident.title == "Export"
    assert incident.actors == ("usr_1", "usr_2")
    assert incident.subjects == ("sub_0", "sub_1", "sub_2")
    assert incident.categories == ("contact",)
    assert (incident.occurred_from, incident.occurred_to) == (NOW - 2 * HOUR, NOW - HOUR)
    assert incident.detected_at == NOW
    assert incident.runbook == "bulk-export"
    assert incident.legal is Legal.TRIAGE
    with house.store.begin() as tx:
        assert {one.state for one in tx.alerts.find(incident_id=incident.id)} == {
            AlertState.PROMOTED
        }
        assert tx.incidents.deadlines(open_only=True) == []


def test_an_alert_makes_one_case_only(house: House) -> None:
    alert = house.alert()
    house.do("promote", ANALYST, alert_ids=[alert.id, alert.id], title="x", kind="y")
    with pytest.raises(Refused, match="promoted"):
        house.do("promote", ANALYST, alert_ids=[alert.id], title="x", kind="y")
    with house.store.begin() as tx:
        assert len(tx.incidents.find()) == 1


@pytest.mark.parametrize(
    ("alert_ids", "title", "error"),
    [([], "x", Refused), (["nowhere"], "x", NotFound), (["known"], " ", Refused)],
)
def test_a_case_is_not_opened_from_nothing(house: House, alert_ids, title, error) -> None:
    alert = house.alert()
    ids = [alert.id if one == "known" else one for one in alert_ids]
    with pytest.raises(error):
        house.do("promote", ANALYST, alert_ids=ids, title=title, kind="bulk_export")
    with house.store.begin() as tx:
        assert tx.incidents.find() == []


def test_the_investigation_has_24_hours(house: House) -> None:
    house.open_case()
    incident = house.case("start_investigation", ANALYST)
    assert (incident.legal, incident.investigation_started_at) == (Legal.INVESTIGATION, NOW)
    assert house.clocks()["INV"].due_at == NOW + 24 * HOUR


def test_awareness_starts_72_hours_from_its_own_instant(house: House) -> None:
    house.open_case()
    house.case("start_investigation", ANALYST)
    house.clock.advance(5 * HOUR)
    aware = NOW + 2 * HOUR
    incident = house.case("confirm_breach", DPO, aware_at=aware, basis=WHY)
    assert incident.legal is Legal.BREACH_CONFIRMED
    assert (incident.authority, incident.persons) == (Authority.DUE, Persons.DUE)
    assert (incident.aware_at, incident.aware_basis) == (aware, WHY)
    clock = house.clocks()["CNIL-72"]
    assert (clock.anchor_at, clock.due_at) == (aware, aware + 72 * HOUR)
    assert [(alarm - aware) / HOUR for alarm in clock.alarms] == [24, 36, 48, 60, 66, 70, 71]
    assert clock.repeat_seconds == 15 * 60
    assert clock.hard
    assert house.clocks()["ART34"].due_at == aware + 48 * HOUR
    assert house.clocks()["INV"].met_at == house.clock.now()
    assert house.running() == {"CNIL-72", "ART34"}


def test_an_obvious_breach_is_confirmed_without_an_investigation(house: House) -> None:
    house.confirmed()
    assert house.running() == {"CNIL-72", "ART34"}


@pytest.mark.parametrize(
    ("aware_at", "basis", "reason"),
    [
        (NOW + timedelta(seconds=1), WHY, "future"),
        (NOW.replace(tzinfo=None), WHY, "zone"),
        (NOW, "sure", "written reason"),
    ],
)
def test_awareness_needs_a_possible_instant_and_a_basis(house, aware_at, basis, reason) -> None:
    house.open_case()
    with pytest.raises(Refused, match=reason):
        house.case("confirm_breach", DPO, aware_at=aware_at, basis=basis)
    assert house.running() == set()
    assert house.incident().aware_at is None


def test_awareness_is_moved_earlier_at_once(house: House) -> None:
    house.confirmed(hours_ago=1)
    house.case("amend_awareness", COMMANDER, aware_at=NOW - 30 * HOUR, basis=WHY)
    clock = house.clocks()["CNIL-72"]
    assert clock.due_at == NOW + 42 * HOUR
    # The alarm of the 24th hour has passed: it must ring now, the later ones in their time.
    assert [(alarm - NOW) / HOUR for alarm in clock.alarms][:2] == [-6, 6]
    assert house.journal()[-1][2] == {
        "from": "2026-03-02T11:00:00.000Z",
        "to": "2026-03-01T06:00:00.000Z",
        "basis": WHY,
        "approved_by": [],
        "version": 3,
    }


@pytest.mark.parametrize(
    ("actor", "approvals", "allowed"),
    [
        (DPO, (), False),
        (DPO, (DPO,), False),
        (DPO, (ANALYST,), False),
        (COMMANDER, (COMMANDER,), False),
        (DPO, (COMMANDER,), True),
        (COMMANDER, (DPO,), True),
    ],
)
def test_awareness_is_moved_later_by_the_dpo_and_a_second_person(
    house: House, actor: Actor, approvals: tuple[Actor, ...], allowed: bool
) -> None:
    house.confirmed(hours_ago=10)

    def amend() -> None:
        house.case("amend_awareness", actor, aware_at=NOW - HOUR, basis=WHY, approvals=approvals)

    if allowed:
        amend()
    else:
        with pytest.raises(Refused):
            amend()
    assert house.clocks()["CNIL-72"].anchor_at == NOW - (1 if allowed else 10) * HOUR


def test_answers_are_superseded_never_lost(house: House) -> None:
    house.open_case()
    unknown = {"unknown": {"owner": "acc-dpo", "due": "2026-03-03T12:00:00Z"}}
    house.case("answer", ANALYST, field="p.count", value=unknown)
    incident = house.case("answer", DPO, field="p.count", value=1200)
    assert incident.answers == {"p.count": 1200}
    assert house.journal()[-1][2] == {
        "field": "p.count",
        "value": 1200,
        "before": unknown,
        "established": True,
        "evidence": [],
        "version": 3,
    }
    for value in ({"unknown": {}}, {"unknown": {"owner": "x"}}, {"unknown": None}):
        with pytest.raises(Refused, match="owner"):
            house.case("answer", ANALYST, field="p.count", value=value)


def test_the_affected_persons_are_frozen(house: House) -> None:
    house.open_case()
    found = Affected(
        subjects=("sub_1", "sub_2"),
        categories={"contact": 3},
        record_count=3,
        query="(user.name in (usr_1))",
        sha256="ab" * 32,
    )
    incident = house.case("record_affected", ANALYST, affected=found)
    assert incident.affected == house.incident().affected == found
    assert (incident.subjects, incident.record_count) == (("sub_1", "sub_2"), 3)
    assert house.journal()[-1][2]["sha256"] == "ab" * 32  # type: ignore[index]


def test_the_systems_have_a_track_of_their_own(house: House) -> None:
    house.open_case()
    with pytest.raises(Refused, match="possible in: contained"):
        house.case("eradicate", ANALYST)
    for name, state in (
        ("contain", Security.CONTAINED),
        ("eradicate", Security.ERADICATED),
        ("recover", Security.RECOVERED),
    ):
        assert house.case(name, ANALYST, note="account disabled").security is state
    assert house.incident().legal is Legal.TRIAGE


def file(house: House, kind: str = "initial", hours: float = 1, **more: object) -> Incident:
    filed_at = NOW + hours * HOUR
    if house.clock.now() < filed_at:
        house.clock.set(filed_at)
    arguments = {"kind": kind, "number": "N-1", "filed_at": filed_at} | more
    return house.case("record_filing", DPO, **arguments)


def explain(house: House, **change: object) -> Incident:
    with house.store.begin() as tx:
        held = [one.id for one in tx.alerts.find(incident_id=house.incident_id)]
    given: dict[str, object] = {
        "ground": "portal",
        "reasons": WHY_LATE,
        "facts": [DatedFact(at=NOW + HOUR, text="The portal answered 503")],
        "evidence": held,
    }
    return house.case("explain_lateness", DPO, **(given | change))


def test_an_initial_filing_meets_the_72_hours_at_its_own_instant(house: House) -> None:
    house.confirmed()
    incident = file(house, hours=70)
    assert incident.authority is Authority.INITIAL
    assert incident.filings[0].number == "N-1"
    assert house.clocks()["CNIL-72"].met_at == NOW + 70 * HOUR
    assert house.clocks()["CNIL-COMP"].due_at == NOW + 142 * HOUR
    assert house.running() == {"ART34", "CNIL-COMP", "FILING-APPROVAL"}


def test_the_last_microsecond_is_in_time_and_the_next_is_late(house: House) -> None:
    house.confirmed()
    file(house, hours=72)
    assert "LATE-REASONS" not in house.clocks()


def test_a_late_filing_without_reasons_is_recorded_and_opens_a_task(house: House) -> None:
    house.confirmed()
    assert file(house, hours=72 + 1e-6).authority is Authority.INITIAL
    assert "LATE-REASONS" in house.running()
    with pytest.raises(Refused, match="written reason"):
        explain(house, reasons="late")
    incident = explain(house)
    assert incident.lateness is not None
    assert incident.lateness.reasons == WHY_LATE
    assert "LATE-REASONS" not in house.running()


def test_reasons_given_before_a_late_filing_open_no_task(house: House) -> None:
    house.confirmed()
    with pytest.raises(Refused, match="not late"):
        explain(house)
    house.clock.set(NOW + 72 * HOUR)
    with pytest.raises(Refused, match="not late"):
        explain(house)
    house.clock.set(NOW + 72 * HOUR + timedelta(microseconds=1))
    explain(house)
    file(house, hours=80)
    assert "LATE-REASONS" not in house.clocks()


def test_words_in_the_filing_are_kept_and_are_no_reasons(house: House) -> None:
    house.confirmed()
    incident = file(house, hours=80, reasons="The portal was down for six hours, see ticket")
    assert incident.filings[0].late_reasons.startswith("The portal")
    assert "LATE-REASONS" in house.running()


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"ground": "laziness"}, "the ground is one of"),
        ({"reasons": "It was late late late late"}, "in sentences"),
        ({"reasons": "The portal was down again. " * 4}, "repeat"),
        ({"facts": []}, "at least one dated fact"),
        ({"facts": [DatedFact(at=NOW, text="down")]}, "in words of its own"),
        ({"facts": [DatedFact(at=NOW, text="down and out " * 4)]}, "in words of its own"),
        ({"facts": [DatedFact(at=NOW, text=" ")]}, "in words of its own"),
        ({"facts": [DatedFact(at=NOW + 500 * HOUR, text="It came back")]}, "future"),
        ({"facts": [DatedFact(at=NOW.replace(tzinfo=None), text="It was down")]}, "offset"),
        ({"facts": [DatedFact(at=NOW, text="It was down")] * 2}, "stands twice"),
        ({"facts": [DatedFact(at=NOW, text="the PORTAL, was down; for six hours after an update")]},
         "stands twice"),
        ({"evidence": []}, "at least one evidence"),
        ({"evidence": ["doc-of-another-case"]}, "holds no evidence"),
    ],
)  # fmt: skip
def test_reasons_for_a_delay_are_a_ground_dated_facts_and_evidence(
    house: House, change: dict[str, object], refusal: str
) -> None:
    house.confirmed()
    file(house, hours=80)
    with pytest.raises(Refused, match=refusal):
        explain(house, **change)
    assert "LATE-REASONS" in house.running()
    assert house.incident().lateness is None


def test_the_reasons_of_another_case_are_not_copied(house: House) -> None:
    house.confirmed()
    file(house, hours=80)
    explain(house)
    explain(house)  # corrected by the same words: they are its own
    first = house.incident_id
    other = house.alert(2)
    house._incident_id = house.do(
        "promote", ANALYST, alert_ids=[other.id], title="Export", kind="bulk_export"
    ).id
    assert house.incident_id != first
    house.case("confirm_breach", DPO, aware_at=NOW, basis=WHY)
    with pytest.raises(Refused, match="word for word"):
        explain(house, reasons=WHY_LATE.upper() + " !")


def test_an_answer_does_not_stand_for_the_reasons(house: House) -> None:
    house.confirmed()
    with pytest.raises(Refused, match="explain_lateness"):
        house.case("answer", DPO, field="t.late_reasons", value="late")


def test_reasons_are_no_longer_asked_where_the_filing_proves_in_time(house: House) -> None:
    house.confirmed(hours_ago=10)
    file(house, hours=63)
    assert "LATE-REASONS" in house.running()
    house.case("amend_awareness", DPO, aware_at=NOW, basis=WHY, approvals=(COMMANDER,))
    assert "LATE-REASONS" not in house.running()


def test_a_filing_before_confirmation_counts(house: House) -> None:
    """A lone DPO files at three in the morning and puts the case in order afterwards."""
    house.open_case()
    file(house, hours=1)
    house.clock.advance(HOUR)
    incident = house.case("confirm_breach", DPO, aware_at=NOW, basis=WHY)
    assert incident.authority is Authority.INITIAL
    assert house.clocks()["CNIL-72"].met_at == NOW + HOUR


def test_persons_informed_before_confirmation_leave_no_clock_behind(house: House) -> None:
    house.open_case()
    house.case("record_persons", DPO, state="informed")
    incident = house.case("confirm_breach", DPO, aware_at=NOW, basis=WHY)
    assert incident.persons is Persons.INFORMED
    assert house.running() == {"CNIL-72"}


def test_a_filing_that_proves_late_afterwards_needs_its_reasons(house: House) -> None:
    house.confirmed()
    file(house, hours=60)
    assert "LATE-REASONS" not in house.clocks()
    house.case("amend_awareness", DPO, aware_at=NOW - 13 * HOUR, basis=WHY)
    assert "LATE-REASONS" in house.running()


def test_a_filing_withdrawn_before_confirmation_counts_for_nothing(house: House) -> None:
    house.open_case()
    file(house, hours=1)
    file(house, "withdraw", hours=2)
    incident = house.case("confirm_breach", DPO, aware_at=NOW, basis=WHY)
    assert incident.authority is Authority.DUE
    assert "CNIL-72" in house.running()


def test_a_filing_is_approved_by_somebody_else(house: House) -> None:
    house.confirmed()
    file(house)
    with pytest.raises(Refused, match="author"):
        house.case("approve_filing", DPO)
    incident = house.case("approve_filing", COMMANDER)
    assert incident.filings[0].approved_by == COMMANDER.id
    assert "FILING-APPROVAL" not in house.running()


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "final"},
        {"number": " "},
        {"filed_at": NOW + 9 * HOUR},
        {"filed_at": NOW.replace(tzinfo=None)},
        {"kind": "complement"},
    ],
)
def test_a_filing_that_cannot_be_is_refused(house: House, wrong: dict[str, object]) -> None:
    house.confirmed()
    with pytest.raises(Refused):
        file(house, **wrong)
    assert "CNIL-72" in house.running()
    assert house.incident().filings == ()


def test_complement_and_complete_follow_the_initial_filing(house: House) -> None:
    house.confirmed()
    file(house)
    assert file(house, "complement", 2).authority is Authority.INITIAL
    assert "CNIL-COMP" not in house.running()
    assert file(house, "complete", 3).authority is Authority.COMPLETE
    assert file(house, "withdraw", 4).authority is Authority.WITHDRAWN


def close(house: House, outcome: str, actor: Actor = DPO, approver: Actor | None = COMMANDER):
    return house.case("close", actor, outcome=outcome, reason=WHY, approved_by=approver)


def settled(house: House) -> None:
    """Bring a case to where nothing stands in the way of closing it."""
    house.confirmed()
    house.case("qualify", DPO, outcome="high_risk", reasons=WHY)
    file(house, "complete")
    house.case("approve_filing", COMMANDER)
    house.case("record_persons", DPO, state="informed")


def test_a_settled_case_is_closed_by_two(house: House) -> None:
    settled(house)
    incident = close(house, "high_risk")
    assert (incident.legal, incident.outcome) == (Legal.CLOSED, Outcome.HIGH_RISK)
    assert incident.closed_at == house.clock.now()


def unsettle_filing(house: House) -> None:
    file(house)
    house.case("approve_filing", COMMANDER)
    house.case("record_persons", DPO, state="informed")
    [clock] = [house.clocks()["CNIL-COMP"]]
    house.case("waive_deadline", DPO, deadline_id=clock.id, reason="nothing more to tell")


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda house: file(house, "complete"), "clocks still run: ART34, FILING-APPROVAL"),
        (lambda house: house.case("record_persons", DPO, state="informed"), "CNIL-72"),
        (unsettle_filing, "the authority is initial"),
    ],
    ids=["persons", "clock", "authority"],
)
def test_nothing_is_closed_that_is_not_settled(
    house: House, prepare: Callable[[House], object], reason: str
) -> None:
    house.confirmed()
    house.case("qualify", DPO, outcome="authority", reasons=WHY)
    prepare(house)
    with pytest.raises(Refused, match=reason):
        close(house, "authority")
    assert house.incident().legal is Legal.QUALIFIED


@pytest.mark.parametrize(
    ("approver", "reason"),
    [(None, "second person"), (DPO, "approver"), (ANALYST, "role")],
)
def test_closing_takes_a_second_person(house: House, approver, reason: str) -> None:
    settled(house)
    with pytest.raises(Refused, match=reason):
        close(house, "high_risk", approver=approver)


def test_closing_does_not_change_the_qualification(house: House) -> None:
    settled(house)
    with pytest.raises(Refused, match="qualified high_risk"):
        close(house, "register")


def test_a_false_positive_ends_the_investigation(house: House) -> None:
    house.open_case()
    house.case("start_investigation", ANALYST)
    with pytest.raises(Refused):
        close(house, "false_positive", approver=None)
    assert house.running() == {"INV"}
    assert close(house, "false_positive").outcome is Outcome.FALSE_POSITIVE
    assert house.running() == set()


def test_a_case_without_breach_is_not_closed_as_one(house: House) -> None:
    house.open_case()
    with pytest.raises(Refused, match="no breach"):
        close(house, "register")


def test_no_notification_is_the_decision_of_two_after_a_qualification(house: House) -> None:
    house.confirmed()
    decision = {"reasons": "The file was encrypted and the key safe", "approved_by": COMMANDER}
    with pytest.raises(Refused, match="qualified register"):
        house.case("decide_no_notification", DPO, **decision)
    house.case("qualify", DPO, outcome="register", reasons=WHY)
    with pytest.raises(Refused, match="second person"):
        house.case("decide_no_notification", DPO, **(decision | {"approved_by": None}))
    assert house.case("decide_no_notification", DPO, **decision).authority is Authority.NOT_DUE
    house.case("record_persons", DPO, state="exempt", reasons="Data were unintelligible, 34(3)(a)")
    assert close(house, "register").legal is Legal.CLOSED
    assert house.clocks()["CNIL-72"].waived_reason == decision["reasons"]


def test_skipping_the_letters_is_the_dpos_written_decision(house: House) -> None:
    house.confirmed()
    with pytest.raises(Refused, match="role dpo"):
        house.case("record_persons", COMMANDER, state="exempt", reasons=WHY)
    with pytest.raises(Refused, match="written reason"):
        house.case("record_persons", DPO, state="exempt")
    incident = house.case("record_persons", DPO, state="exempt", reasons=WHY)
    assert (incident.persons, incident.persons_reasons) == (Persons.EXEMPT, WHY)
    assert house.clocks()["ART34"].waived_reason == WHY


@pytest.mark.parametrize("obligation", ["CNIL-72", "ART34"])
def test_a_legal_duty_is_not_waived_by_the_way(house: House, obligation: str) -> None:
    house.confirmed()
    clock = house.clocks()[obligation]
    with pytest.raises(Refused, match="own decision"):
        house.case("waive_deadline", DPO, deadline_id=clock.id, reason=WHY)
    assert obligation in house.running()


def test_reopening_keeps_what_was_decided(house: House) -> None:
    settled(house)
    close(house, "high_risk")
    with pytest.raises(Refused):
        house.case("answer", ANALYST, field="x", value=1)
    incident = house.case("reopen", DPO, reason="Forty more persons were found in the logs")
    assert incident.legal is Legal.BREACH_CONFIRMED
    assert incident.filings
    assert incident.aware_at == NOW
    actions = [action for _, action, _ in house.journal()]
    assert actions[-2:] == ["incident.closed", "incident.reopened"]


def test_a_false_positive_comes_back_as_an_investigation(house: House) -> None:
    house.open_case()
    close(house, "false_positive")
    incident = house.case("reopen", DPO, reason="The export was not planned after all")
    assert incident.legal is Legal.INVESTIGATION


@pytest.mark.parametrize(("actor", "reason"), [(ADMIN, "no access"), (AUDITOR, "writes nothing")])
@pytest.mark.parametrize("also", [frozenset(), frozenset({Role.DPO, Role.COMMANDER})])
def test_admin_and_auditor_change_nothing_whatever_else_they_hold(
    house: House, actor: Actor, reason: str, also: frozenset[Role]
) -> None:
    house.open_case()
    who = Actor(actor.id, actor.roles | also)
    alert = house.alert(2)
    attempts: dict[str, dict[str, object]] = {
        "start_investigation": {},
        "confirm_breach": {"aware_at": NOW, "basis": WHY},
        "answer": {"field": "x", "value": 1},
        "contain": {},
        "record_filing": {"kind": "initial", "number": "1", "filed_at": NOW},
        "record_persons": {"state": "informed"},
        "close": {"outcome": "false_positive", "reason": WHY, "approved_by": COMMANDER},
    }
    for name, arguments in attempts.items():
        with pytest.raises(Refused, match=reason):
            house.case(name, who, **arguments)
    with pytest.raises(Refused, match=reason):
        house.do("acknowledge_alert", who, alert_id=alert.id)
    assert house.incident().version == 1


def test_every_change_writes_one_line_and_one_version(house: House) -> None:
    settled(house)
    close(house, "high_risk")
    assert [(actor, action) for actor, action, _ in house.journal()] == [
        (ANALYST.id, "incident.opened"),
        (DPO.id, "incident.breach_confirmed"),
        (DPO.id, "incident.qualified"),
        (DPO.id, "incident.filing_recorded"),
        (COMMANDER.id, "incident.filing_approved"),
        (DPO.id, "incident.persons_recorded"),
        (DPO.id, "incident.closed"),
    ]
    assert house.incident().version == len(house.journal())


def test_a_command_takes_the_reference_for_the_id(house: House) -> None:
    house.open_case()
    incident = house.do("start_investigation", ANALYST, incident_id="INC-2026-0001")
    assert incident.legal is Legal.INVESTIGATION
    assert house.running() == {"INV"}


def test_the_commands_are_those_that_the_package_names() -> None:
    assert set(workflow.COMMANDS) == set(workflow.__all__) - {"COMMANDS"}


def test_a_filing_on_a_closed_case_takes_it_up_again(house: House) -> None:
    """A filing is always recordable, and a closed case never has an open clock."""
    house.open_case()
    house.case("close", COMMANDER, outcome="false_positive", reason=WHY, approved_by=DPO)
    incident = file(house, hours=1)
    assert (incident.legal, incident.outcome, incident.closed_at) == (
        Legal.INVESTIGATION,
        Outcome.NONE,
        None,
    )
    assert incident.authority is Authority.INITIAL
    assert "FILING-APPROVAL" in house.running()
    assert house.journal()[-1][2]["reopened"] is True  # type: ignore[index]


def test_who_may_not_decide_approves_no_proposal(house: House) -> None:
    """Not even one that its author could have carried out alone: an earlier awareness."""
    house.confirmed()
    arguments = {"aware_at": "2026-03-02T09:00:00Z", "basis": WHY}
    house.case("propose", DPO, command="amend_awareness", arguments=arguments)
    with house.store.begin() as tx:
        [proposal] = tx.records.find(Proposal, house.incident_id)
    for one in (ANALYST, ADMIN, AUDITOR):
        with pytest.raises(Refused):
            house.case("approve_proposal", one, proposal_id=proposal.id)
    house.case("approve_proposal", COMMANDER, proposal_id=proposal.id)
    assert house.incident().aware_at == NOW - 3 * HOUR
