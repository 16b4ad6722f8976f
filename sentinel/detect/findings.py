"""From a match to a finding: who, whose data, which events, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sentinel.clock import isoformat
from sentinel.detect.actor import actor_fields, actor_of
from sentinel.detect.correlate.hit import Combination, Hit, texts
from sentinel.detect.correlate.instant import instant
from sentinel.detect.correlate.window import Burst
from sentinel.detect.rules.expression import first_reasons
from sentinel.detect.rules.fields import names_read, reader
from sentinel.detect.rules.model import Correlation, CorrelationKind, Rule
from sentinel.domain.event import CATEGORY, SUBJECT, Event
from sentinel.domain.finding import Finding, RuleInfo, finding_id
from sentinel.domain.reason import Reason

MAX_EVENTS = 1000
MAX_NAMES = 10
_SUBJECTS, _CATEGORIES = reader(SUBJECT), reader(CATEGORY)


def event_finding(rule: Rule, event: Event) -> Finding:
    """Return the finding of one rule on one event."""
    return Finding(
        id=finding_id(rule.info.id, (event.id,)),
        rule=rule.info,
        time=event.time,
        actor=actor_of(event.fields, rule.actor),
        subjects=texts(event.fields, _SUBJECTS),
        categories=texts(event.fields, _CATEGORIES),
        events=(event.id,),
        refs=(event.ref,),
        event_count=1,
        reasons=first_reasons(rule.expression, event.fields),
    )


def burst_finding(
    correlation: Correlation, group: Combination, burst: Burst, titles: dict[str, str]
) -> Finding:
    """Return the finding of a correlation on a burst. ``titles``: rule id to title."""
    events = _unique(event for hit in burst.hits for event in hit.events)
    refs = _unique(ref for hit in burst.hits for ref in hit.refs)
    return Finding(
        id=finding_id(correlation.info.id, events[:MAX_EVENTS]),
        rule=correlation.info,
        time=instant(burst.hits[-1].time),
        actor=_actor(correlation, group, burst),
        subjects=_unique(subject for hit in burst.hits for subject in hit.subjects),
        categories=_unique(category for hit in burst.hits for category in hit.categories),
        events=events[:MAX_EVENTS],
        refs=refs[:MAX_EVENTS],
        event_count=len(events),
        reasons=(_reason(correlation, burst, titles),),
        continues=burst.continues,
    )


def burst_hit(correlation: Correlation, group: Combination, burst: Burst, finding: Finding) -> Hit:
    """Return a burst as a hit for correlations that refer to this one."""
    return Hit(
        rule=correlation.info.id,
        key=finding.id,
        time=burst.certain_at,
        fields={
            **dict(zip(correlation.group_by, group, strict=True)),
            SUBJECT: list(finding.subjects),
            CATEGORY: list(finding.categories),
        },
        events=finding.events,
        refs=finding.refs,
    )


def over_budget_finding(
    rule: RuleInfo, event: Event, cut: Sequence[RuleInfo], hour: datetime
) -> Finding:
    """Return that ``cut`` was not evaluated on an event: one finding per source and ``hour``."""
    names = ", ".join(info.slug for info in cut[:MAX_NAMES])
    values: dict[str, str | int | float] = {
        "count": len(cut),
        "rules": names + ", …" * (len(cut) > MAX_NAMES),
    }
    return Finding(
        id=finding_id(rule.id, (event.source, isoformat(hour))),
        rule=rule,
        time=event.time,
        actor=actor_of(event.fields, ""),
        subjects=(),
        events=(event.id,),
        refs=(event.ref,),
        event_count=1,
        reasons=(Reason("budget.cut_off", values),),
    )


def _unique(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))


def _actor(correlation: Correlation, group: Combination, burst: Burst) -> str:
    """Return the group's value of an actor field, or else the one actor of all hits."""
    values: dict[str, str] = {}
    for name, value in zip(correlation.group_by, group, strict=True):
        for behind in (name, *correlation.aliases.get(name, {}).values()):
            values.update(dict.fromkeys(names_read(behind), value))
    for field in actor_fields(correlation.actor):
        if field in values:
            return values[field]
    actors = {hit.actor for hit in burst.hits}
    return actors.pop() if len(actors) == 1 else ""


def _reason(correlation: Correlation, burst: Burst, titles: dict[str, str]) -> Reason:
    values: dict[str, str | int | float] = {
        "minutes": _minutes(correlation.timespan),
        "group": ", ".join(correlation.group_by) or "*",
    }
    match correlation.kind:
        case CorrelationKind.EVENT_COUNT:
            return Reason("correlation.event_count", {"count": burst.value, **values})
        case CorrelationKind.TEMPORAL | CorrelationKind.TEMPORAL_ORDERED:
            matched = sorted({hit.step for hit in burst.hits})
            values["rules"] = ", ".join(titles[correlation.rules[step]] for step in matched)
            return Reason("correlation.temporal", values)
    values["field"] = ", ".join(correlation.fields)
    if correlation.kind is CorrelationKind.VALUE_COUNT:
        return Reason("correlation.value_count", {"count": burst.value, **values})
    values["value"] = _rounded(burst.value)
    if correlation.kind is CorrelationKind.VALUE_PERCENTILE and correlation.percentile is not None:
        values["percentile"] = correlation.percentile
        return Reason("correlation.value_rank", values)
    return Reason(f"correlation.{correlation.kind.value}", values)


def _rounded(value: float) -> int | float:
    return value if isinstance(value, int) else round(value, 3)


def _minutes(span: timedelta) -> int | float:
    minutes = span.total_seconds() / 60
    return int(minutes) if minutes.is_integer() else round(minutes, 2)
