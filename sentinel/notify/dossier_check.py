"""What still keeps a dossier from being filed, with the paragraph of art. 33(3) that it misses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from sentinel.domain.incident import FilingKind
from sentinel.legal.forms import Field, Form, load_form
from sentinel.notify.dossier import (
    LATE_REASONS,
    Dossier,
    codes_of,
    is_not_applicable,
    is_unknown,
)

AWARENESS = "t.awareness"
PREVIOUS, WITHDRAW_REASON = "n.previous_ref", "n.withdraw_reason"
OF_US = frozenset({"1", "2"})
"""Sections that speak of the filing and of who files: all that a withdrawal needs."""

IN_PHASES = frozenset({FilingKind.INITIAL, FilingKind.COMPLEMENT})
_CONTACT = {
    "name": ("nom", "name"),
    "email": ("courriel", "e-mail"),
    "phone": ("téléphone", "phone"),
}


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to mend. ``paragraph``: such as ``33(3)(a)``, or empty where the law is silent."""

    field: str
    paragraph: str
    message_fr: str
    message_en: str

    def message(self, language: str) -> str:
        """Return the message in ``fr`` or ``en``."""
        return self.message_fr if language == "fr" else self.message_en


def validate(dossier: Dossier) -> list[Gap]:
    """Return what must be mended before filing, in the form's order; empty means ready.

    Initial and complementary filing: an unknown answer with an owner and a date is legal (art.
    33(4)), except in the sections 1 and 2 and for the instant of awareness. A final one needs every
    required answer; a withdrawal its reason. After 72 hours come the reasons (art. 33(1)).
    """
    form = load_form(dossier.form)
    return [
        gap
        for field in form.fields
        for gap in _gaps(form, field, dossier.answers.get(field.id), dossier)
    ]


def _gaps(form: Form, field: Field, answer: object, dossier: Dossier) -> Iterator[Gap]:
    if is_not_applicable(answer):
        return
    if dossier.kind == FilingKind.WITHDRAW and field.section not in OF_US:
        return
    if field.id == LATE_REASONS:
        if dossier.late and (is_unknown(answer) or not str(answer or "").strip()):
            yield _gap(
                field,
                "le délai de 72 heures est dépassé : les motifs du retard sont obligatoires",
                "the 72 hours have passed: the reasons for the delay are mandatory",
            )
        return
    if is_unknown(answer):
        yield from _unknown(form, field, answer, dossier)
    elif answer is None or answer in ("", [], {}):
        yield from _missing(field, dossier)
    else:
        yield from _malformed(field, answer)


def _unknown(form: Form, field: Field, answer: object, dossier: Dossier) -> Iterator[Gap]:
    allowed = form.section(field.section).unknown_allowed and field.id != AWARENESS
    if dossier.kind not in IN_PHASES or not allowed:
        yield from _missing(field, dossier)
        return
    told = answer.get("unknown") if isinstance(answer, Mapping) else None
    if not isinstance(told, Mapping) or not (told.get("owner") and told.get("due")):
        yield _gap(
            field,
            "une réponse inconnue a besoin d’un responsable et d’une échéance",
            "an unknown answer needs an owner and a date",
        )


def _missing(field: Field, dossier: Dossier) -> Iterator[Gap]:
    if _needed(field, dossier.kind):
        yield _gap(field, "réponse manquante", "the answer is missing")


def _needed(field: Field, kind: str) -> bool:
    """Tell whether a filing of this kind is not accepted without the answer."""
    if field.id == WITHDRAW_REASON:
        return kind == FilingKind.WITHDRAW
    if field.id == PREVIOUS:
        return kind != FilingKind.INITIAL
    if kind != FilingKind.COMPLETE:
        return field.required_initial
    return field.required_complete


def _malformed(field: Field, answer: object) -> Iterator[Gap]:
    if field.type == "person":
        told = answer if isinstance(answer, Mapping) else {}
        for key, (french, english) in _CONTACT.items():
            if not told.get(key):
                yield _gap(field, f"il manque : {french}", f"missing: {english}")
    if field.options:
        for code in codes_of(answer):
            if field.option(code) is None:
                yield _gap(
                    field, f"le choix « {code} » n’existe pas", f"there is no choice {code!r}"
                )
    if field.type == "datetime_tz" and not _is_instant(answer):
        yield _gap(
            field,
            "une date et une heure avec décalage horaire sont attendues",
            "a date and time with an offset are expected",
        )
    if field.type == "int" and (isinstance(answer, bool) or not isinstance(answer, int)):
        yield _gap(field, "un nombre entier est attendu", "a whole number is expected")


def _is_instant(answer: object) -> bool:
    try:
        return isinstance(answer, str) and datetime.fromisoformat(answer).tzinfo is not None
    except ValueError:
        return False


def _gap(field: Field, french: str, english: str) -> Gap:
    paragraph = field.paragraph or ("33(1)" if "33(1)" in field.gdpr else "")
    return Gap(
        field=field.id,
        paragraph=paragraph,
        message_fr=f"{field.label_fr} : {french}",
        message_en=f"{field.label_en}: {english}",
    )
