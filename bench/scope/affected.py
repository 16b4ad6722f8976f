"""How well the affected sets of known cases are found, without looking at the labels.

    python bench/scope/affected.py FOLDER... [--json]

FOLDER is laid out as `sentinel scope eval` takes it. For each case of ``labels.csv`` the script
asks what a commander would ask, and compares with the labelled accesses afterwards. What is known
when the case is confirmed: the scenario (what the finding says), the actors, the instants of the
first and last access of the finding; for the scenarios about one person, that person. Which of the
actors' accesses in between belong to the case is NOT known; for that there are the facts.

* ``curious``, ``stalker``: one known access; the same actor and person, all time (look-back).
* ``vip``: one known person; everybody's accesses to it in the window that are not own work.
* ``departing``, ``hijack``: the actor and the window. Three extents are printed: `everything`,
  `beyond_own_work`, `unjustified` (``departing``: every export counts besides).

Recall and precision count persons, as the letters do; ``asked`` is how many persons
the count names as doubtful (`Affected.doubts`); the two shares after it are recall and precision
when somebody who knows the truth settles those, and nobody else: `sentinel affected widen`,
``narrow``. ``levels`` says the same for fewer questions.
At last the same is asked with the extent `findings`, by the ids of the labelled events: this shows
that counting is exact, and nothing else.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec

from sentinel.app.affected_cases import HABITS
from sentinel.detect.scope.engine import ScopeEngine
from sentinel.detect.scope.evaluate_world import Label, World, read_world
from sentinel.detect.scope.explain import Access
from sentinel.detect.scope.facts import FactIndex
from sentinel.detect.scope.model import Role, ScopeModel, Template, Words
from sentinel.detect.scope.ranking_visit import Look
from sentinel.domain.affected import Affected, Doubt, Extent, Selection, Why
from sentinel.domain.event import Event
from sentinel.domain.scope import Standing
from sentinel.respond.affected import before, counted, selected
from sentinel.store.events_memory import MemoryEventStore

AIM = 0.99
LEVELS = ("nothing", "left_out", "work", "all")
"""Which doubts somebody settles: none; who was left out; besides, who is counted though something
speaks for work; besides, who is counted and was opened at the owner's usual hours."""

INSTANT = timedelta(microseconds=1)
ABOUT_ONE = ("curious", "stalker", "vip")
CHOSEN = {
    "curious": "everything",
    "stalker": "everything",
    "vip": "beyond_own_work",
    "departing": "everything",
    "hijack": "beyond_own_work",
}
"""The extent that a commander would freeze: a leaver takes the own portfolio too; the owner of a
stolen account went on working."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One case under one extent, persons counted; ``access_recall``: of the labelled accesses."""

    world: str
    case: str
    scenario: str
    extent: str
    chosen: bool
    labelled: int
    found: int
    recall: float
    precision: float
    access_recall: float
    access_precision: float
    left_out: int
    asked: int
    settled_recall: float
    settled_precision: float
    levels: dict[str, tuple[bool, int]]


def model_of(world: World) -> ScopeModel:
    """Return a partition that explains by any fact naming the actor or the team."""
    words = Words(en="made up", fr="inventé")
    kinds = sorted({fact.kind for fact in world.facts})
    return ScopeModel(
        roles={
            role: Role(title=words, categories=("*",), acts=("*",))
            for role in sorted({look.role for look in world.looks})
        },
        templates=tuple(
            Template(id=f"by_{kind}", title=words, roles=("*",), categories=("*",), fact=kind)
            for kind in kinds
        ),
    )


def event_of(look: Look) -> Event:
    """Return the access as the event store would hold it."""
    return Event(
        id=look.event,
        time=look.instant,
        source="crm",
        ref=f"crm#{look.event}",
        fields={
            "sentinel.actor.kind": "staff",
            "user.name": look.actor,
            "user.roles": [look.role],
            "user.group.name": look.team,
            "event.action": look.act,
            "event.outcome": "success",
            "sentinel.subject": [look.subject],
        },
    )


class Desk:
    """One world, ready to be asked."""

    def __init__(self, name: str, world: World) -> None:
        self.name = name
        self.labels = world.labels
        self.looks = {look.event: look for look in world.looks}
        self.store = MemoryEventStore()
        self.store.append([event_of(look) for look in world.looks], last_offset=len(world.looks))
        self.engine = ScopeEngine(model_of(world), FactIndex(world.facts))

    def standing(self, event: Event) -> Standing | None:
        """Return how well an access is justified by the facts."""
        look = self.looks[event.id]
        return self.engine.standing(
            Access(
                actor=look.actor,
                team=look.team,
                roles=frozenset((look.role,)),
                action=look.act,
                categories=(),
                subjects=(look.subject,),
                instant=look.instant,
            )
        )

    def rows(self) -> Iterable[Row]:
        """Yield every case under every extent that makes sense for it."""
        by_case: dict[str, list[Label]] = defaultdict(list)
        for label in self.labels:
            by_case[label.case].append(label)
        for case, labels in sorted(by_case.items()):
            looks = sorted((self.looks[one.event] for one in labels), key=lambda one: one.instant)
            scenario = labels[0].scenario
            extents = (
                [Extent(CHOSEN.get(scenario, "everything"))]
                if scenario in ABOUT_ONE
                else [Extent.EVERYTHING, Extent.BEYOND_OWN_WORK, Extent.UNJUSTIFIED]
            )
            for extent in extents:
                question = ask(scenario, looks, extent)
                events = list(selected(self.store, question))
                habits = before(self.store, question, HABITS)
                answer = counted(events, question, standing=self.standing, habits=habits)
                yield self._row(case, scenario, extent, looks, answer)

    def exact(self) -> bool:
        """Tell whether every case, asked by its own events, gives its own persons."""
        by_case: dict[str, set[str]] = defaultdict(set)
        for label in self.labels:
            by_case[label.case].add(label.event)
        for events in by_case.values():
            question = Selection(event_ids=tuple(events), extent=Extent.FINDINGS)
            found = counted(selected(self.store, question), question)
            if set(found.subjects) != {self.looks[event].subject for event in events}:
                return False
        return True

    def _row(
        self, case: str, scenario: str, extent: Extent, looks: Sequence[Look], answer: Affected
    ) -> Row:
        true = {look.subject for look in looks}
        found = set(answer.subjects)
        question = answer.selection
        assert question is not None
        taken = {
            event.id
            for event in selected(self.store, question)
            if question.extent.takes(self.standing(event))
            or any(event.text("event.action").endswith(act.lstrip("*")) for act in question.acts)
        }
        accesses = {look.event for look in looks}
        settled, asked = answered(true, found, answer.doubts, LEVELS[-1])
        return Row(
            world=self.name,
            case=case,
            scenario=scenario,
            extent=extent.value,
            chosen=extent.value == CHOSEN.get(scenario, "everything"),
            labelled=len(true),
            found=len(found),
            recall=_share(len(true & found), len(true)),
            precision=_share(len(true & found), len(found)),
            access_recall=_share(len(accesses & taken), len(accesses)),
            access_precision=_share(len(accesses & taken), len(taken)),
            left_out=len(answer.left_out),
            asked=asked,
            settled_recall=_share(len(true & settled), len(true)),
            settled_precision=_share(len(true & settled), len(settled)),
            levels={level: self._met(true, found, answer.doubts, level) for level in LEVELS},
        )

    def _met(
        self, true: set[str], found: set[str], doubts: Sequence[Doubt], level: str
    ) -> tuple[bool, int]:
        settled, asked = answered(true, found, doubts, level)
        right = len(true & settled)
        return right == len(true) and right >= AIM * len(settled), asked


def answered(
    true: set[str], found: set[str], doubts: Sequence[Doubt], level: str
) -> tuple[set[str], int]:
    """Return the set after somebody who knows settled the doubts up to ``level``, and how many.

    Nothing but those is answered: what is wrong and not in doubt stays wrong.
    """
    put = {
        one.subject
        for one in doubts
        if level != "nothing"
        and ((level == "left_out" and not one.inside) or level in ("work", "all"))
        and (level == "all" or one.why != (Why.USUAL_HOURS,))
    }
    return (found - put) | (put & true), len(put)


def ask(scenario: str, looks: Sequence[Look], extent: Extent) -> Selection:
    """Return the commander's question. Of ``looks`` only what the docstring names is used."""
    first, last = looks[0].instant, looks[-1].instant + INSTANT
    actors = tuple(sorted({look.actor for look in looks}))
    if scenario in ("curious", "stalker"):
        seed = looks[-1]  # the access that was reported; the earlier ones are to be found
        return Selection(actors=(seed.actor,), persons=(seed.subject,), extent=extent)
    if scenario == "vip":
        return Selection(persons=(looks[-1].subject,), since=first, until=last, extent=extent)
    acts = ("*.export",) if scenario == "departing" else ()
    return Selection(actors=actors, since=first, until=last, extent=extent, acts=acts)


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def main() -> int:
    """Print a table, or JSON; exit 1 where a chosen set misses recall 1.0 or precision 0.99."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    desks = [Desk(folder.name, read_world(folder)) for folder in given.folders]
    rows = [row for desk in desks for row in desk.rows()]
    if given.json:
        print(msgspec.json.encode(rows).decode())
    else:
        for row in rows:
            mark = "*" if row.chosen else " "
            print(
                f"{mark} {row.world} {row.case:<13} {row.extent:<16} persons {row.found:>4} of "
                f"{row.labelled:>4}  recall {row.recall:.4f}  precision {row.precision:.4f}  "
                f"accesses {row.access_recall:.4f}/{row.access_precision:.4f}  "
                f"asked {row.asked}: {row.settled_recall:.4f}/{row.settled_precision:.4f}"
            )
    chosen = [row for row in rows if row.chosen]
    met = [row for row in chosen if row.recall == 1.0 and row.precision >= 0.99]
    for level in LEVELS:
        reached = [row.levels[level] for row in chosen]
        questions = sorted(asked for _, asked in reached)
        print(
            f"settled: {level:<9} {sum(met for met, _ in reached)} of {len(chosen)} cases at "
            f"recall 1.0 and precision {AIM}; questions in all {sum(questions)}, "
            f"most in a case {questions[-1]}",
            file=sys.stderr,
        )
    whole = [row for row in chosen if row.recall == 1.0]
    print(
        f"{len(met)} of {len(chosen)} cases at recall 1.0 and precision 0.99, "
        f"{len(whole)} at recall 1.0; by their own events "
        f"{'all are' if all(desk.exact() for desk in desks) else 'NOT all are'} exact",
        file=sys.stderr,
    )
    return 0 if len(met) == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
