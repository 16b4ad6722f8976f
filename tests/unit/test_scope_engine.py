"""Verdicts on accesses, by the shipped partition (promises R-10 to R-14)."""

from datetime import UTC, datetime, timedelta

import pytest

from sentinel.content import content_dir
from sentinel.detect.scope.engine import ScopeEngine
from sentinel.detect.scope.facts import FactIndex
from sentinel.detect.scope.load import load_scope
from sentinel.domain.event import Event, Value
from sentinel.domain.scope import Fact

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def access(
    role: str = "support",
    category: str = "identity",
    *subjects: str,
    action: str = "customer.read",
    kind: str = "staff",
    **extra: Value,
) -> Event:
    fields: dict[str, Value] = {
        "sentinel.actor.kind": kind,
        "user.name": "ana",
        "user.roles": [role],
        "user.group.name": "team-1",
        "event.action": action,
        "sentinel.data_category": category,
        "sentinel.subject": list(subjects or ("C1",)),
    }
    fields |= extra
    return Event(id="e", time=NOON, source="crm", ref="crm#e", fields=fields)


def judge(event: Event, *facts: Fact, known_at: datetime | None = None) -> Event:
    model = load_scope(content_dir("rules") / "scopes")
    return ScopeEngine(model, FactIndex(facts)).judge(event, known_at=known_at)


def verdict(event: Event, *facts: Fact) -> str:
    return judge(event, *facts).text("sentinel.scope.verdict")


def ticket(subject: str = "C1", **changes: object) -> Fact:
    values: dict[str, object] = {
        "kind": "ticket",
        "id": f"T-{subject}",
        "subject": subject,
        "actor": "ana",
        "valid_from": NOON - HOUR,
        "valid_to": NOON + HOUR,
        "recorded_at": NOON - HOUR,
    }
    return Fact(**(values | changes))  # type: ignore[arg-type]


def test_r10_an_open_ticket_of_that_customer_explains() -> None:
    event = judge(access("support", "connection_data"), ticket())
    assert event.text("sentinel.scope.verdict") == "explained"
    assert event.text("sentinel.scope.template") == "ticket_of_the_customer"
    assert event.text("sentinel.scope.reason") == "explained by: ticket T-C1"
    assert "expliqué" in event.text("sentinel.scope.reason_fr")
    assert event.get("sentinel.scope.weak") is None


def test_r10_a_ticket_of_the_team_explains() -> None:
    assert verdict(access(), ticket(actor="", team="team-1")) == "explained"


@pytest.mark.parametrize(
    "fact",
    [
        ticket("C2"),
        ticket(actor="bob", team="team-2"),
        ticket(valid_to=NOON - 2 * DAY),
        ticket(valid_from=NOON + 3 * HOUR, valid_to=None),
        ticket(kind="invoice"),
    ],
    ids=["other customer", "other agent", "long closed", "opened much later", "other kind"],
)
def test_r10_what_does_not_relate_them_explains_nothing(fact: Fact) -> None:
    event = judge(access(), fact)
    assert event.text("sentinel.scope.verdict") == "unexplained"
    assert "no ticket" in event.text("sentinel.scope.reason")
    assert event.get("sentinel.scope.template") is None


@pytest.mark.parametrize(
    ("fact", "weakness"),
    [
        (ticket(opened_by="ana"), "opened_by_actor"),
        (ticket(valid_from=NOON + HOUR, valid_to=None), "opened_after"),
        (ticket(recorded_at=NOON + HOUR), "recorded_late"),
        (ticket(valid_to=NOON - HOUR), "ended"),
        (ticket(kind="emergency"), "break_glass"),
    ],
)
def test_a_weak_explanation_is_said_to_be_weak(fact: Fact, weakness: str) -> None:
    event = judge(access(), fact)
    assert event.text("sentinel.scope.verdict") == "explained"
    assert event.text("sentinel.scope.weak") == weakness
    assert "weak" in event.text("sentinel.scope.reason")
    assert "faible" in event.text("sentinel.scope.reason_fr")


def test_a_full_explanation_wins_over_a_weak_one() -> None:
    weak = ticket(id="T0", opened_by="ana")
    assert judge(access(), weak, ticket()).get("sentinel.scope.weak") is None


def test_r11_billing_reads_transactions_with_an_invoice() -> None:
    invoice = ticket(kind="invoice", actor="")
    assert verdict(access("billing", "billing_transaction"), invoice) == "explained"
    assert verdict(access("billing", "billing_transaction")) == "unexplained"
    assert verdict(access("billing", "billing_transaction"), ticket()) == "explained"


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (access("support", "billing_transaction"), "does not cover billing transactions"),
        (access("billing", "connection_data"), "does not cover connection data"),
        (access("sre", "identity"), "does not cover identity"),
        (access("admin", "identity"), "no role of the actor is declared (admin)"),
        (access("support", action="customer.export"), "the act customer.export"),
        (access(**{"user.roles": []}), "no role of the actor"),
        (access("support", "horoscope"), "does not cover horoscope"),
    ],
)
def test_r12_r13_what_no_role_covers_is_forbidden(event: Event, words: str) -> None:
    judged = judge(event, ticket())
    assert judged.text("sentinel.scope.verdict") == "forbidden"
    assert words in judged.text("sentinel.scope.reason")


def test_r14_a_refused_access_is_judged_too() -> None:
    event = access("sre", "identity", **{"event.outcome": "failure"})
    assert verdict(event) == "forbidden"


def test_one_of_several_roles_is_enough() -> None:
    both: dict[str, Value] = {"user.roles": ["sre", "support"]}
    assert verdict(access("support", "identity", **both), ticket()) == "explained"


def test_every_category_of_the_access_must_be_covered() -> None:
    event = access(**{"sentinel.data_category": ["identity", "billing_transaction"]})
    assert verdict(event, ticket()) == "forbidden"


def test_an_on_call_night_is_explained_for_everybody_touched() -> None:
    duty = Fact(kind="oncall", id="D1", actor="ana", valid_from=NOON - HOUR, valid_to=NOON + HOUR)
    people = [f"C{number}" for number in range(25)]
    event = access("sre", "connection_data", *people, action="connection_data.read")
    assert verdict(event, duty) == "explained"
    assert verdict(event) == "unexplained"


def test_a_batch_explains_its_service_in_its_window_only() -> None:
    window = Fact(kind="batch", id="B1", actor="ana", valid_from=NOON - HOUR, valid_to=NOON + HOUR)
    event = access("service", "billing_transaction", kind="service", action="invoice.read")
    assert verdict(event, window) == "explained"
    over = Fact(kind="batch", id="B1", actor="ana", valid_to=NOON - HOUR)
    assert verdict(event, over) == "unexplained"
    other = Fact(kind="batch", id="B1", actor="ana", category="contact")
    assert verdict(event, other) == "unexplained"


def test_r18_a_bulk_access_is_explained_only_if_every_person_is() -> None:
    event = access("support", "identity", "C1", "C2", "C3")
    judged = judge(event, ticket("C1"))
    assert judged.text("sentinel.scope.verdict") == "unexplained"
    assert "2 of the 3 persons" in judged.text("sentinel.scope.reason")
    assert verdict(event, ticket("C1"), ticket("C2"), ticket("C3")) == "explained"


def test_a_bulk_access_names_three_explanations_at_most() -> None:
    people = [f"C{number}" for number in range(50)]
    judged = judge(access("support", "identity", *people), *(ticket(one) for one in people))
    assert judged.text("sentinel.scope.reason").count("ticket") == 3


def test_one_weak_link_makes_a_bulk_access_weak() -> None:
    event = access("support", "identity", "C1", "C2")
    judged = judge(event, ticket("C1"), ticket("C2", opened_by="ana"))
    assert judged.text("sentinel.scope.weak") == "opened_by_actor"


def test_an_access_that_names_nobody_is_not_explained_by_a_ticket() -> None:
    judged = judge(access(**{"sentinel.subject": []}), ticket())
    assert judged.text("sentinel.scope.verdict") == "unexplained"
    assert "names no person" in judged.text("sentinel.scope.reason")


@pytest.mark.parametrize(
    "event",
    [
        access(kind="customer"),
        access(kind="visitor"),
        Event(id="e", time=NOON, source="crm", ref="crm#e"),
    ],
)
def test_r03_other_events_pass_untouched(event: Event) -> None:
    assert judge(event, ticket()) is event


def test_a_replay_judges_by_what_was_recorded() -> None:
    late = ticket(recorded_at=NOON + HOUR)
    assert judge(access(), late, known_at=NOON).text("sentinel.scope.verdict") == "unexplained"
    later = NOON + 2 * HOUR
    assert judge(access(), late, known_at=later).text("sentinel.scope.verdict") == "explained"


def employed(until: datetime | None, since: datetime = NOON - 400 * DAY, id: str = "K1") -> Fact:  # noqa: A002
    return Fact(kind="employment", id=id, actor="ana", valid_from=since, valid_to=until)


@pytest.mark.parametrize(
    ("facts", "leaving"),
    [
        ((), False),
        ((employed(None),), False),
        ((employed(NOON + 31 * DAY),), False),
        ((employed(NOON + 30 * DAY),), True),
        ((employed(NOON - DAY),), True),
        ((employed(NOON + DAY), employed(None, NOON + DAY, "K2")), False),
        ((employed(NOON + DAY), employed(None, NOON + 90 * DAY, "K2")), True),
    ],
)
def test_a_leaver_is_known_by_the_employment(facts: tuple[Fact, ...], leaving: bool) -> None:
    assert judge(access(), *facts).get("sentinel.actor.leaver") is leaving


def test_every_staff_event_says_whether_the_actor_leaves() -> None:
    fields: dict[str, Value] = {"sentinel.actor.kind": "staff", "user.name": "ana"}
    event = Event(id="e", time=NOON, source="crm", ref="crm#e", fields=fields)
    judged = judge(event, employed(NOON + DAY))
    assert judged.get("sentinel.actor.leaver") is True
    assert judged.get("sentinel.scope.verdict") is None


def test_an_unusable_fact_is_marked_and_counted() -> None:
    fields: dict[str, Value] = {"event.dataset": "business.fact", "fact.kind": "ticket"}
    engine = ScopeEngine(load_scope(content_dir("rules") / "scopes"), FactIndex())
    event = Event(id="f", time=NOON, source="b", ref="b#1", fields=fields)
    assert "fact.id" in engine.judge(event).text("error.message")
    assert engine.unusable_facts == 1
