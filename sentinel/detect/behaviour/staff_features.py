"""A window of staff in ten numbers: how much, how broad, how new, from how many places.

All grow with oddity. The names are those of `sentinel.domain.terms`, which writes them in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from itertools import pairwise

from sentinel.detect.behaviour.staff_acts import Act
from sentinel.detect.behaviour.staff_relations import Relations
from sentinel.detect.behaviour.staff_windows import Window

STAFF_FEATURES = (
    "staff_subjects",
    "staff_acts",
    "staff_records",
    "staff_exports",
    "staff_kinds",
    "staff_refused",
    "staff_first",
    "staff_places",
    "staff_switches",
    "staff_odd_hours",
    "staff_otherness",
)
FEWEST_FOR_HABITS = 10  # acts below which a window has no habits to compare
ODD_SHARE = 0.01  # an hour in which less than this share of the role's acts falls is odd

Hours = Sequence[float]
"""Share of the role's acts by local hour, 24 values."""


def staff_features(
    window: Window, relations: Relations, hours: Hours, zone: tzinfo
) -> tuple[float, ...]:
    """Return the values of `STAFF_FEATURES`, in that order, all 0 or more."""
    acts = window.acts
    kinds = [act.kind for act in acts]
    other = relations.otherness(window.actor, kinds) if len(acts) >= FEWEST_FOR_HABITS else 0.0
    return (
        float(len({subject for act in acts for subject in act.subjects})),
        float(len(acts)),
        float(sum(act.records for act in acts)),
        float(sum(1 for act in acts if is_export(act))),
        float(len(set(kinds))),
        float(sum(1 for act in acts if act.refused)),
        float(len(relations.firsts(window.actor, kinds))),
        float(relations.new_places(window.actor, acts)),
        float(switches(acts)),
        float(sum(1 for act in acts if hours[act.time.astimezone(zone).hour] < ODD_SHARE)),
        max(other, 0.0),
    )


def is_export(act: Act) -> bool:
    """Tell whether an act takes data out."""
    return "export" in act.action or "download" in act.action


def switches(acts: Sequence[Act]) -> int:
    """Return how often the account went back to a place that it had left: two hands, one account.

    A place is a network with a program. Moving on once is no switch: people do go home.
    """
    places = [(act.network, act.agent) for act in acts if act.network or act.agent]
    found, left = 0, set()
    for before, after in pairwise(places):
        if after != before:
            left.add(before)
            found += after in left
    return found
