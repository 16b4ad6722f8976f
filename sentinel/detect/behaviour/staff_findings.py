"""From a window of staff that stands out to a finding, with its three strongest reasons."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sentinel.detect.behaviour.findings import MOST_EVENTS, rounded
from sentinel.detect.behaviour.staff_baseline import Judged, Part
from sentinel.detect.behaviour.staff_windows import DAY, Window
from sentinel.domain.finding import Finding, RuleInfo, finding_id
from sentinel.domain.reason import Reason

STAFF_SLUG = "unusual_staff_access"
_MINUTE = timedelta(minutes=1)


def staff_finding(window: Window, judged: Judged, rule: RuleInfo, since: str) -> Finding:
    """Return the finding of a window. ``since``: the day from which habits were learnt (ISO)."""
    events = tuple(act.id for act in window.acts)
    shown = {"score": round(judged.score, 2), "threshold": round(judged.threshold, 2)}
    return Finding(
        id=finding_id(rule.id, events),
        rule=rule,
        time=window.acts[-1].time,
        actor=window.actor,
        subjects=tuple(sorted({name for act in window.acts for name in act.subjects})),
        events=events[:MOST_EVENTS],
        refs=tuple(act.ref for act in window.acts[:MOST_EVENTS]),
        event_count=len(events),
        reasons=(*_reasons(window, judged, since), Reason("staff.score", dict(shown))),
        categories=tuple(sorted({name for act in window.acts for name in act.categories})),
        score=round(judged.score, 4),
    )


def _reasons(window: Window, judged: Judged, since: str) -> Iterator[Reason]:
    for part in judged.strongest:
        if part.name == "staff_first" and judged.first is not None:
            yield Reason(
                "staff.first",
                {
                    "kind_of_act": judged.first.kind,
                    "peers": judged.first.peers,
                    "group": judged.group,
                    "role": judged.role,
                    "since": since,
                },
            )
        else:
            yield _reason(window, judged, part)


def _reason(window: Window, judged: Judged, part: Part) -> Reason:
    values: dict[str, str | int | float] = {
        "value": rounded(part.value),
        "p99": rounded(part.p99),
        "role": judged.role,
        "group": judged.group,
    }
    if part.name == "staff_otherness":
        return Reason("staff.otherness", values)
    values["name"] = part.name
    if window.span == DAY:
        return Reason("staff.day", values)
    return Reason("staff.minutes", values | {"minutes": int(window.span / _MINUTE)})
