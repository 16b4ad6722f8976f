"""Instants, numbers and spacing as French and English readers expect them.

Instants are UTC inside and Europe/Paris outside, always with the offset: at the autumn clock change
the same local hour comes twice.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_decimal

NO_BREAK = "\u00a0"
NARROW = "\u202f"
_KEPT_TOGETHER = re.compile(
    r"(?<=\d) (?=\d)|(?<=\d) (?=(?:h|min|heures?|minutes?|jours?|mois|ans|euros?|€|%|janvier"
    r"|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre)(?!\w))"
    r"|(?<=\bh) (?=\d\d\b)|(?<=\bM\.) |(?<=\bMme) |(?<=\bMlle) |(?<=\bn°) "
)
_YEAR = re.compile(
    r"\b(janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre)"
    r" (?=\d{4}\b)"
)


def instant(moment: datetime, language: str, zone: str = "Europe/Paris") -> str:
    """Write an instant: ``5 mars 2026 à 14 h 30 (UTC+1)``, ``5 March 2026 at 14:30 (UTC+1)``."""
    offset = _offset(moment.astimezone(ZoneInfo(zone)))
    at = "à" if language == "fr" else "at"
    return f"{day(moment, language, zone)} {at} {hour(moment, language, zone)} ({offset})"


def day(moment: datetime, language: str, zone: str = "Europe/Paris") -> str:
    """Write the local date of an instant: ``5 mars 2026``, ``5 March 2026``."""
    return calendar_day(moment.astimezone(ZoneInfo(zone)).date(), language)


def calendar_day(given: date, language: str) -> str:
    """Write a date: ``1er mars 2026``, ``1 March 2026``."""
    written = format_date(given, "d MMMM y", locale="fr" if language == "fr" else "en_GB")
    if language == "fr" and given.day == 1:
        written = "1er" + written[1:]
    return written.replace(" ", NO_BREAK)


def hour(moment: datetime, language: str, zone: str = "Europe/Paris") -> str:
    """Write the local hour of an instant: ``14 h 30``, ``14:30``."""
    local = moment.astimezone(ZoneInfo(zone))
    if language == "fr":
        return f"{local.hour}{NO_BREAK}h{NO_BREAK}{local.minute:02}"
    return f"{local:%H:%M}"


def period(first: datetime, last: datetime, language: str, zone: str = "Europe/Paris") -> str:
    """Write a period for people who are not used to offsets: ``le 5 mars 2026 à 9 h 00``.

    A period that begins and ends in the same minute is an instant.
    """
    fr = language == "fr"
    paris = "(heure de Paris)" if fr else "(Paris time)"
    days = day(first, language, zone), day(last, language, zone)
    hours = hour(first, language, zone), hour(last, language, zone)
    if days[0] == days[1] and hours[0] == hours[1]:
        at = "à" if fr else "at"
        return f"{'le' if fr else 'on'} {days[0]} {at} {hours[0]} {paris}"
    if days[0] == days[1]:
        if fr:
            return f"le {days[0]}, entre {hours[0]} et {hours[1]} {paris}"
        return f"on {days[0]}, between {hours[0]} and {hours[1]} {paris}"
    if fr:
        return f"entre le {days[0]} à {hours[0]} et le {days[1]} à {hours[1]} {paris}"
    return f"between {days[0]} at {hours[0]} and {days[1]} at {hours[1]} {paris}"


def number(value: int, language: str) -> str:
    """Write a number: ``1 200`` (narrow no-break space), ``1,200``."""
    return format_decimal(value, locale="fr" if language == "fr" else "en_GB")


def duration(delta: timedelta, language: str) -> str:
    """Write a length of time to the minute, without a sign: ``2 j 4 h 05 min``."""
    minutes = abs(int(delta.total_seconds())) // 60
    days, rest = divmod(minutes, 24 * 60)
    hours, left = divmod(rest, 60)
    parts = [f"{days}{NO_BREAK}{'j' if language == 'fr' else 'd'}"] if days else []
    if days or hours:
        parts.append(f"{hours}{NO_BREAK}h")
    parts.append(f"{left:02}{NO_BREAK}min" if parts else f"{left}{NO_BREAK}min")
    return NO_BREAK.join(parts)


def typographic(text: str, language: str) -> str:
    """Set the apostrophes of both languages and the no-break spaces of French.

    Imprimerie nationale: a no-break space before the colon and inside guillemets, a narrow one
    before ``; ? !``. A number does not part from its unit, its month or its next group of digits,
    nor a month from its year.
    """
    text = re.sub(r"(?<=\w)'(?=\w)", "’", text)
    if language != "fr":
        return text
    text = re.sub(r"«[ \u00a0]?", f"«{NO_BREAK}", text)
    text = re.sub(r"[ \u00a0]?»", f"{NO_BREAK}»", text)
    text = re.sub(r" :(?=\s|$)", f"{NO_BREAK}:", text)
    text = _YEAR.sub(rf"\1{NO_BREAK}", _KEPT_TOGETHER.sub(NO_BREAK, text))
    return re.sub(r"[ \u00a0]([;?!])", rf"{NARROW}\1", text)


def _offset(local: datetime) -> str:
    offset = local.utcoffset() or timedelta()
    minutes = int(offset.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{sign}{hours}" + (f":{rest:02}" if rest else "")
