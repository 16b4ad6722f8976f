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
``narrow``. The closing table says the same for fewer questions; its first line is what the rules
and the verdicts themselves name (`unjustified`, and every export of a leaver); its last asks with
the extent `findings`, by the ids of the labelled events: this shows that counting is exact, and
nothing else.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
from affected_table import Row, closing, row_of

from sentinel.app.affected_cases import HABITS
from sentinel.detect.scope.engine import ScopeEngine
from sentinel.detect.scope.evaluate_world import Label, World, read_world
from sentinel.detect.scope.explain import Access
from sentinel.detect.scope.facts import FactIndex
from sentinel.detect.scope.model import Role, ScopeModel, Template, Words
from sentinel.detect.scope.ranking_visit import Look
from sentinel.domain.affected import Affected, Extent, Selection
from sentinel.domain.event import Event
from sentinel.domain.scope import Standing
from sentinel.respond.affected import before, counted, selected
from sentinel.respond.affected_doubt import Habits
from sentinel.store.events_memory import MemoryEventStore

INSTANT = timedelta(microseconds=1)
ONE_PAIR = ("curious", "stalker", "cover_before", "cover_after")
ABOUT_ONE = (*ONE_PAIR, "vip")
CHOSEN = {
    "curious": "everything",
    "stalker": "everything",
    "vip": "beyond_own_work",
    "departing": "everything",
    "hijack": "beyond_own_work",
    "shared": "beyond_own_work",
    "two_places": "everything",
    "slow_scrape": "unjustified",
}
"""The extent that a commander would freeze: a leaver takes the own portfolio too; the owner of a
stolen account went on working; from the other address nobody did; who scrapes slowly works besides.
The last three scenarios and the covers are those of ``unseen.py``."""


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
    address = {"source.ip": look.agent.split()[0]} if look.agent else {}
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
            **address,
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
                habits = Habits(before(self.store, question, HABITS), self.standing)
                answer = counted(events, question, standing=self.standing, habits=habits)
                yield self._row(case, scenario, looks, answer)

    def exact(self) -> Iterator[bool]:
        """Tell of every case whether its own events give its own persons."""
        by_case: dict[str, set[str]] = defaultdict(set)
        for label in self.labels:
            by_case[label.case].add(label.event)
        for events in by_case.values():
            question = Selection(event_ids=tuple(events), extent=Extent.FINDINGS)
            found = counted(selected(self.store, question), question)
            yield set(found.subjects) == {self.looks[event].subject for event in events}

    def _row(self, case: str, scenario: str, looks: Sequence[Look], answer: Affected) -> Row:
        question = answer.selection
        assert question is not None
        taken = {
            event.id
            for event in selected(self.store, question)
            if question.extent.takes(self.standing(event))
            or any(event.text("event.action").endswith(act.lstrip("*")) for act in question.acts)
        }
        return row_of(
            {look.subject for look in looks},
            answer,
            {look.event for look in looks},
            taken,
            world=self.name,
            case=case,
            scenario=scenario,
            chosen=question.extent.value == CHOSEN.get(scenario, "everything"),
        )


def ask(scenario: str, looks: Sequence[Look], extent: Extent) -> Selection:
    """Return the commander's question. Of ``looks`` only what the docstring names is used."""
    first, last = looks[0].instant, looks[-1].instant + INSTANT
    actors = tuple(sorted({look.actor for look in looks}))
    if scenario in ONE_PAIR:
        seed = looks[-1]  # the access that was reported; the earlier ones are to be found
        return Selection(actors=(seed.actor,), persons=(seed.subject,), extent=extent)
    if scenario == "vip":
        return Selection(persons=(looks[-1].subject,), since=first, until=last, extent=extent)
    if scenario == "two_places" and looks[-1].agent:  # the finding names the address
        actors = tuple(sorted({look.agent for look in looks}))
    acts = ("*.export",) if scenario == "departing" else ()
    return Selection(actors=actors, since=first, until=last, extent=extent, acts=acts)


def show(desks: Sequence[Desk], *, as_json: bool) -> list[Row]:
    """Print every row, or JSON, and the closing table; return the rows."""
    rows = [row for desk in desks for row in desk.rows()]
    if as_json:
        print(msgspec.json.encode(rows).decode())
    else:
        print("\n".join(row.line() for row in rows))
    print(
        "\n".join(closing(rows, [one for desk in desks for one in desk.exact()])), file=sys.stderr
    )
    return rows


def main() -> int:
    """Print tables, or JSON; exit 1 where a query alone misses recall 1.0 or precision 0.99."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    desks = [Desk(folder.name, read_world(folder)) for folder in given.folders]
    rows = show(desks, as_json=given.json)
    return 0 if all(row.levels["nothing"].met for row in rows if row.chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
