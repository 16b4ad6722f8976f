"""Words that stand inside a reason's sentence, in French and English.

A reason carries the code (``interval_cv``, ``opened_by_actor``); `Reason.text` writes the word. A
code that is not here, such as a kind of fact that a user invented, is shown as it is.
"""

from __future__ import annotations

from sentinel.domain.reason_staff import STAFF_TERMS

TERMS: dict[str, dict[str, str]] = {
    # Features of a session
    "rate": {"en": "pages per minute", "fr": "pages par minute"},
    "interval_median": {
        "en": "median seconds between pages",
        "fr": "médiane des secondes entre deux pages",
    },
    "interval_cv": {
        "en": "irregularity of the pace (coefficient of variation)",
        "fr": "irrégularité du rythme (coefficient de variation)",
    },
    "depth": {"en": "mean depth of the paths", "fr": "profondeur moyenne des chemins"},
    "distinct_paths": {"en": "share of distinct paths", "fr": "part de chemins distincts"},
    "client_errors": {"en": "share of 4xx answers", "fr": "part de réponses 4xx"},
    "unseen": {
        "en": "share of pages that the population never visits",
        "fr": "part de pages que la population ne visite jamais",
    },
    "entropy": {
        "en": "variety of the pages (entropy, bits)",
        "fr": "variété des pages (entropie, bits)",
    },
    "document_rate": {"en": "documents per minute", "fr": "documents par minute"},
    "repetition": {
        "en": "share of the most repeated step",
        "fr": "part de l’enchaînement le plus répété",
    },
    "bytes": {"en": "mean bytes per page", "fr": "octets moyens par page"},
    "surprise": {
        "en": "unlikelihood of the path (nats per step)",
        "fr": "invraisemblance du parcours (nats par étape)",
    },
    "consecutive_ids": {
        "en": "share of steps from one number to the next",
        "fr": "part de pas d’un numéro au suivant",
    },
    "ordered_run": {
        "en": "longest run of documents in numeric order",
        "fr": "plus longue suite de documents en ordre numérique",
    },
    "oddest_request": {
        "en": "oddity of the oddest request (nats: 4.6 is one in a hundred)",
        "fr": "singularité de la requête la plus singulière (nats : 4,6 = une sur cent)",
    },
    "odd_requests": {
        "en": "share of odd requests (one in a hundred or rarer)",
        "fr": "part de requêtes singulières (une sur cent ou plus rares)",
    },
    # What makes an explanation weak
    "opened_by_actor": {
        "en": "opened by the person who reads",
        "fr": "ouvert par la personne qui consulte",
    },
    "opened_after": {"en": "opened after the access", "fr": "ouvert après la consultation"},
    "recorded_late": {"en": "recorded after the access", "fr": "enregistré après la consultation"},
    "ended": {"en": "already over at the access", "fr": "déjà clos lors de la consultation"},
    "break_glass": {"en": "emergency access", "fr": "accès d’urgence"},
    # Kinds of business facts
    "ticket": {"en": "ticket", "fr": "ticket"},
    "invoice": {"en": "invoice", "fr": "facture"},
    "oncall": {"en": "on-call duty", "fr": "astreinte"},
    "incident": {"en": "technical incident", "fr": "incident technique"},
    "batch": {"en": "batch", "fr": "traitement par lots"},
    "assignment": {"en": "assignment", "fr": "affectation"},
    "emergency": {"en": "declared emergency", "fr": "urgence déclarée"},
    # Data categories
    "identity": {"en": "identity", "fr": "l’identité"},
    "contact": {"en": "contact details", "fr": "les coordonnées"},
    "connection_data": {"en": "connection data", "fr": "les données de connexion"},
    "billing_transaction": {"en": "billing transactions", "fr": "les transactions de facturation"},
    "correspondence": {"en": "correspondence", "fr": "la correspondance"},
    "credentials": {"en": "credentials", "fr": "les identifiants de connexion"},
    "documents": {"en": "documents", "fr": "les documents"},
    # Features of a window of staff
    **STAFF_TERMS,
}


def term(code: str, language: str) -> str:
    """Return the word for ``code`` in ``language``, or the code itself."""
    words = TERMS.get(code)
    return words[language] if words else code
