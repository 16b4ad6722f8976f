"""The reasons for a delay as the CNIL's form takes them: ground, words, dated facts, evidence."""

from __future__ import annotations

from sentinel.domain.lateness import Ground, Lateness
from sentinel.notify import wording

GROUNDS = {
    Ground.INVESTIGATION: "étendue de la violation connue tardivement",
    Ground.PROCESSOR: "informations reçues tardivement d’un sous-traitant ou d’un tiers",
    Ground.SIMILAR_BREACHES: "violations semblables et rapprochées, notifiées ensemble",
    Ground.PORTAL: "téléservice de notification indisponible",
    Ground.ORGANISATION: "défaut de notre organisation interne",
    Ground.LAW_ENFORCEMENT: "demande d’une autorité judiciaire ou de police",
    Ground.FORCE_MAJEURE: "événement de force majeure",
    Ground.OTHER: "autre motif",
}


def lateness_text(given: Lateness) -> str:
    """Return the reasons in French, the language of the form; facts in the order of time."""
    facts = sorted(given.facts, key=lambda one: one.at)
    return "\n".join(
        [
            f"Motif\u00a0: {GROUNDS[given.ground]}.",
            given.reasons,
            *(f"– {wording.instant(one.at, 'fr')}\u00a0: {one.text}" for one in facts),
            f"Pièces\u00a0: {', '.join(given.evidence)}.",
        ]
    )
