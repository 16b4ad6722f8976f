"""The deputy rota: who is on duty, where alarms go, and that it gives nobody two pairs of eyes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from sentinel.clock import ManualClock
from sentinel.domain.account import Account
from sentinel.domain.deadline import Deadline
from sentinel.domain.incident import Actor, Role
from sentinel.errors import NotFound, Refused
from sentinel.respond import clock_watch, rota, workflow
from sentinel.respond.workflow.intake import Report
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.ports import CaseTx
from sentinel.store.seal import AesGcmSealer

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
CHANNELS = {"dora": "mail-dora", "denis": "mail-denis", "delphine": "mail-delphine"}
LIVE = {"mail-dora", "mail-denis", "email"}
DORA = Actor("id-dora", frozenset({Role.DPO}))
DENIS = Actor("id-denis", frozenset({Role.DPO}))


@pytest.fixture
def tx() -> Iterator[CaseTx]:
    store = SqlCaseStore.open(":memory:", AesGcmSealer(bytes(32)), ManualClock(NOW))
    roles = {"dora": Role.DPO, "denis": Role.DPO, "delphine": Role.DPO, "cora": Role.COMMANDER}
    with store.begin() as opened:
        for name, role in roles.items():
            opened.accounts.put(
                Account(
                    id=f"id-{name}", name=name, display_name=name, roles=(role,), language="fr",
                    password_hash="", totp_secret=b"", created_at=NOW,
                )
            )  # fmt: skip
        yield opened
    store.close()


def away(tx: CaseTx, person: str, deputy: str, since: int = 0, until: int = 7) -> None:
    rota.record_absence(
        tx, DORA, person=person, deputy=deputy,
        since=NOW + since * DAY, until=NOW + until * DAY, now=NOW,
    )  # fmt: skip


def at(tx: CaseTx, days: float) -> str:
    return rota.duty_at(tx, "dora", NOW + days * DAY).person


def test_the_deputy_is_on_duty_in_the_absence_and_not_a_second_longer(tx: CaseTx) -> None:
    away(tx, "dora", "denis", 1, 3)
    assert [at(tx, day) for day in (0, 1, 2.99, 3)] == [
        "id-dora",
        "id-denis",
        "id-denis",
        "id-dora",
    ]
    assert rota.duty_at(tx, "dora", NOW + 2 * DAY).through == ("id-dora",)


def test_a_deputy_who_is_away_has_a_deputy(tx: CaseTx) -> None:
    away(tx, "dora", "denis", 0, 10)
    away(tx, "denis", "delphine", 4, 6)
    assert [at(tx, day) for day in (3, 5, 7)] == ["id-denis", "id-delphine", "id-denis"]


def test_who_is_back_early_is_on_duty(tx: CaseTx) -> None:
    away(tx, "dora", "denis", 0, 10)
    assert len(rota.end_absence(tx, DENIS, person="dora", now=NOW + DAY)) == 1
    assert at(tx, 2) == "id-dora"
    assert rota.end_absence(tx, DENIS, person="dora", now=NOW + DAY) == []


def test_what_would_leave_nobody_is_refused(tx: CaseTx) -> None:
    away(tx, "dora", "denis", 0, 5)
    with pytest.raises(Refused, match="nobody would be on duty"):
        away(tx, "denis", "dora", 4, 8)
    away(tx, "denis", "dora", 5, 8)  # she is back by then


@pytest.mark.parametrize(
    ("person", "deputy", "since", "until", "why"),
    [
        ("dora", "dora", 0, 1, "of himself"),
        ("dora", "cora", 0, 1, "role dpo"),
        ("dora", "denis", 1, 1, "ends after"),
        ("dora", "denis", -3, -1, "ends after"),
    ],
)
def test_what_is_no_absence(
    tx: CaseTx, person: str, deputy: str, since: int, until: int, why: str
) -> None:
    with pytest.raises(Refused, match=why):
        away(tx, person, deputy, since, until)


def test_a_disabled_account_or_an_unknown_one_does_not_stand_in(tx: CaseTx) -> None:
    denis = tx.accounts.by_name("denis")
    assert denis is not None
    tx.accounts.put(msgspec.structs.replace(denis, disabled=True))
    with pytest.raises(Refused, match="cannot stand in"):
        away(tx, "dora", "denis")
    with pytest.raises(NotFound):
        away(tx, "dora", "nobody")
    with pytest.raises(Refused, match="takes the role"):
        rota.record_absence(
            tx, Actor("x", frozenset({Role.ANALYST})), person="dora", deputy="delphine",
            since=NOW, until=NOW + DAY, now=NOW,
        )  # fmt: skip


def routed(tx: CaseTx, base: list[str], now: datetime = NOW, live: set[str] = LIVE) -> list[str]:
    route = rota.route_to_duty(
        tx, lambda _: base, officer="dora", channels=CHANNELS, live=live, now=now
    )
    clock = Deadline(
        id="d", incident_id="i", obligation="CNIL-72", basis="", anchor_at=NOW, due_at=NOW
    )
    return list(route(clock))


def test_alarms_go_to_the_deputy_and_leave_the_officer_in_peace(tx: CaseTx) -> None:
    base = ["mail-dora", "email"]
    assert routed(tx, base) == base
    away(tx, "dora", "denis", 0, 2)
    assert routed(tx, base) == ["mail-denis", "email"]
    assert routed(tx, ["mail-denis", "mail-dora"]) == ["mail-denis"]
    assert routed(tx, base, NOW + 2 * DAY) == base


def test_where_the_deputy_cannot_be_reached_the_officer_keeps_ringing(tx: CaseTx) -> None:
    away(tx, "dora", "delphine", 0, 2)  # her channel is not live
    assert routed(tx, ["mail-dora", "email"]) == ["mail-dora", "email"]
    assert routed(tx, ["email"], live={"mail-delphine"}) == ["mail-delphine", "email"]


def case(tx: CaseTx) -> str:
    report = Report(channel="phone", title="A call", description="said", received_at=NOW)
    made = workflow.intake(tx, DENIS, report=report, now=NOW)
    workflow.confirm_breach(
        tx, DENIS, made.id, aware_at=NOW, basis="The log shows that it happened", now=NOW
    )
    return made.id


def test_the_alarm_of_a_real_clock_rings_at_the_deputys(tx: CaseTx) -> None:
    case(tx)
    away(tx, "dora", "denis", 0, 9)
    later = NOW + timedelta(hours=25)
    route = rota.route_to_duty(
        tx, lambda _: ["mail-dora"], officer="dora", channels=CHANNELS, live=LIVE, now=later
    )
    rung = clock_watch.tick(tx, later, route)
    assert rung
    assert {message.channel for message in rung} == {"mail-denis"}


def test_standing_in_gives_nobody_a_second_pair_of_eyes(tx: CaseTx) -> None:
    incident = case(tx)
    away(tx, "dora", "denis", 0, 9)
    workflow.record_filing(tx, DENIS, incident, kind="initial", number="N-1", filed_at=NOW, now=NOW)
    with pytest.raises(Refused, match="author cannot be the approver"):
        workflow.approve_filing(tx, DENIS, incident, now=NOW)
    workflow.approve_filing(tx, DORA, incident, now=NOW)  # away, and reachable all the same
    workflow.propose(
        tx, DENIS, incident, command="amend_awareness",
        arguments={"aware_at": "2026-03-02T12:00:00Z", "basis": "A look at the log again"},
        now=NOW,
    )  # fmt: skip
    (waiting,) = workflow.proposals.pending(tx, incident)
    with pytest.raises(Refused, match="author cannot be the approver"):
        workflow.approve_proposal(tx, DENIS, incident, proposal_id=waiting.id, now=NOW)


def test_the_journal_keeps_the_rota(tx: CaseTx) -> None:
    away(tx, "dora", "denis")
    rota.end_absence(tx, DORA, person="dora", now=NOW)
    assert [line.action for line in tx.journal.lines(object_id="rota")] == [
        "rota.absence",
        "rota.back",
    ]
