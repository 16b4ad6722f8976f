"""Answers of the CNIL form as a person reads them, in the order of the form.

The stored dossier holds codes and RFC 3339 instants; here they become the form's own words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from sentinel.legal.forms import Field, Form
from sentinel.notify.dossier import Dossier, is_not_applicable, is_unknown
from sentinel.web.console.formats import Formats


class AnswerRow(msgspec.Struct, frozen=True, kw_only=True):
    """One question. ``state``: ``answered``, ``unknown``, ``missing`` or ``not_applicable``.

    ``owner``/``due``: who finds an unknown answer, and until when.
    """

    id: str
    label: str
    required: bool
    state: str
    lines: tuple[str, ...] = ()
    owner: str = ""
    due: datetime | None = None


class SectionRows(msgspec.Struct, frozen=True):
    """A section of the form with its questions."""

    label: str
    rows: list[AnswerRow]


def sections_of(
    dossier: Dossier, form: Form, formats: Formats, gettext: Callable[[str], str]
) -> list[SectionRows]:
    """Return ``dossier`` section by section, as the form orders it."""
    speaker = _Speaker(formats, gettext)
    return [
        SectionRows(
            section.label(formats.language),
            [
                speaker.row(field, dossier.answers.get(field.id))
                for field in form.fields_of(section)
            ],
        )
        for section in form.sections
    ]


class _Speaker:
    def __init__(self, formats: Formats, gettext: Callable[[str], str]) -> None:
        self._formats = formats
        self._ = gettext

    def row(self, field: Field, answer: object) -> AnswerRow:
        label = field.label(self._formats.language)
        row = AnswerRow(id=field.id, label=label, required=field.required_initial, state="missing")
        if is_not_applicable(answer):
            return msgspec.structs.replace(row, state="not_applicable")
        if is_unknown(answer):
            owner, due = _promised(answer)
            return msgspec.structs.replace(row, state="unknown", owner=owner, due=due)
        lines = tuple(line for line in self._lines(field, answer) if line)
        return msgspec.structs.replace(row, state="answered", lines=lines) if lines else row

    def _lines(self, field: Field, answer: object) -> list[str]:
        if isinstance(answer, list):
            return [line for item in answer for line in self._lines(field, item)]
        if isinstance(answer, Mapping):
            return self._parts(field, answer)
        return [] if answer is None else [self._said(field, answer)]

    def _parts(self, field: Field, answer: Mapping[str, object]) -> list[str]:
        codes = answer.get("codes", [answer["code"]] if "code" in answer else [])
        chosen = self._lines(field, codes)
        rest = {key: value for key, value in answer.items() if key not in {"code", "codes"}}
        return chosen + [line for value in rest.values() for line in self._lines(field, value)]

    def _said(self, field: Field, answer: object) -> str:
        if isinstance(answer, bool):
            return self._("yes") if answer else self._("no")
        if isinstance(answer, int | float):
            return self._formats.number(answer)
        text = str(answer)
        option = field.option(text)
        if option is not None:
            return option.label(self._formats.language)
        if field.type == "datetime_tz":
            return self._formats.long(datetime.fromisoformat(text))
        return text


def _promised(answer: object) -> tuple[str, datetime | None]:
    told = answer.get("unknown") if isinstance(answer, Mapping) else None
    if not isinstance(told, Mapping):
        return "", None
    due = told.get("due")
    return str(told.get("owner", "")), datetime.fromisoformat(due) if due else None
