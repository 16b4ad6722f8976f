"""``sentinel deadlines``: when a notification is due, and how it was counted."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Annotated

import msgspec
import typer

from sentinel.cli.ndjson import answer_lines
from sentinel.cli.output import json, line
from sentinel.domain.deadline import resolve_local, zone_of
from sentinel.domain.regime import Regime, StepDue, clocks
from sentinel.errors import InvalidInstant, UsageError
from sentinel.legal.public_holidays import is_french_holiday
from sentinel.legal.regimes import GDPR, regime_at

PARIS = "Europe/Paris"
READINGS = ("due_strict", "due_1182", "due_3_5_touch", "due_3_5_full")
AT_THE_TOP = ("basis", *READINGS, "alarms", "alarms_repeat")
CONTESTED = ("due_3_5_touch", "due_3_5_full")

LABELS = {
    "1182/71, information": "due_1182",
    "3(5) touch, contested": "due_3_5_touch",
    "3(5) full, contested": "due_3_5_full",
    "may move to": "movable_to",
}


class RegimeName(enum.StrEnum):
    """The regimes, as the command line names them."""

    GDPR_ART33 = GDPR
    ECS_611_2013 = "ecs_611_2013"
    NIS2_ART23 = "nis2_art23"
    DORA = "dora"
    CRA_ART14 = "cra_art14"
    INSURANCE_L12_10_1 = "insurance_l12_10_1"


class Reckoning(msgspec.Struct, frozen=True, kw_only=True):
    """One answer: the regime, the awareness (UTC), the zone that shows it, a row per step."""

    regime: Regime
    aware: datetime
    zone: str
    rows: tuple[StepDue, ...]

    @property
    def applies(self) -> bool:
        """Whether the regime was law on the day of awareness, UTC."""
        return self.regime.valid_from <= self.aware.date()


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("deadlines")(deadlines)


def deadlines(
    aware_at: Annotated[
        str, typer.Option("--aware-at", help="Instant of awareness, ISO 8601, with its offset.")
    ] = "",
    tz: Annotated[
        str | None,
        typer.Option(
            "--tz",
            help=f"Zone that shows the instants ({PARIS} without it), and that reads one without "
            "offset, which is refused without --tz.",
        ),
    ] = None,
    regime: Annotated[RegimeName, typer.Option(help="Whose clocks.")] = RegimeName.GDPR_ART33,
    done: Annotated[
        list[str] | None,
        typer.Option(help="STEP=INSTANT: what has been done, from which later steps count."),
    ] = None,
    batch: Annotated[
        str, typer.Option(help="File with one instant a line; -: standard input. NDJSON out.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Compute when notifications are due. Exit 1 with --batch: a line was refused."""
    if bool(aware_at) is bool(batch):
        raise UsageError("either --aware-at or --batch", hint="--aware-at 2026-03-02T10:30+01:00")
    if batch and done:
        raise UsageError("--done belongs to one instant, not to --batch")
    zone = PARIS if tz is None else tz
    zone_of(zone)
    facts = dict(_fact(text, tz) for text in done or [])

    def reckon(text: str) -> Reckoning:
        return _reckon(resolve_local(text, tz or ""), regime.value, zone, facts)

    if batch:
        answer_lines(batch, lambda text: _public(reckon(text)), json, as_json=True)
    elif as_json:
        json(_public(reckon(aware_at)))
    else:
        _say(reckon(aware_at))


def _fact(text: str, tz: str | None) -> tuple[str, datetime]:
    name, _, instant = text.partition("=")
    return name, resolve_local(instant, tz or "")


def _reckon(aware: datetime, name: str, zone: str, facts: dict[str, datetime]) -> Reckoning:
    regime = regime_at(name, aware)
    rows = clocks(regime, aware, is_french_holiday, zone=zone, done=facts)
    return Reckoning(regime=regime, aware=aware, zone=zone, rows=rows)


def _public(answer: Reckoning) -> dict[str, object]:
    """Return the answer as data: the first step at the top, all steps where there are several."""
    steps = [_public_step(row, answer.zone) for row in answer.rows]
    public = {
        "regime": answer.regime.id,
        "applies": answer.applies,
        "applies_from": answer.regime.valid_from,
        "zone": answer.zone,
        "aware_at": _both(answer.aware, answer.zone),
        **{name: steps[0][name] for name in AT_THE_TOP},
        "contested": CONTESTED,
    }
    return public if len(steps) == 1 else public | {"steps": steps}


def _public_step(row: StepDue, zone: str) -> dict[str, object]:
    return {
        "step": row.step.name,
        "basis": row.step.basis,
        "after": row.after,
        "anchor_at": _both(row.anchor_at, zone),
        "provisional": row.provisional,
        **{name: _both(getattr(row, name), zone) for name in READINGS},
        "last_day": row.last_day,
        "last_day_3_4": row.last_day_3_4,
        "movable_to": _both(row.movable_to, zone),
        "alarms": [
            {"after": after, **(_both(instant, zone) or {})}
            for after, instant in zip(row.step.alarms, row.alarms, strict=False)
        ],
        "alarms_repeat": row.step.repeat or None,
    }


def _both(instant: datetime | None, zone: str) -> dict[str, str] | None:
    if instant is None:
        return None
    utc = instant.isoformat().replace("+00:00", "Z")
    return {"utc": utc, "local": _local(instant, zone).isoformat()}


def _say(answer: Reckoning) -> None:
    """Print what a person needs, in the zone."""
    zone = answer.zone
    line(f"{answer.regime.id}, aware {_said(answer.aware, zone)} ({zone})")
    if not answer.applies:
        line(f"not yet law: it applies from {answer.regime.valid_from}")
    for row in answer.rows:
        line(f"\n{row.step.name}: {row.step.basis}")
        if row.due_strict is None:
            line(f"  waits: say --done {row.after}=INSTANT")
            continue
        assumed = f"  (if {row.after} is done at its limit)" if row.provisional else ""
        line(f"  {'due':<22} {_said(row.due_strict, zone)}{assumed}")
        for label, name in LABELS.items():
            instant = getattr(row, name)
            if instant is not None:
                line(f"  {label:<22} {_said(instant, zone)}")
        if row.last_day is not None:
            line(f"  {'last day':<22} {row.last_day}; after 3(4) {row.last_day_3_4}")


def _said(instant: datetime, zone: str) -> str:
    return _local(instant, zone).isoformat(sep=" ", timespec="seconds")


def _local(instant: datetime, zone: str) -> datetime:
    try:
        return instant.astimezone(zone_of(zone))
    except OverflowError as error:
        raise InvalidInstant("it is too near the end of the calendar") from error
