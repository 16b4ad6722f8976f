"""The dossier on paper: in French, in the form's order, ready to be copied into the portal."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sentinel.content import content_dir
from sentinel.legal.forms import Field, load_form
from sentinel.notify import wording
from sentinel.notify.dossier import Dossier
from sentinel.notify.dossier_check import Gap, validate
from sentinel.notify.dossier_words import show
from sentinel.notify.pdf import compile_pdf

_LANGUAGE = "fr"


def dossier_pdf(dossier: Dossier, notifiers: Path | None = None) -> bytes:
    """Return the dossier as PDF/UA-1. Raises ContentError where the template is wrong."""
    template = (notifiers or content_dir("notifiers")) / "cnil" / "dossier.typ"
    created = datetime.fromisoformat(dossier.created_at)
    return compile_pdf(template, page_data(dossier), at=created)


def page_data(dossier: Dossier) -> dict[str, object]:
    """Return what the Typst template shows: every string ready to print."""
    form = load_form(dossier.form)
    return {
        "reference": dossier.reference,
        "created": _said(dossier.created_at),
        "aware": _said(dossier.aware_at),
        "due": _said(dossier.due_strict),
        "late": dossier.late,
        "drill": dossier.drill,
        "sha256": dossier.sha256,
        "form": form.id,
        "open": len(dossier.unknown),
        "gaps": [_gap(gap) for gap in validate(dossier)],
        "evidence": _evidence(dossier),
        "sections": [
            {
                "number": section.id,
                "title": section.label_fr,
                "rows": [_row(field, dossier) for field in form.fields_of(section)],
            }
            for section in form.sections
        ],
    }


def _row(field: Field, dossier: Dossier) -> dict[str, object]:
    shown = show(field, dossier.answers.get(field.id), _LANGUAGE)
    return {
        "id": field.id,
        "label": field.label_fr,
        "gdpr": field.gdpr.replace("recital", "considérant"),
        "state": shown.state,
        "lines": list(shown.lines),
        "owner": shown.owner,
        "due": shown.due,
    }


def _gap(gap: Gap) -> str:
    basis = f" (RGPD, art. {gap.paragraph})" if gap.paragraph else ""
    return wording.typographic(gap.message_fr, _LANGUAGE) + basis


def _evidence(dossier: Dossier) -> dict[str, str] | None:
    evidence = dossier.evidence
    if evidence is None or not evidence.sha256:
        return None
    return {
        "query": evidence.query,
        "sha256": evidence.sha256,
        "subjects": wording.number(evidence.subjects, _LANGUAGE),
        "records": wording.number(evidence.records, _LANGUAGE),
    }


def _said(instant: str) -> str:
    return wording.instant(datetime.fromisoformat(instant), _LANGUAGE) if instant else ""
