"""Every regime whose clocks `sentinel deadlines` can compute: the GDPR's, and those beside it."""

from __future__ import annotations

import tomllib
from datetime import datetime
from functools import cache
from pathlib import Path

import msgspec

from sentinel.domain.deadline import Obligation
from sentinel.domain.regime import AWARENESS, Limit, Regime, Step
from sentinel.errors import ContentError, NotFound
from sentinel.legal.rulesets import in_force

GDPR = "gdpr_art33"
SHIPPED = Path(__file__).with_name("other.toml")


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    regime: tuple[Regime, ...]


def regime_at(name: str, instant: datetime) -> Regime:
    """Return the regime called ``name`` as it applies at an aware instant.

    The GDPR's comes from the rule set in force. The others are returned before their day too
    (`Regime.valid_from` says since when they apply). Raises NotFound.
    """
    if name == GDPR:
        return _gdpr(instant)
    for regime in _others():
        if regime.id == name:
            return regime
    raise NotFound(f"no regime is called {name!r}", hint=", ".join(names()))


def names() -> list[str]:
    """Return the name of every regime, the GDPR's first."""
    return [GDPR, *(regime.id for regime in _others())]


def load_regimes(path: Path = SHIPPED) -> tuple[Regime, ...]:
    """Read regimes. Raises ContentError for a wrong duration, a typo, a step before its anchor."""
    try:
        regimes = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File).regime
        for regime in regimes:
            _check(regime)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, ValueError) as error:
        raise ContentError(str(error), where=str(path)) from error
    return regimes


def _gdpr(instant: datetime) -> Regime:
    ruleset = in_force(instant)
    clock = ruleset.clock(Obligation.CNIL_72)
    notification = Step(
        name="notification",
        basis=clock.basis,
        limits=(Limit(after=AWARENESS, due=clock.due),),
        alarms=clock.alarms,
        repeat=clock.repeat,
    )
    return Regime(id=GDPR, valid_from=ruleset.valid_from, steps=(notification,))


@cache
def _others() -> tuple[Regime, ...]:
    return load_regimes()


def _check(regime: Regime) -> None:
    steps = [step.name for step in regime.steps]
    if not steps or len(set(steps)) < len(steps):
        raise ValueError(f"{regime.id}: steps are named, each once")
    for position, step in enumerate(regime.steps):
        if not step.limits:
            raise ValueError(f"{regime.id}: {step.name} has no limit")
        if {limit.after for limit in step.limits} & set(steps[position:]):
            raise ValueError(f"{regime.id}: {step.name} counts from a step that comes later")
