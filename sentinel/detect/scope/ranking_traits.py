"""The traits of a visit that speak for or against its innocence, each as one of a few values.

What an intruder's visits would look like is declared here, in shares, from reasoning and not from
labelled cases: an intruder mostly takes one look, comes back, goes where others are curious too, or
takes far more than a colleague would. What innocent visits look like is learnt (`ranking_model`).
``DRAWN`` traits need no declaration: an intruder chooses the person without regard to the work, so
the visit is compared with pairs drawn at random. ``COVER`` is asked of explained visits alone.
An actor's day is an ordinary one for most intruders; ``BY_DAY`` says what the others' looks like.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from math import sqrt

import msgspec

from sentinel.detect.scope.ranking_memory import Memory
from sentinel.detect.scope.ranking_visit import Person, Visit

CROWD_WITHIN = timedelta(days=2)
TREND_WITHIN = timedelta(days=14)

DRAWN: dict[str, tuple[str, ...]] = {
    "place": ("same", "other", "unknown"),
    "companion": ("minutes", "hours", "days", "none"),
    "familiar": ("yes", "no"),
}
DECLARED: dict[str, dict[str, float]] = {
    "manner": {"look": 0.75, "looks": 0.15, "edit": 0.04, "export": 0.06},
    "returns": {"0": 0.60, "1": 0.20, "2+": 0.20},
    "crowd": {"0": 0.75, "1": 0.08, "2": 0.05, "3+": 0.12},
    "fame": {"no": 0.85, "yes": 0.15},
    "slip": {"no": 0.97, "yes": 0.03},
}
COVER = {"at once, idle": 0.35, "at once": 0.10, "soon": 0.20, "settled": 0.35}
SELF_MADE = {"soon": 0.02, "now": 0.01}  # share of intruders whom such a fact of their own covers
EXCESS_SHARE = 0.35  # of intruders, those who also stand out by what they do in a whole day
BY_DAY: dict[str, dict[str, float]] = {
    "volume": {"0-1": 0.0, "2-3": 0.2, "4-7": 0.2, "8-15": 0.2, "16-31": 0.2, "32+": 0.2},
    "exports": {"0": 0.0, "1-3": 0.1, "4-7": 0.2, "8-15": 0.3, "16+": 0.4},
    "trend": {"usual": 0.0, "above": 0.2, "high": 0.4, "extreme": 0.4},
    "borrowed": {"0-1": 0.0, "2-3": 0.2, "4-7": 0.4, "8+": 0.4},
    "hours": {"usual": 0.3, "odd": 0.7},
    "places": {"one": 0.5, "several": 0.5},
}
EXPORTING = ("export", "download")
EDITING = ("edit", "update", "create", "delete")
SLIP = timedelta(minutes=1)
AT_ONCE, SOON = timedelta(minutes=5), timedelta(hours=1)
TURN = timedelta(minutes=30)
MINUTES, HOURS = timedelta(minutes=15), timedelta(hours=12)


class Amounts(msgspec.Struct, frozen=True):
    """What an actor did on a day, and what colleagues of the role do a day on average.

    ``borrowed``: persons who are the work of colleagues. ``before``: unexplained persons in the
    fourteen days before, of which ``days_before`` were worked. ``places``: whether the account was
    used from several addresses or programs in turn; None = not known.
    """

    unexplained: int
    borrowed: int
    exports: int
    odd_hours: float
    before: int
    days_before: int
    usual: float
    places: bool | None = None


def drawn_traits(
    visit: Visit, subject: str, place: str, person_place: str, memory: Memory
) -> dict[str, str]:
    """Return the traits of ``visit``, had it been to ``subject``. Places: the actor's, theirs."""
    familiar = memory.familiar(visit.actor, subject, visit.day)
    return {
        "place": _place(place, person_place),
        "companion": _companion(memory.companion(subject, visit.actor, visit.first)),
        "familiar": "yes" if familiar else "no",
    }


def own_traits(visit: Visit, person: Person, memory: Memory, *, slip: bool) -> dict[str, str]:
    """Return the traits of a visit whose intruder's shares are declared."""
    returns, crowd = memory.returns(visit), memory.crowd(visit, CROWD_WITHIN)
    return {
        "manner": manner(visit),
        "returns": "2+" if returns > 1 else str(returns),
        "crowd": "3+" if crowd > 2 else str(crowd),  # noqa: PLR2004 - the value's own name
        "fame": "yes" if person.public_figure else "no",
        "slip": "yes" if slip else "no",
    }


def day_traits(amounts: Amounts) -> dict[str, str]:
    """Return the traits that all the visits of an actor on a day share."""
    expected = amounts.usual * amounts.days_before
    excess = (amounts.before - expected) / sqrt(expected + 1)
    traits = {
        "volume": _bin(amounts.unexplained, (2, 4, 8, 16, 32), tuple(BY_DAY["volume"])),
        "exports": _bin(amounts.exports, (1, 4, 8, 16), tuple(BY_DAY["exports"])),
        "trend": _bin(excess, (1.5, 3, 6), tuple(BY_DAY["trend"])),
        "borrowed": _bin(amounts.borrowed, (2, 4, 8), tuple(BY_DAY["borrowed"])),
        "hours": "odd" if amounts.odd_hours > 1 / 4 else "usual",
    }
    if amounts.places is not None:
        traits["places"] = "several" if amounts.places else "one"
    return traits


def several_places(visits: Sequence[Visit]) -> bool | None:
    """Tell whether an account went back and forth between places; None where they are unknown.

    Moving once, from home to work, is ordinary; being here, there and here again within half an
    hour is two people.
    """
    looks = sorted(
        (look.instant, look.agent) for visit in visits for look in visit.looks if look.agent
    )
    if not looks:
        return None
    turns = [at for (at, one), (_, two) in zip(looks[1:], looks, strict=False) if one != two]
    return any(later - at <= TURN for at, later in pairwise(turns))


def manner(visit: Visit) -> str:
    """Return what the visit did at most: export, edit, several looks, one look."""
    acts = {look.act.rpartition(".")[2] for look in visit.looks}
    if not acts.isdisjoint(EXPORTING):
        return "export"
    if not acts.isdisjoint(EDITING):
        return "edit"
    return "looks" if len(visit.looks) > 1 else "look"


def is_slip(visit: Visit, memory: Memory) -> bool:
    """Tell whether the visit was left for another file at once, as after a wrong click."""
    gap = memory.next_gap(visit)
    return len(visit.looks) == 1 and gap is not None and gap <= SLIP


def opened(age: timedelta | None, *, idle: bool) -> str:
    """Return how long before the first look the fact that explains the visit had begun.

    ``idle``: nothing else was done in the file around that time, by anybody.
    """
    if age is None or age > SOON:
        return "settled"
    if age > AT_ONCE:
        return "soon"
    return "at once, idle" if idle else "at once"


def _place(own: str, theirs: str) -> str:
    if not own or not theirs:
        return "unknown"
    return "same" if own == theirs else "other"


def _companion(gap: timedelta | None) -> str:
    if gap is None:
        return "none"
    if gap <= MINUTES:
        return "minutes"
    return "hours" if gap <= HOURS else "days"


def _bin(value: float, edges: Sequence[float], names: Sequence[str]) -> str:
    return names[sum(value >= edge for edge in edges)]
