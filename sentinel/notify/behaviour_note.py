"""The data-protection note on the analysis of behaviour, from the configuration in force.

Input to the balance of interests (GDPR art. 6(1)(f)) and to the impact assessment (art. 35). What
the settings do not say stands in brackets.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec
from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sentinel.config import Settings
from sentinel.content import content_dir
from sentinel.domain.terms import term
from sentinel.notify import wording

WHY_OFF = {
    "setting": {"fr": "désactivée par le réglage", "en": "switched off by a setting"},
    "model": {"fr": "aucun modèle n’a été appris", "en": "no model was trained"},
    "staff": {
        "fr": "le contrôle des accès internes n’est pas déclaré (scope.staff)",
        "en": "monitoring of staff is not declared (scope.staff)",
    },
}


class Learnt(msgspec.Struct, frozen=True, kw_only=True):
    """What a model was made of. ``count``: sessions, or acts. ``roles``: accounts by role."""

    window_from: datetime
    window_to: datetime
    count: int
    roles: dict[str, int] = {}
    left_out: int = 0


def behaviour_note(
    settings: Settings,
    language: str,
    *,
    today: date,
    navigation: Learnt | None,
    staff: Learnt | None,
    features: Sequence[str],
    staff_features: Sequence[str],
    smallest_group: int,
) -> str:
    """Return the note in ``language`` (``fr`` or ``en``) as Markdown. None: no model is there."""
    own = settings.notifiers_path / "behaviour"
    folder = own if own.is_dir() else content_dir("notifiers") / "behaviour"
    # Markdown that a person reads and completes: nothing of it is HTML.
    environment = Environment(loader=FileSystemLoader(folder), undefined=StrictUndefined)  # noqa: S701
    chosen, declared = settings.behaviour, settings.scope.staff
    dpo = settings.organisation.dpo

    def side(
        learnt: Learnt | None, why: str, budget: int, names: Sequence[str]
    ) -> dict[str, object]:
        return {
            "on": not why,
            "why": WHY_OFF[why][language] if why else "",
            "model": _model(learnt, settings.timezone, language),
            "budget": budget,
            "features": [term(name, language) for name in names],
        }

    why = "" if chosen.enabled else "setting"
    why_staff = why or ("" if chosen.staff else "setting") or ("" if declared.live else "staff")
    note = environment.get_template(f"note.{language}.md.j2").render(
        today=_day(today, language),
        organisation=settings.organisation.name,
        dpo=", ".join(part for part in (dpo.name, dpo.email) if part),
        idle=chosen.session_idle_minutes,
        smallest_group=smallest_group,
        versions_kept=chosen.versions_kept,
        navigation=side(
            navigation,
            why or ("" if navigation else "model"),
            chosen.findings_per_day,
            features,
        ),
        staff=side(
            staff,
            why_staff or ("" if staff else "model"),
            chosen.staff_findings_per_day,
            staff_features,
        )
        | {
            "roles": [
                f"{role} : {n}" if language == "fr" else f"{role}: {n}"
                for role, n in staff.roles.items()
            ]
            if staff
            else [],
            "left_out": staff.left_out if staff else 0,
            "informed_on": _day(declared.informed_on, language),
            "dpia_on": _day(declared.dpia_on, language),
            "council_on": _day(declared.council_on, language),
            "seen_by": declared.seen_by,
        },
    )
    return wording.typographic(note, language)


def _model(learnt: Learnt | None, timezone: str, language: str) -> dict[str, str] | None:
    if learnt is None:
        return None
    zone = ZoneInfo(timezone)
    return {
        "start": _day(learnt.window_from.astimezone(zone).date(), language),
        "end": _day(learnt.window_to.astimezone(zone).date(), language),
        "count": format_decimal(learnt.count, locale=language),
    }


def _day(day: date | None, language: str) -> str:
    return wording.calendar_day(day, language) if day else ""
