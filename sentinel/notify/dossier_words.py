"""The answers of a dossier as a person reads and copies them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime

import msgspec
from babel import Locale
from babel.dates import format_date

from sentinel.legal.forms import Field
from sentinel.notify import wording
from sentinel.notify.dossier import codes_of, is_not_applicable, is_unknown

ROLES = {
    "analyst": ("analyste", "analyst"),
    "commander": ("responsable de l’incident", "incident commander"),
    "scribe": ("secrétaire de crise", "scribe"),
    "dpo": ("délégué à la protection des données", "data protection officer"),
    "legal": ("service juridique", "legal"),
    "director": ("direction", "director"),
    "comms": ("communication", "communications"),
}
_EFFECT_ON = {
    "q.conf": ("Confidentialité", "Confidentiality"),
    "q.integ": ("Intégrité", "Integrity"),
    "q.avail": ("Disponibilité", "Availability"),
}
_DETAILS = {"owner": ("responsable", "owner"), "due": ("échéance", "due")}
_HINT = re.compile(r"\s\((?:à\s+préciser|to be specified)\)")
_OTHER = {"fr": "en", "en": "fr"}
_YES = {"fr": ("Oui", "Non"), "en": ("Yes", "No")}


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """An answer in words.

    ``state``: ``given``, ``unknown`` (``owner`` and ``due`` in words), ``missing``, ``optional``
    (nothing given, nothing needed) or ``not_applicable``.
    """

    state: str
    lines: tuple[str, ...] = ()
    owner: str = ""
    due: str = ""


def show(field: Field, answer: object, language: str) -> Shown:
    """Put an answer into words, in ``fr`` or ``en``."""
    if is_not_applicable(answer):
        return Shown(state="not_applicable")
    if is_unknown(answer):
        return _unknown(answer, language)
    if answer is None or answer in ("", [], {}):
        needed = field.required_initial or field.required_complete
        return Shown(state="missing" if needed else "optional")
    lines = [wording.typographic(line, language) for line in _lines(field, answer, language)]
    return Shown(state="given", lines=tuple(lines))


def tell(field: Field, answer: object, language: str) -> tuple[str, ...]:
    """Return an answer in words that stand without the form; empty where none was given.

    The form's hint to whoever fills it in is left out, and an effect says upon what it is one.
    """
    shown = show(field, answer, language)
    if shown.state != "given":
        return ()
    lines = (_HINT.sub("", line) for line in shown.lines)
    if field.id not in _EFFECT_ON:
        return tuple(lines)
    what = _EFFECT_ON[field.id][0 if language == "fr" else 1]
    colon = f"{wording.NO_BREAK}: " if language == "fr" else ": "
    return tuple(f"{what}{colon}{line[:1].lower()}{line[1:]}" for line in lines)


def role_name(role: str, language: str) -> str:
    """Return a role in words; an unknown role, such as a person's name, as it is."""
    french, english = ROLES.get(role, (role, role))
    return french if language == "fr" else english


def _unknown(answer: object, language: str) -> Shown:
    told = answer.get("unknown") if isinstance(answer, Mapping) else None
    if not isinstance(told, Mapping):
        return Shown(state="unknown")
    due = _instant(told.get("due"), language)
    return Shown(state="unknown", owner=role_name(str(told.get("owner", "")), language), due=due)


def _lines(field: Field, answer: object, language: str) -> list[str]:
    if field.options:
        return _choices(field, answer, language)
    if field.type == "person" and isinstance(answer, Mapping):
        return [str(answer[key]) for key in ("name", "title", "email", "phone") if answer.get(key)]
    if field.type == "map" and isinstance(answer, Mapping):
        return _by_country(answer, language)
    items = answer if isinstance(answer, list) else [answer]
    return [_scalar(field, item, language) for item in items]


def _by_country(answer: Mapping[str, object], language: str) -> list[str]:
    """Return the numbers by country, whose codes are those of ISO 3166-1."""
    names = Locale(language).territories
    separator = " : " if language == "fr" else ": "
    return [
        f"{names.get(code, code)}{separator}"
        f"{wording.number(count, language) if isinstance(count, int) else count}"
        for code, count in answer.items()
    ]


def _scalar(field: Field, item: object, language: str) -> str:
    if isinstance(item, bool):
        return _YES[language][0 if item else 1]
    if field.type == "datetime_tz":
        return _instant(item, language)
    if field.type == "siren":
        digits = str(item).replace(" ", "")
        return wording.NO_BREAK.join(digits[at : at + 3] for at in range(0, len(digits), 3))
    if field.type == "enum_naf_section":
        return f"Section {item} de la NAF" if language == "fr" else f"NAF section {item}"
    if isinstance(item, int):
        return wording.number(item, language)
    return _item(item, language)


def _choices(field: Field, answer: object, language: str) -> list[str]:
    """Return the labels; the free text goes with "other", else it has its own line."""
    text = str(answer.get("text") or "") if isinstance(answer, Mapping) else ""
    colon = " : " if language == "fr" else ": "
    codes = list(codes_of(answer))
    bearer = "other" if "other" in codes else (codes[0] if len(codes) == 1 else "")
    lines = []
    for code in codes:
        option = field.option(code)
        label = option.label(language) if option else code
        lines.append(f"{label}{colon}{text}" if text and code == bearer else label)
    return lines if bearer or not text else [*lines, text]


def _item(item: object, language: str) -> str:
    if not isinstance(item, Mapping):
        return _date(item, language)
    words = str(item.get(language) or item.get("text") or item.get(_OTHER[language]) or "")
    rest = {k: v for k, v in item.items() if k not in {"fr", "en", "text", "at"} and v}
    parts = [
        _instant(item["at"], language) if item.get("at") else "",
        words,
    ]
    separator = " : " if language == "fr" else ": "
    line = separator.join(part for part in parts if part)
    details = [_detail(key, value, language) for key, value in rest.items()]
    if not details:
        return line
    return f"{line} ({(' ; ' if language == 'fr' else '; ').join(details)})"


def _detail(key: str, value: object, language: str) -> str:
    """Return what a measure says besides its words: whose it is, and until when."""
    at, colon = (0, " : ") if language == "fr" else (1, ": ")
    told = role_name(str(value), language) if key == "owner" else _date(value, language)
    return f"{_DETAILS[key][at] if key in _DETAILS else key}{colon}{told}"


def _instant(value: object, language: str) -> str:
    try:
        return wording.instant(datetime.fromisoformat(str(value)), language)
    except ValueError:
        return str(value or "")


def _date(value: object, language: str) -> str:
    text = str(value)
    try:
        locale = "fr" if language == "fr" else "en_GB"
        return format_date(date.fromisoformat(text), "long", locale=locale)
    except ValueError:
        return text
