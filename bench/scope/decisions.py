"""How many scope decisions a core takes per second, with how much memory for the facts.

    python bench/scope/decisions.py [--facts 1000000] [--customers 400000] [--roles 200]

Roles (200) and templates (20) are made up; all facts hold at the instants that are judged. A
decision is `ScopeEngine.explain`: the verdict with its proof; `judge` adds reading the access from
the event, the leaver's mark and the reasons in two languages. Times are CPU seconds of this process
alone, the best of several rounds. A share of the verdicts is compared with a naive evaluator that
asks every template and every fact.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "property"))

from naive_scope import naive_verdict

from sentinel.detect.scope.engine import ScopeEngine
from sentinel.detect.scope.explain import Access
from sentinel.detect.scope.facts import FactIndex
from sentinel.detect.scope.model import Role, ScopeModel, Template, Words
from sentinel.domain.event import Event
from sentinel.domain.scope import Fact

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
KINDS = ("ticket", "invoice", "assignment", "incident", "dispute", "call", "transfer", "dunning")
CATEGORIES = (
    "identity",
    "contact",
    "connection_data",
    "billing_transaction",
    "correspondence",
    "documents",
)
ACTS = ("customer.read", "customer.search", "customer.update", "customer.export")
STAFF, TEAMS, TEMPLATES = 2_000, 100, 20
WORDS = Words(en="made up", fr="inventé")


def model(roles: int) -> ScopeModel:
    """Return ``roles`` roles of which each covers four categories, and twenty templates for all."""
    covered = {
        f"role_{number}": Role(
            title=WORDS,
            categories=tuple(CATEGORIES[(number + step) % len(CATEGORIES)] for step in range(4)),
            acts=("*.read", "*.search", "*.update"),
        )
        for number in range(roles)
    }
    return ScopeModel(roles=covered, templates=tuple(_template(one) for one in range(TEMPLATES)))


def _template(number: int) -> Template:
    by_agent = number >= TEMPLATES - 2
    graced = number % 5 == 0
    return Template(
        id=f"template_{number}",
        title=WORDS,
        roles=("*",),
        categories=("*",),
        fact="oncall" if by_agent else KINDS[number % len(KINDS)],
        subject="any" if by_agent else "same",
        agent=("actor", "team", "actor_or_team")[number % 3],
        weak=("opened_by_actor", "opened_after", "recorded_late", "ended"),
        opened_after_within=timedelta(hours=2 if graced else 0),
        ended_within=timedelta(days=1 if graced else 0),
    )


def facts(count: int, customers: int, rng: random.Random) -> list[Fact]:
    """Return facts that all hold at noon."""
    made = []
    for number in range(count):
        start = NOON - timedelta(seconds=rng.randrange(60, 30 * 86_400))
        made.append(
            Fact(
                kind=rng.choice(KINDS),
                id=f"F{number:08d}",
                subject=f"sub_{rng.randrange(customers):016d}",
                actor=f"usr_{rng.randrange(STAFF):016d}",
                team=f"team-{rng.randrange(TEAMS)}",
                valid_from=start,
                valid_to=NOON + timedelta(seconds=rng.randrange(3_600, 30 * 86_400)),
                recorded_at=start,
            )
        )
    return made


def accesses(
    count: int, roles: int, customers: int, known: Sequence[Fact], rng: random.Random
) -> list[Access]:
    """Return accesses: most to a customer of the actor's own work, some to anybody."""
    made = []
    for _ in range(count):
        fact = rng.choice(known)
        own = rng.random() < 0.8  # most accesses have a reason
        number = rng.randrange(roles)
        step = rng.randrange(5)  # the fifth lies outside the role
        made.append(
            Access(
                actor=fact.actor if own else f"usr_{rng.randrange(STAFF):016d}",
                team=fact.team if own else f"team-{rng.randrange(TEAMS)}",
                roles=frozenset((f"role_{number}",)),
                action=rng.choice(ACTS[:3]),
                categories=(CATEGORIES[(number + step) % len(CATEGORIES)],),
                subjects=(fact.subject if own else f"sub_{rng.randrange(customers):016d}",),
                instant=NOON + timedelta(seconds=rng.randrange(3_000)),
            )
        )
    return made


def event_of(number: int, access: Access) -> Event:
    """Return the event that tells of ``access``."""
    return Event(
        id=f"{number:032x}",
        time=access.instant,
        source="crm",
        ref=f"crm#{number}",
        fields={
            "sentinel.actor.kind": "staff",
            "user.name": access.actor,
            "user.roles": sorted(access.roles),
            "user.group.name": access.team,
            "event.action": access.action,
            "sentinel.data_category": list(access.categories),
            "sentinel.subject": list(access.subjects),
        },
    )


def best(run: Callable[[], object], rounds: int) -> float:
    """Return the CPU seconds of the fastest of ``rounds`` runs."""
    spent = []
    for _ in range(rounds):
        start = time.process_time()
        run()
        spent.append(time.process_time() - start)
    return min(spent)


def _resident_mb() -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> int:
    """Measure and print JSON; exit 1 where a verdict differs from the naive evaluator's."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--facts", type=int, default=1_000_000)
    parser.add_argument("--customers", type=int, default=400_000)
    parser.add_argument("--roles", type=int, default=200)
    parser.add_argument("--accesses", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--compared", type=int, default=2_000)
    given = parser.parse_args()
    rng = random.Random(1)
    before = _resident_mb()
    known = facts(given.facts, given.customers, rng)
    listed = _resident_mb()
    start = time.process_time()
    index = FactIndex(known)
    loaded = time.process_time() - start
    gc.collect()
    held = _resident_mb()
    engine = ScopeEngine(model(given.roles), index)
    asked = accesses(given.accesses, given.roles, given.customers, known, rng)
    events = [event_of(number, access) for number, access in enumerate(asked)]
    gc.freeze()
    engine.judge(events[0])  # what is made once per kind of fact is made
    explain = best(lambda: [engine.explain(access) for access in asked], given.rounds)
    judge = best(lambda: [engine.judge(event) for event in events], given.rounds)
    by_subject: dict[str, list[Fact]] = {}
    for fact in known:
        by_subject.setdefault(fact.subject, []).append(fact)
    differ = sum(
        naive_verdict(engine.model, by_subject.get(one.subjects[0], []), one)
        != _verdict(engine, one)
        for one in asked[: given.compared]
    )
    report = {
        "facts": len(index),
        "customers": given.customers,
        "policies": given.roles,
        "templates": TEMPLATES,
        "decisions_per_core_second": round(len(asked) / explain),
        "events_judged_per_core_second": round(len(events) / judge),
        "verdicts": Counter(engine.explain(access).verdict.value for access in asked),
        "facts_mb": round(held - before),
        "facts_mb_without_index": round(listed - before),
        "index_cpu_seconds": round(loaded, 1),
        "compared": min(given.compared, len(asked)),
        "differences": differ,
    }
    print(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
    return 1 if differ else 0


def _verdict(engine: ScopeEngine, access: Access) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    judged = engine.explain(access)
    return judged.verdict.value, judged.templates, judged.weak


if __name__ == "__main__":
    sys.exit(main())
