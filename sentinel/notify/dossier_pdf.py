"""The dossier on paper, in the form's order: French to copy from, English to read beside it.

Both show the same frozen answers and the same digest; what is filed is French.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from sentinel.content import content_dir
from sentinel.domain.incident import FilingKind
from sentinel.legal.forms import Field, load_form
from sentinel.notify import wording
from sentinel.notify.dossier import Dossier, is_unknown
from sentinel.notify.dossier_change import Change
from sentinel.notify.dossier_check import Gap, validate
from sentinel.notify.dossier_paper_words import ANSWERS, TITLES, basis, gap_basis
from sentinel.notify.dossier_phrases import as_written, said
from sentinel.notify.dossier_words import show
from sentinel.notify.pdf import compile_pdf


class Frozen(msgspec.Struct, frozen=True, kw_only=True):
    """What a frozen dossier bears: id of the key and its signature over the canonical JSON, hex.

    ``sha256``: of the bytes as they were frozen, where they are at hand; else of the dossier.
    """

    key_id: str
    signature: str
    sha256: str = ""


class _Reading(msgspec.Struct, frozen=True):
    """Who reads: the language, and the English of the sentences that the record made."""

    language: str
    known: Mapping[str, str]

    def answer(self, answer: object) -> object:
        """Return an answer in the language, as far as it is known in it."""
        return answer if self.language == "fr" else said(answer, self.known)

    def as_written(self, field: Field, answer: object) -> bool:
        """Tell whether an answer stays in the words of the French dossier."""
        return self.language != "fr" and as_written(field, answer, self.known)


def dossier_pdf(
    dossier: Dossier,
    notifiers: Path | None = None,
    frozen: Frozen | None = None,
    *,
    language: str = "fr",
    known: Mapping[str, str] | None = None,
) -> bytes:
    """Return the dossier as PDF/UA-1; without ``frozen`` it says that it is a draft.

    ``language``: ``fr``, what is filed, or ``en``, a reading copy that says so. ``known``: the
    English of the record's sentences, see `dossier_phrases`. Raises ContentError where the
    template is wrong.
    """
    template = (notifiers or content_dir("notifiers")) / "cnil" / "dossier.typ"
    created = datetime.fromisoformat(dossier.created_at)
    data = page_data(dossier, frozen, language=language, known=known)
    return compile_pdf(template, data, at=created)


def page_data(
    dossier: Dossier,
    frozen: Frozen | None = None,
    *,
    language: str = "fr",
    known: Mapping[str, str] | None = None,
) -> dict[str, object]:
    """Return what the Typst template shows: every string ready to print."""
    form, reading = load_form(dossier.form), _Reading(language, known or {})
    return {
        "language": language,
        "title": TITLES[language][FilingKind(dossier.kind)],
        "draft": frozen is None,
        "key_id": frozen.key_id if frozen else "",
        "signature": frozen.signature if frozen else "",
        "previous": _previous(dossier, language),
        "changes": [_change(one, dossier, reading) for one in dossier.changes],
        "phased": dossier.kind in (FilingKind.INITIAL, FilingKind.COMPLEMENT),
        "reference": dossier.reference,
        "created": _said(dossier.created_at, language),
        "aware": _said(dossier.aware_at, language),
        "due": _said(dossier.due_strict, language),
        "late": dossier.late,
        "drill": dossier.drill,
        "sha256": frozen.sha256 if frozen and frozen.sha256 else dossier.sha256,
        "form": form.id,
        "open": len(dossier.unknown),
        "gaps": [_gap(gap, language) for gap in validate(dossier)],
        "evidence": _evidence(dossier, language),
        "sections": [
            {
                "number": section.id,
                "title": section.label(language),
                "rows": [_row(field, dossier, reading) for field in form.fields_of(section)],
            }
            for section in form.sections
        ],
    }


def _row(field: Field, dossier: Dossier, reading: _Reading) -> dict[str, object]:
    answer = dossier.answers.get(field.id)
    shown = show(field, reading.answer(answer), reading.language)
    # In a withdrawal, what was never found out is to be completed no more.
    withdrawn = dossier.kind == FilingKind.WITHDRAW
    return {
        "id": field.id,
        "label": field.label(reading.language),
        "gdpr": basis(field.gdpr, reading.language),
        "state": "blank" if withdrawn and shown.state == "missing" else shown.state,
        "lines": list(shown.lines),
        "as_written": reading.as_written(field, answer),
        "owner": shown.owner,
        "due": shown.due,
    }


def _previous(dossier: Dossier, language: str) -> dict[str, str] | None:
    previous = dossier.previous
    if previous is None:
        return None
    return {
        "number": previous.number,
        "filed": _said(previous.filed_at, language),
        "sha256": previous.sha256,
    }


def _change(change: Change, dossier: Dossier, reading: _Reading) -> dict[str, object]:
    field = load_form(dossier.form).field(change.field)
    words = ANSWERS[reading.language]

    def told(answer: object) -> list[str]:
        if is_unknown(answer):
            return [words.unknown]
        shown = show(field, reading.answer(answer), reading.language)
        if shown.state == "not_applicable":
            return [words.not_applicable]
        return list(shown.lines) or [words.blank]

    return {
        "label": field.label(reading.language),
        "id": field.id,
        "before": told(change.before),
        "before_as_written": reading.as_written(field, change.before),
        "after": told(change.after),
        "after_as_written": reading.as_written(field, change.after),
    }


def _gap(gap: Gap, language: str) -> str:
    return wording.typographic(gap.message(language), language) + gap_basis(gap, language)


def _evidence(dossier: Dossier, language: str) -> dict[str, str] | None:
    evidence = dossier.evidence
    if evidence is None or not evidence.sha256:
        return None
    return {
        "query": evidence.query,
        "sha256": evidence.sha256,
        "subjects": wording.number(evidence.subjects, language),
        "records": wording.number(evidence.records, language),
    }


def _said(instant: str, language: str) -> str:
    return wording.instant(datetime.fromisoformat(instant), language) if instant else ""
