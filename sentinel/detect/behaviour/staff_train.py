"""Learn what is ordinary in each role of staff, and from how far on a window is a finding.

What an account was never seen doing can only be known of days that were not learnt: the earlier two
thirds of the days give the habits, the later third shows how often ordinary work departs from them.
Then the habits are learnt again from all days. Nobody labels anything.
"""

from __future__ import annotations

import platform
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from importlib.metadata import version
from math import log
from pathlib import Path
from zoneinfo import ZoneInfo

from sentinel.clock import Clock, SystemClock
from sentinel.detect.behaviour.manifest import DataDigest
from sentinel.detect.behaviour.mixture import tail_of
from sentinel.detect.behaviour.staff_acts import NO_ROLE, Act
from sentinel.detect.behaviour.staff_baseline import (
    Feature,
    RoleBaseline,
    SpanBaseline,
    hours_of,
    thinned,
    total,
)
from sentinel.detect.behaviour.staff_features import STAFF_FEATURES, staff_features
from sentinel.detect.behaviour.staff_model import (
    FORMAT,
    Seals,
    StaffManifest,
    write_staff_model,
)
from sentinel.detect.behaviour.staff_relations import SMALLEST_GROUP, Relations
from sentinel.detect.behaviour.staff_windows import SPANS, Window, Windows
from sentinel.detect.behaviour.train import threshold
from sentinel.errors import ContentError

STAFF_BUDGET = 1.0
"""Ordinary windows a day that may be findings, for a hundred accounts."""
EARLY = 2 / 3  # of the learnt time that gives the habits
LEAST_SLOPE = 0.1  # of log(1 + value): ten percent more is a nat at the most
UNSEEN_SLOPE = 0.5  # where hardly any window of the role has the feature
FEWEST_WINDOWS = 40  # of a length in a role, below which it has no baseline


def train_staff(
    acts: Iterable[Act],
    directory: Path,
    seals: Seals,
    *,
    timezone: str,
    budget: float = STAFF_BUDGET,
    clock: Clock | None = None,
) -> StaffManifest:
    """Learn from the acts of ordinary days and write the baselines; return their manifest.

    ``acts`` in any order, repetitions count once. ``budget``: accepted findings a day for a
    hundred accounts. Needs the extra `behaviour`. Raises ContentError where no role is large
    enough to have a baseline.
    """
    if budget <= 0:
        raise ContentError("a budget of findings is above zero", where="budget")
    found = sorted({act.id: act for act in acts}.values(), key=lambda act: (act.time, act.id))
    roles = learn_roles(found, ZoneInfo(timezone), budget)
    if not roles:
        raise ContentError(
            f"no role has {SMALLEST_GROUP} accounts with enough work",
            where="training events",
            hint="give a longer window; smaller groups get no baseline (promise R-03)",
        )
    digest = DataDigest()
    for act in found:
        digest.of(act.id)
    manifest = StaffManifest(
        format=FORMAT,
        created_at=(clock or SystemClock()).now(),
        window_from=found[0].time,
        window_to=found[-1].time,
        acts=len(found),
        data_digest=digest.hex,
        budget=budget,
        timezone=timezone,
        smallest_group=SMALLEST_GROUP,
        features=STAFF_FEATURES,
        roles={role: one.group for role, one in sorted(roles.items())},
        left_out=len({act.role for act in found} - set(roles)),
        libraries={"python": platform.python_version(), "numpy": version("numpy")},
        files={},
    )
    return write_staff_model(directory, manifest, roles, seals)


def learn_roles(acts: Sequence[Act], zone: ZoneInfo, budget: float) -> dict[str, RoleBaseline]:
    """Return the baselines of the roles that are large enough. ``acts``: by time."""
    by_role: dict[str, list[Act]] = defaultdict(list)
    for act in acts:
        if act.role != NO_ROLE:
            by_role[act.role].append(act)
    large = {role: own for role, own in by_role.items() if _group(own) >= SMALLEST_GROUP}
    learnt = {role: _learn_role(own, zone, budget) for role, own in sorted(large.items())}
    return {role: one for role, one in learnt.items() if one is not None}


def _learn_role(acts: Sequence[Act], zone: ZoneInfo, budget: float) -> RoleBaseline | None:
    first, last = acts[0].time, acts[-1].time
    cut = first + EARLY * (last - first)
    early = [act for act in acts if act.time < cut]
    if _group(early) < SMALLEST_GROUP:
        return None
    counts = [0] * 24
    for act in acts:
        counts[act.time.astimezone(zone).hour] += 1
    hours = list(hours_of(counts))
    habits = Relations.learnt(early)
    days = max((last - cut) / timedelta(days=1), 1.0)
    allowed = budget * _group(acts) / 100 * days / len(SPANS)
    windows = [one for one in _windows(acts) if one.start >= cut]
    spans = {}
    for span in SPANS:
        rows = [staff_features(w, habits, hours, zone) for w in windows if w.span == span]
        if len(rows) >= FEWEST_WINDOWS:
            spans[str(int(span.total_seconds()))] = _span(rows, allowed / len(rows))
    if not spans:
        return None
    whole = Relations.learnt(acts)
    return RoleBaseline(group=whole.group, hours=hours, spans=spans, accounts=whole.accounts)


def _span(rows: Sequence[tuple[float, ...]], rate: float) -> SpanBaseline:
    """Return the baseline of windows of one length. ``rate``: share that may be findings."""
    import numpy as np

    columns = zip(STAFF_FEATURES, zip(*rows, strict=True), strict=True)
    plain = SpanBaseline(len(rows), {name: _feature(column) for name, column in columns})
    scores = [
        total([plain.part(name, value) for name, value in zip(STAFF_FEATURES, row, strict=True)])
        for row in rows
    ]
    limit = threshold(np.array(scores), rate)
    single = log(len(STAFF_FEATURES) / rate)  # so many features could stand out alone
    return SpanBaseline(plain.windows, plain.features, round(limit, 6), round(single, 6))


def _feature(values: Sequence[float]) -> Feature:
    import numpy as np

    logs = np.log1p(np.array(values))
    begin, slope, seen = tail_of(logs)
    above = max(float((logs > begin).mean()), 1 / (len(logs) + 1))
    slope = max(slope, LEAST_SLOPE) if seen else UNSEEN_SLOPE
    return Feature(thinned(values), begin, above, slope)


def _windows(acts: Sequence[Act]) -> list[Window]:
    windows = Windows()
    windows.add(acts)
    return windows.flush()


def _group(acts: Iterable[Act]) -> int:
    return len({act.actor for act in acts})
