"""A written sequence of events, as the tests beside the rules give it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sentinel.detect.rules.fault import RuleFault
from sentinel.detect.rules.model import Correlation, Rule, RuleSet
from sentinel.domain.event import Event, LogSource
from sentinel.ids import digest_id

START: Final = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def timeline_events(steps: Sequence[Any], source: LogSource) -> list[Event]:
    """Return the events of a timeline, in its order. Raises RuleFault."""
    return [event for index, step in enumerate(steps) for event in _repeat(index, step, source)]


def duration(text: Any) -> timedelta:
    """Read ``90s``, ``5m``, ``2h`` or ``1d``. Raises RuleFault."""
    found = re.fullmatch(r"(\d+)([smhd])", str(text))
    if found is None:
        raise RuleFault(f"{text!r} is no duration", hint="write 90s, 5m, 2h or 1d")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def source_of(rule: Rule | Correlation, rules: RuleSet) -> LogSource:
    """Return the log source whose events a rule reads: for a correlation, its first rule's."""
    while isinstance(rule, Correlation):
        found = rules.find(rule.rules[0])
        if found is None:
            raise RuleFault(f"there is no rule {rule.rules[0]}")
        rule = found
    return rule.logsource


def _repeat(index: int, step: Any, source: LogSource) -> Iterator[Event]:
    if not isinstance(step, Mapping) or not isinstance(step.get("fields"), Mapping):
        raise RuleFault("an event of a timeline has `at` and `fields`")
    at, every = duration(step.get("at", "0s")), duration(step.get("every", "1s"))
    logsource = LogSource(**step["logsource"]) if "logsource" in step else source
    for n in range(int(step.get("repeat", 1))):
        yield Event(
            id=digest_id("timeline", str(index), str(n)),
            time=START + at + n * every,
            source="timeline",
            ref=f"timeline#{index}.{n}",
            logsource=logsource,
            fields={name: _numbered(value, n) for name, value in step["fields"].items()},
        )


def _numbered(value: Any, n: int) -> Any:
    if isinstance(value, list):
        return [_numbered(item, n) for item in value]
    return value.replace("{n}", str(n)) if isinstance(value, str) else value
