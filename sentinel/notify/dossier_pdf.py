"""The dossier on paper: in French, in the form's order, ready to be copied into the portal."""

from __future__ import annotations

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
from sentinel.notify.dossier_words import show
from sentinel.notify.pdf import compile_pdf

_LANGUAGE = "fr"
_TITLES = {
    FilingKind.INITIAL: "Notification initiale",
    FilingKind.COMPLEMENT: "Notification complémentaire",
    FilingKind.COMPLETE: "Notification finale",
    FilingKind.WITHDRAW: "Retrait de la notification",
}


class Frozen(msgspec.Struct, frozen=True, kw_only=True):
    """What a frozen dossier bears: id of the key and its signature over the canonical JSON, hex."""

    key_id: str
    signature: str


def dossier_pdf(
    dossier: Dossier, notifiers: Path | None = None, frozen: Frozen | None = None
) -> bytes:
    """Return the dossier as PDF/UA-1; without ``frozen`` it says that it is a draft.

    Raises ContentError where the template is wrong.
    """
    template = (notifiers or content_dir("notifiers")) / "cnil" / "dossier.typ"
    created = datetime.fromisoformat(dossier.created_at)
    return compile_pdf(template, page_data(dossier, frozen), at=created)


def page_data(dossier: Dossier, frozen: Frozen | None = None) -> dict[str, object]:
    """Return what the Typst template shows: every string ready to print."""
    form = load_form(dossier.form)
    return {
        "title": _TITLES[FilingKind(dossier.kind)],
        "draft": frozen is None,
        "key_id": frozen.key_id if frozen else "",
        "signature": frozen.signature if frozen else "",
        "previous": _previous(dossier),
        "changes": [_change(one, dossier) for one in dossier.changes],
        "phased": dossier.kind in (FilingKind.INITIAL, FilingKind.COMPLEMENT),
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
    # In a withdrawal, what was never found out is to be completed no more.
    withdrawn = dossier.kind == FilingKind.WITHDRAW
    return {
        "id": field.id,
        "label": field.label_fr,
        "gdpr": field.gdpr.replace("recital", "considérant"),
        "state": "blank" if withdrawn and shown.state == "missing" else shown.state,
        "lines": list(shown.lines),
        "owner": shown.owner,
        "due": shown.due,
    }


def _previous(dossier: Dossier) -> dict[str, str] | None:
    previous = dossier.previous
    if previous is None:
        return None
    return {
        "number": previous.number,
        "filed": _said(previous.filed_at),
        "sha256": previous.sha256,
    }


def _change(change: Change, dossier: Dossier) -> dict[str, object]:
    field = load_form(dossier.form).field(change.field)

    def told(answer: object) -> list[str]:
        if is_unknown(answer):
            return ["à compléter"]
        shown = show(field, answer, _LANGUAGE)
        if shown.state == "not_applicable":
            return ["sans objet"]
        return list(shown.lines) or ["non renseigné"]

    return {
        "label": field.label_fr,
        "id": field.id,
        "before": told(change.before),
        "after": told(change.after),
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
