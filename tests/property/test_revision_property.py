"""Facts out of order, twice, contradictory, a day missing: the verdicts are those of all of them.

A made-up week runs through detection, hand-over and revision, on a real case store, in some order
of arrival, with deaths of the process in between. At the end what is held of each access must be
what all facts together say, and the journal must tell how it came to that.
``SENTINEL_REVISION_RUNS=1000`` runs more weeks and prints figures.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from naive_scope import naive_verdict

from sentinel.app.handover import OFFSET, Handover
from sentinel.app.revision import PENDING, Revisions
from sentinel.clock import isoformat
from sentinel.content import content_dir
from sentinel.detect.detector import Detector
from sentinel.detect.engine import RuleEngine
from sentinel.detect.reload import rules_in_force
from sentinel.detect.rules.model import RuleSet
from sentinel.detect.scope.engine import ScopeEngine, access_of
from sentinel.detect.scope.facts import FactIndex
from sentinel.detect.scope.load import load_scope
from sentinel.detect.scope.model import ScopeModel
from sentinel.detect.scope.revise import stamp
from sentinel.domain.event import SCOPE_VERDICT, SCOPE_WEAK, Event, LogSource, Value
from sentinel.domain.finding import finding_id
from sentinel.domain.scope import Fact, Revision
from sentinel.obs.metrics import Metrics
from sentinel.respond.fold import Folder
from sentinel.respond.journal_check import verify_journal
from sentinel.respond.revisions import ACTION, held_marks, record_revisions
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.events_memory import MemoryEventStore
from sentinel.store.ports import CaseTx
from sentinel.store.seal import AesGcmSealer

SEALER = AesGcmSealer(bytes(32))
START = datetime(2026, 3, 2, tzinfo=UTC)
END = START + timedelta(days=6)
RULE = "staff_access_without_reason"
RUNS = int(os.environ.get("SENTINEL_REVISION_RUNS", "25"))
ACTORS = {"usr_ana": ("support", "t1"), "usr_bob": ("billing", "t2"), "usr_cy": ("sre", "t3")}
CATEGORY = {"support": "identity", "billing": "billing_transaction", "sre": "connection_data"}
KINDS = ("ticket", "ticket", "invoice", "oncall", "incident", "employment", "emergency", "gossip")


class AtTheEnd:
    def now(self) -> datetime:
        return END

    async def sleep_until(self, instant: datetime) -> None:
        raise AssertionError(instant)


class Died(BaseException):
    """The process was killed."""


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    return rules_in_force(content_dir("rules"), END).ruleset.only(RULE)


@pytest.fixture(scope="module")
def model() -> ScopeModel:
    return load_scope(content_dir("rules") / "scopes")


def a_week(rng: random.Random) -> tuple[list[Fact], list[Event]]:
    """Return versions of facts, some contradictory, some retracted, and accesses."""
    facts = []
    for number in range(rng.randrange(4, 16)):
        actor = rng.choice([*ACTORS, ""])
        team = ACTORS[actor][1] if actor and rng.random() < 0.5 else rng.choice(["", "t1", "t2"])
        start = START + timedelta(hours=rng.randrange(100))
        fact = Fact(
            kind=rng.choice(KINDS),
            id=f"F{number % 9}",
            subject=rng.choice(["sub_1", "sub_2", "sub_3"]) if rng.random() < 0.8 else "",
            actor=actor,
            team=team,
            opened_by=rng.choice(["", "", actor]),
            valid_from=rng.choice([start, start, None]),
            recorded_at=start + timedelta(hours=rng.choice([0, 0, 0, 5])),
        )
        facts.append(fact)
        for _version in range(rng.choice([0, 0, 1, 2])):
            assert fact.recorded_at is not None
            fact = msgspec.structs.replace(
                fact,
                team=rng.choice([fact.team, "t1", ""]),
                valid_to=start + timedelta(hours=rng.randrange(1, 60)),
                # An equal instant is a contradiction: then the content decides.
                recorded_at=fact.recorded_at + timedelta(hours=rng.choice([0, 3, 30])),
                retracted=rng.random() < 0.25,
            )
            facts.append(fact)
    return facts, [_access(number, rng) for number in range(rng.randrange(4, 14))]


def _access(number: int, rng: random.Random) -> Event:
    actor = rng.choice(list(ACTORS))
    role, team = ACTORS[actor]
    fields: dict[str, Value] = {
        "sentinel.actor.kind": "staff",
        "user.name": actor,
        "user.roles": [role],
        "user.group.name": team,
        "event.action": "customer.read",
        "event.outcome": "success",
        "sentinel.data_category": CATEGORY[role if rng.random() < 0.9 else "sre"],
        "sentinel.subject": rng.sample(["sub_1", "sub_2", "sub_3"], rng.choice([1, 1, 2])),
    }
    return Event(
        id=f"a{number}",
        time=START + timedelta(minutes=rng.randrange(100 * 60)),
        source="crm",
        ref=f"crm#{number}",
        logsource=LogSource(category="audit", product="application", service="crm"),
        fields=fields,
    )


def fact_event(number: int, fact: Fact) -> Event:
    said = msgspec.structs.asdict(fact)
    fields: dict[str, Value] = {"event.dataset": "business.fact"}
    for name, value in said.items():
        if value not in ("", None, False):
            told = isoformat(value) if isinstance(value, datetime) else value
            fields[f"fact.{name}"] = told
    return Event(
        id=f"f{number}",
        time=fact.recorded_at or START,
        source="backoffice",
        ref=f"backoffice#{number}",
        logsource=LogSource(category="business", product="backoffice"),
        fields=fields,
    )


class House:
    """One life of the process, over the stores of all lives."""

    def __init__(
        self,
        store: SqlCaseStore,
        events: MemoryEventStore,
        content: tuple[RuleSet, ScopeModel],
        death: Callable[[], None],
    ) -> None:
        self.store, self.death = store, death
        rules, model = content
        with store.begin() as tx:
            index = FactIndex(tx.facts.all())
            self.committed = int(tx.state.get(OFFSET) or b"-1")
        engine = RuleEngine(rules, lateness=timedelta(minutes=10))
        self.detector = Detector(scope=ScopeEngine(model, index), rules=engine)
        clock = AtTheEnd()
        folder = Folder(clock, window=timedelta(hours=1), route=lambda _alert: ())
        self.handover = Handover(events, self.in_store, folder, Metrics(), clock)
        self.revisions = Revisions(
            self.detector, events, self.in_store, folder, clock=clock, horizon=timedelta(days=30)
        )

    async def in_store(self, function: Callable[[CaseTx], Any], /) -> Any:
        self.death()
        with self.store.begin() as tx:
            done = function(tx)
            self.death()
        self.death()
        return done

    async def run(self, batches: list[list[Event]], ends: list[int], rng: random.Random) -> None:
        for batch, last in zip(batches, ends, strict=True):
            if last > self.committed:
                judged = await self.detector.process(batch, now=END)
                await self.handover.take(judged, last)
            if rng.random() < 0.4:
                await self.revisions.run()
        await self.revisions.run()


def arrivals(facts: list[Fact], accesses: list[Event], rng: random.Random) -> list[Event]:
    """Return everything as it might arrive: shuffled, doubled, a day of facts at the very end."""
    told = [fact_event(number, fact) for number, fact in enumerate(facts)]
    told += [
        msgspec.structs.replace(event, id=f"{event.id}bis") for event in told if rng.random() < 0.3
    ]
    everything = [*told, *accesses]
    manner = rng.choice(["in order", "shuffled", "jittered", "day missing"])
    if manner == "shuffled":
        rng.shuffle(everything)
    elif manner == "jittered":
        everything.sort(key=lambda one: one.time + timedelta(hours=rng.uniform(-20, 20)))
    else:
        everything.sort(key=lambda one: one.time)
    if manner == "day missing":
        day = (START + timedelta(days=rng.randrange(4))).date()
        missing = [one for one in everything if one in told and one.time.date() == day]
        everything = [one for one in everything if one not in missing] + missing
    return everything


def split(events: list[Event], rng: random.Random) -> tuple[list[list[Event]], list[int]]:
    batches, ends, at = [], [], 0
    while at < len(events):
        size = rng.choice([1, 1, 2, 5, 9])
        batches.append(events[at : at + size])
        at += size
        ends.append(min(at, len(events)) - 1)
    return batches, ends


def deaths(rng: random.Random) -> Iterator[Callable[[], None]]:
    """Yield what kills a life after a while; the last ones live."""
    for _life in range(rng.choice([0, 1, 2, 4])):
        left = [rng.randrange(1, 60)]

        def point(left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise Died

        yield point
    yield lambda: None


def live(folder: Path, seed: int, rules: RuleSet, model: ScopeModel) -> Counter[str]:
    """Run one week and hold its end against the naive reading; return figures."""
    rng = random.Random(seed)
    facts, accesses = a_week(rng)
    batches, ends = split(arrivals(facts, accesses, rng), rng)
    store = SqlCaseStore.open(folder / f"{seed}.sqlite", SEALER, AtTheEnd())
    events, figures = MemoryEventStore(), Counter[str](weeks=1, accesses=len(accesses))
    for death in deaths(rng):
        try:
            house = House(store, events, (rules, model), death)
            asyncio.run(house.run(batches, ends, rng))
        except Died:
            figures["deaths"] += 1
    with store.begin() as tx:
        assert msgspec.json.decode(tx.state.get(PENDING) or b"[]") == []
        assert verify_journal(tx) == []
        for access in accesses:
            _hold(tx, access, events, facts, (rules, model), figures)
    store.close()
    return figures


def _hold(
    tx: CaseTx,
    access: Event,
    events: MemoryEventStore,
    facts: list[Fact],
    content: tuple[RuleSet, ScopeModel],
    figures: Counter[str],
) -> None:
    rules, model = content
    stored = events.get(access.id)
    assert stored is not None
    read = access_of(access)
    assert read is not None
    one = Revision(
        event=access.id, ref=access.ref, time=access.time, stored=stamp(stored), now=stamp(stored)
    )
    held = held_marks(tx, one)
    verdict, templates, weak = naive_verdict(model, facts, read)
    assert held[SCOPE_VERDICT] == verdict
    assert held["sentinel.scope.template"] == ", ".join(templates)
    assert held[SCOPE_WEAK] == ", ".join(weak)
    assert held == stamp(ScopeEngine(model, FactIndex(facts)).judge(access))
    before = stamp(stored)
    for line in tx.journal.lines(object_id=access.id):
        assert line.action == ACTION
        payload: Any = tx.journal.opened(line)
        assert payload["before"] == before != payload["now"]
        before = payload["now"]
        figures["revisions"] += 1
    assert before == held
    if verdict == "unexplained":
        assert tx.alerts.has_finding(finding_id(rules.rules[0].info.id, (access.id,)))


def test_verdicts_converge_and_the_journal_tells_how(
    tmp_path: Path, rules: RuleSet, model: ScopeModel, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = Counter[str]()
    for seed in range(RUNS):
        figures += live(tmp_path, seed, rules, model)
    assert figures["revisions"] >= RUNS
    assert figures["deaths"] >= RUNS // 4
    if "SENTINEL_REVISION_RUNS" in os.environ:
        with capsys.disabled():
            print(f"\n{dict(figures)}")


def test_a_ticket_that_comes_late_is_said_on_the_alert(
    tmp_path: Path, rules: RuleSet, model: ScopeModel
) -> None:
    rng = random.Random(0)
    access = _access(1, rng)
    access = msgspec.structs.replace(
        access,
        fields={
            **access.fields,
            "user.name": "usr_ana",
            "user.roles": ["support"],
            "user.group.name": "t1",
            "sentinel.data_category": "identity",
            "sentinel.subject": ["sub_1"],
        },
    )
    before = access.time - timedelta(hours=1)
    ticket = Fact(
        kind="ticket",
        id="T1",
        subject="sub_1",
        actor="usr_ana",
        valid_from=before,
        recorded_at=before,
    )
    back = msgspec.structs.replace(ticket, recorded_at=access.time, retracted=True)
    store = SqlCaseStore.open(tmp_path / "c.sqlite", SEALER, AtTheEnd())
    house = House(store, MemoryEventStore(), (rules, model), lambda: None)

    async def story() -> Iterator[str]:
        said = []
        for last, event in enumerate([access, fact_event(1, ticket), fact_event(2, back)]):
            await house.handover.take(await house.detector.process([event], now=END), last)
            await house.revisions.run()
            with store.begin() as tx:
                (alert,) = tx.alerts.find()
                said.append(alert.reasons[0].text("en"))
        return iter(said)

    first, explained, withdrawn = asyncio.run(story())
    assert "unexplained" in first
    assert explained == f"explained since by: ticket T1, recorded at {isoformat(before)}"
    assert withdrawn == "what explained the access was corrected or taken back afterwards"
    with store.begin() as tx:
        assert [line.action for line in tx.journal.lines(object_id=access.id)] == [ACTION, ACTION]
    store.close()


def test_a_retracted_ticket_opens_an_alert(
    tmp_path: Path, rules: RuleSet, model: ScopeModel
) -> None:
    access = _access(1, random.Random(1))
    access = msgspec.structs.replace(
        access,
        fields={
            **access.fields,
            "user.name": "usr_ana",
            "user.roles": ["support"],
            "sentinel.data_category": "identity",
            "sentinel.subject": ["sub_1"],
        },
    )
    before = access.time - timedelta(hours=1)
    ticket = Fact(kind="ticket", id="T1", subject="sub_1", actor="usr_ana", recorded_at=before)
    back = msgspec.structs.replace(ticket, recorded_at=access.time, retracted=True)
    store = SqlCaseStore.open(tmp_path / "c.sqlite", SEALER, AtTheEnd())
    house = House(store, MemoryEventStore(), (rules, model), lambda: None)

    async def story() -> None:
        for last, event in enumerate([fact_event(1, ticket), access, fact_event(2, back)]):
            await house.handover.take(await house.detector.process([event], now=END), last)
            await house.revisions.run()

    asyncio.run(story())
    with store.begin() as tx:
        (alert,) = tx.alerts.find()
        assert alert.rule.slug == RULE
        assert "taken back" in alert.reasons[0].text("en")
        assert "retiré" in alert.reasons[0].text("fr")
    store.close()


def test_nothing_is_written_twice(tmp_path: Path) -> None:
    store = SqlCaseStore.open(tmp_path / "c.sqlite", SEALER, AtTheEnd())
    held: dict[str, str | bool] = {SCOPE_VERDICT: "unexplained"}
    one = Revision(event="e", ref="r", time=START, stored=held, now={SCOPE_VERDICT: "explained"})
    for expected in (1, 0):
        with store.begin() as tx:
            assert len(record_revisions(tx, [one], END)) == expected
    store.close()
