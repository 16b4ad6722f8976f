"""The clocks of the law as dated data, and the thin code that finds those in force."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime
from functools import cache
from itertools import pairwise
from pathlib import Path

import msgspec

from sentinel.domain.deadline import ClockRule
from sentinel.domain.duration import parse_duration
from sentinel.errors import ContentError, NotFound

SHIPPED = Path(__file__).with_name("eu-fr.toml")


class RuleSet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds in ``[valid_from, valid_to)`` (UTC days; None = until changed).

    ``threshold``: from when on a breach is notified (``risk`` or ``high_risk``). ``channel`` and
    ``form``: where and on which form.
    """

    id: str
    valid_from: date
    threshold: str
    channel: str
    form: str
    clocks: tuple[ClockRule, ...]
    valid_to: date | None = None

    def clock(self, obligation: str) -> ClockRule:
        """Return the rule of a clock. Raises NotFound."""
        for rule in self.clocks:
            if rule.obligation == obligation:
                return rule
        raise NotFound(f"the rule set {self.id} has no clock {obligation}")

    def holds_on(self, day: date) -> bool:
        """Tell whether the rule set is in force on ``day``."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ruleset: tuple[RuleSet, ...]


def load_rulesets(path: Path = SHIPPED) -> tuple[RuleSet, ...]:
    """Read rule sets. Raises ContentError for a wrong duration, overlapping dates, a typo."""
    try:
        rulesets = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File).ruleset
        for clock in (clock for ruleset in rulesets for clock in ruleset.clocks):
            _check(clock)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, ValueError) as error:
        raise ContentError(str(error), where=str(path)) from error
    ordered = sorted(rulesets, key=lambda ruleset: ruleset.valid_from)
    for earlier, later in pairwise(ordered):
        if earlier.valid_to is None or earlier.valid_to > later.valid_from:
            raise ContentError(f"{earlier.id} and {later.id} hold on one day", where=str(path))
    return tuple(ordered)


def in_force(instant: datetime) -> RuleSet:
    """Return the shipped rule set in force at an aware instant. Raises NotFound."""
    day = instant.astimezone(UTC).date()
    for ruleset in _shipped():
        if ruleset.holds_on(day):
            return ruleset
    raise NotFound(f"no rule set is in force on {day}")


@cache
def _shipped() -> tuple[RuleSet, ...]:
    return load_rulesets()


def _check(clock: ClockRule) -> None:
    parse_duration(clock.due)
    if clock.repeat:
        parse_duration(clock.repeat)
    alarms = [parse_duration(alarm) for alarm in clock.alarms]
    if alarms != sorted(set(alarms)):
        raise ValueError(f"{clock.obligation}: alarms ascend, each once")
