"""The weekly review of the audit logs: a sample that comes out again; nobody reviews himself."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.clock import ManualClock
from sentinel.domain.event import Event
from sentinel.domain.incident import Actor, Role
from sentinel.domain.log_review import LogReview, drawn, monday_of, week_name
from sentinel.errors import NotFound, Refused
from sentinel.respond import log_review
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.ports import CaseTx
from sentinel.store.seal import AesGcmSealer

NOW = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
WEEK = "2026-W10"
SINCE = datetime(2026, 3, 2, tzinfo=UTC)
DPO = Actor("acc-dpo", frozenset({Role.DPO}))
AUDITOR = Actor("acc-auditor", frozenset({Role.AUDITOR}))
REMARKS = "Looked at every entry, nothing to follow up"


def access(number: int, actor: str, action: str = "customer.read", verdict: str = "explained"):
    return Event(
        id=f"{number:032x}",
        time=SINCE + timedelta(minutes=number),
        source="crm",
        ref=f"crm#{number}",
        fields={
            "event.action": action,
            "user.name": actor,
            "sentinel.actor.kind": "staff",
            "sentinel.subject": [f"sub_{number}"],
            "sentinel.data_category": "identity",
            "sentinel.scope.verdict": verdict,
            "sentinel.scope.reason": "ticket",
        },
    )


EVENTS = [access(number, f"usr_{number % 7}") for number in range(2000)]
KEYS = [access(5000 + number, "usr_key", "key.access", "") for number in range(3)]


def sample(events: list[Event], share: float = 0.05, seed: str = "s") -> LogReview:
    return log_review.draw(
        events, week=WEEK, since=SINCE, until=SINCE + timedelta(days=7), share=share, now=NOW,
        seed=seed,
    )  # fmt: skip


@pytest.fixture
def tx() -> Iterator[CaseTx]:
    store = SqlCaseStore.open(":memory:", AesGcmSealer(bytes(32)), ManualClock(NOW))
    with store.begin() as opened:
        yield opened
    store.close()


def sign(tx: CaseTx, actor: Actor, own: set[str], **given_: object) -> LogReview:
    arguments = {"remarks": REMARKS, "now": NOW} | given_
    return log_review.sign(tx, actor, WEEK, own=own, **arguments)  # type: ignore[arg-type]


def test_the_sample_is_a_twentieth_of_the_explained_and_every_key_access() -> None:
    unexplained = [access(9000 + number, "usr_1", verdict="unexplained") for number in range(500)]
    found = sample([*EVENTS, *KEYS, *unexplained])
    assert (found.population, found.key_accesses) == (2000, 3)
    assert 60 <= len(found.entries) - 3 <= 140
    assert sum(one.why == "key" for one in found.entries) == 3
    assert not any(one.event in {event.id for event in unexplained} for one in found.entries)


@given(st.randoms(use_true_random=False))
def test_the_same_seed_draws_the_same_whatever_the_order(dice) -> None:
    mixed = list(EVENTS[:300])
    dice.shuffle(mixed)
    assert sample(mixed, 0.2).sha256 == sample(EVENTS[:300], 0.2).sha256


def test_another_seed_draws_another_sample_and_an_event_more_changes_no_other() -> None:
    assert sample(EVENTS, seed="a").sha256 != sample(EVENTS, seed="b").sha256
    before = {one.event for one in sample(EVENTS[:-1]).entries}
    assert before <= {one.event for one in sample(EVENTS).entries}
    assert sample(EVENTS, seed="").seed != sample(EVENTS, seed="").seed


def test_the_share_of_all_and_of_none() -> None:
    assert all(drawn("s", event.id, 1.0) for event in EVENTS)
    assert not any(drawn("s", event.id, 0.0) for event in EVENTS)


def test_nobody_draws_until_the_sample_suits_him(tx: CaseTx) -> None:
    log_review.keep(tx, sample(EVENTS), NOW)
    with pytest.raises(Refused, match="drawn already"):
        log_review.keep(tx, sample(EVENTS, seed="another"), NOW)


def test_the_reviewer_is_not_the_reviewed(tx: CaseTx) -> None:
    kept = log_review.keep(tx, sample(EVENTS), NOW)
    own = {"usr_3"}
    theirs = sum(one.actor == "usr_3" for one in kept.entries)
    assert theirs
    signed = sign(tx, DPO, own)
    assert not signed.complete
    assert len(signed.waiting()) == theirs
    assert signed.signatures[0].covered == len(kept.entries) - theirs
    with pytest.raises(Refused, match="signed already"):
        sign(tx, DPO, set("x"))
    whole = sign(tx, AUDITOR, {"usr_auditor"})
    assert whole.complete
    assert whole.signatures[1].covered == theirs


def test_a_sample_of_ones_own_is_left_to_another(tx: CaseTx) -> None:
    log_review.keep(tx, sample([access(1, "usr_me"), access(2, "usr_me")], 1.0), NOW)
    with pytest.raises(Refused, match="only accesses of the reviewer"):
        sign(tx, DPO, {"usr_me"})
    assert sign(tx, AUDITOR, {"usr_auditor"}).complete


def test_what_a_signature_takes(tx: CaseTx) -> None:
    log_review.keep(tx, sample(EVENTS), NOW)
    for actor in (Actor("a", frozenset({Role.ADMIN})), Actor("a", frozenset({Role.COMMS}))):
        with pytest.raises(Refused, match="takes the role"):
            sign(tx, actor, {"u"})
    with pytest.raises(Refused, match="what the logs call"):
        sign(tx, DPO, set())
    with pytest.raises(Refused, match="write what"):
        sign(tx, DPO, {"u"}, remarks="ok")
    with pytest.raises(Refused, match="not in this person's part"):
        sign(tx, DPO, {"u"}, suspicious=["f" * 32])
    with pytest.raises(NotFound):
        log_review.sign(tx, DPO, "2026-W11", own={"u"}, remarks=REMARKS, now=NOW)


def test_an_empty_week_takes_a_signature_too(tx: CaseTx) -> None:
    kept = log_review.keep(tx, sample([]), NOW)
    assert not kept.complete
    assert sign(tx, DPO, {"u"}).complete


def test_the_journal_tells_of_sample_and_signatures(tx: CaseTx) -> None:
    kept = log_review.keep(tx, sample(EVENTS), NOW)
    sign(tx, DPO, {"u"}, suspicious=[kept.entries[0].event])
    lines = tx.journal.lines(object_id=kept.id)
    assert [line.action for line in lines] == ["log_review.drawn", "log_review.signed"]
    told = tx.journal.opened(lines[1])
    assert isinstance(told, dict)
    assert told["suspicious"] == [kept.entries[0].event]
    assert told["sha256"] == kept.sha256


def test_the_names_of_weeks() -> None:
    assert week_name(monday_of("2026-W53")) == "2026-W53"
    assert week_name(monday_of("2027-W01")) == "2027-W01"
    with pytest.raises(ValueError, match="week"):
        monday_of("2025-W53")
