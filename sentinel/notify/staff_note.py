"""The note that staff are given before their accesses are judged, from the settings in force.

GDPR art. 13, French Labour Code L1222-4. What the settings do not say stands in brackets.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sentinel.config import Settings
from sentinel.content import content_dir
from sentinel.notify import wording


def staff_note(settings: Settings, language: str, *, roles: list[str], templates: list[str]) -> str:
    """Return the note in ``language`` (``fr`` or ``en``) as Markdown.

    ``roles`` and ``templates``: titles, in that language, of what the scope model declares.
    """
    own = settings.notifiers_path / "staff"
    folder: Path = own if own.is_dir() else content_dir("notifiers") / "staff"
    # Markdown that a person reads and prints: nothing of it is HTML.
    environment = Environment(loader=FileSystemLoader(folder), undefined=StrictUndefined)  # noqa: S701
    environment.filters["lower_first"] = _lower_first
    staff, review = settings.scope.staff, settings.scope.review
    dpo = settings.organisation.dpo
    note = environment.get_template(f"note.{language}.md.j2").render(
        organisation=settings.organisation.name,
        roles=roles,
        templates=templates,
        review=review.enabled,
        review_at=f"{review.at:%H:%M}"
        if language == "en"
        else f"{review.at.hour} h {review.at.minute:02}",
        budget=review.per_day,
        seen_by=staff.seen_by,
        kept_days=staff.kept_days,
        contact=staff.contact or ", ".join(part for part in (dpo.name, dpo.email) if part),
        informed_on=_day(staff.informed_on, language),
        informed_how=staff.informed_how,
        dpia_on=_day(staff.dpia_on, language),
        dpia_reference=staff.dpia_reference,
        council_on=_day(staff.council_on, language),
    )
    return wording.typographic(note, language)


def _day(day: date | None, language: str) -> str:
    return wording.calendar_day(day, language) if day else ""


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
