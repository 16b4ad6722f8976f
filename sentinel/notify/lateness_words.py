"""The reasons for a delay as the CNIL's form takes them: ground, words, dated facts, evidence.

The words of the person who explains stay as they were written, whatever the language around them.
"""

from __future__ import annotations

from sentinel.domain.lateness import Ground, Lateness
from sentinel.notify import wording

GROUNDS = {
    Ground.INVESTIGATION: (
        "étendue de la violation connue tardivement",
        "the extent of the breach was learnt late",
    ),
    Ground.PROCESSOR: (
        "informations reçues tardivement d’un sous-traitant ou d’un tiers",
        "information came late from a processor or a third party",
    ),
    Ground.SIMILAR_BREACHES: (
        "violations semblables et rapprochées, notifiées ensemble",
        "similar breaches in a short time, notified together",
    ),
    Ground.PORTAL: (
        "téléservice de notification indisponible",
        "the notification portal was unavailable",
    ),
    Ground.ORGANISATION: (
        "défaut de notre organisation interne",
        "a shortcoming of our internal organisation",
    ),
    Ground.LAW_ENFORCEMENT: (
        "demande d’une autorité judiciaire ou de police",
        "a request of a judicial or police authority",
    ),
    Ground.FORCE_MAJEURE: ("événement de force majeure", "force majeure"),
    Ground.OTHER: ("autre motif", "another ground"),
}
_HEADS = {
    "fr": ("Motif\u00a0: ", "\u00a0: ", "Pièces\u00a0: "),
    "en": ("Ground: ", ": ", "Evidence: "),
}


def lateness_text(given: Lateness, language: str = "fr") -> str:
    """Return the reasons, in French unless ``en`` is asked; facts in the order of time."""
    ground, colon, evidence = _HEADS[language]
    facts = sorted(given.facts, key=lambda one: one.at)
    return "\n".join(
        [
            f"{ground}{GROUNDS[given.ground][0 if language == 'fr' else 1]}.",
            given.reasons,
            *(f"– {wording.instant(one.at, language)}{colon}{one.text}" for one in facts),
            f"{evidence}{', '.join(given.evidence)}.",
        ]
    )
