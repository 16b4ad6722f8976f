"""A dossier as a person reads it: the form's sections, questions and answers, in its order."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from sentinel.legal.forms import Form
from sentinel.notify.dossier import Dossier
from sentinel.notify.dossier_check import Gap, validate
from sentinel.notify.dossier_phrases import as_written, said
from sentinel.notify.dossier_words import Shown, show


class AnswerRow(msgspec.Struct, frozen=True):
    """One question with its answer in words and what must be mended before filing.

    ``as_written``: the answer has words of a person that have no English.
    """

    id: str
    label: str
    shown: Shown
    gaps: list[str]
    as_written: bool = False


class SectionRows(msgspec.Struct, frozen=True):
    """A section of the form with the questions that arise."""

    label: str
    rows: list[AnswerRow]


def sections_of(
    dossier: Dossier, form: Form, language: str, english: Mapping[str, str]
) -> list[SectionRows]:
    """Return ``dossier`` section by section; a question that does not arise is left out.

    ``english``: of the sentences that the record made, by their French.
    """
    answers = dossier.answers
    if language != "fr":
        answers = {field: said(answer, english) for field, answer in answers.items()}
    gaps: dict[str, list[Gap]] = {}
    for gap in validate(dossier):
        gaps.setdefault(gap.field, []).append(gap)
    sections: list[SectionRows] = []
    for section in form.sections:
        rows = [
            AnswerRow(
                field.id,
                field.label(language),
                show(field, answers.get(field.id), language),
                [_said(gap, language) for gap in gaps.get(field.id, [])],
                language != "fr" and as_written(field, dossier.answers.get(field.id), english),
            )
            for field in form.fields_of(section)
        ]
        kept = [row for row in rows if row.shown.state != "not_applicable"]
        sections.append(SectionRows(section.label(language), kept))
    return sections


def _said(gap: Gap, language: str) -> str:
    where = f" (art. {gap.paragraph})" if gap.paragraph else ""
    return gap.message(language) + where
