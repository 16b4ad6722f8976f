"""What the dossier on paper says beside the form's own words, in French and English."""

from __future__ import annotations

import msgspec

from sentinel.domain.incident import FilingKind
from sentinel.notify.dossier_check import Gap

TITLES = {
    "fr": {
        FilingKind.INITIAL: "Notification initiale",
        FilingKind.COMPLEMENT: "Notification complémentaire",
        FilingKind.COMPLETE: "Notification finale",
        FilingKind.WITHDRAW: "Retrait de la notification",
    },
    "en": {
        FilingKind.INITIAL: "Initial notification",
        FilingKind.COMPLEMENT: "Complementary notification",
        FilingKind.COMPLETE: "Final notification",
        FilingKind.WITHDRAW: "Withdrawal of the notification",
    },
}


class Answers(msgspec.Struct, frozen=True):
    """What stands in the table of changes where no answer does."""

    unknown: str
    not_applicable: str
    blank: str


ANSWERS = {
    "fr": Answers("à compléter", "sans objet", "non renseigné"),
    "en": Answers("to be completed", "not applicable", "not answered"),
}


def basis(provisions: str, language: str) -> str:
    """Return the provisions that a question serves: ``33(3)(c), recital 85``."""
    return provisions.replace("recital", "considérant") if language == "fr" else provisions


def gap_basis(gap: Gap, language: str) -> str:
    """Return the paragraph that a gap misses, as it follows the message; empty where none is."""
    if not gap.paragraph:
        return ""
    return (
        f" (RGPD, art. {gap.paragraph})" if language == "fr" else f" (GDPR, art. {gap.paragraph})"
    )
