"""Reasons in words: a code with its figures, and the sentence in French and English.

A finding carries codes, not sentences, so that a console in French and an export in English say
the same thing. A code that is not in the table is a bug: `Reason.text` raises KeyError.
"""

from __future__ import annotations

import msgspec

from sentinel.domain.blind_words import sentences as blind_sentences
from sentinel.domain.reason_review import REVIEW_SENTENCES
from sentinel.domain.reason_staff import STAFF_SENTENCES
from sentinel.domain.terms import term

SENTENCES: dict[str, dict[str, str]] = {
    "rule.field": {
        "en": "{field} is {value}",
        "fr": "{field} vaut {value}",
    },
    "rule.keyword": {
        "en": "the event contains {value}",
        "fr": "l’événement contient {value}",
    },
    "rule.absent": {
        "en": "{field} is absent",
        "fr": "{field} est absent",
    },
    "correlation.event_count": {
        "en": "{count} events in {minutes} minutes for the same {group}",
        "fr": "{count} événements en {minutes} minutes pour {group} identique",
    },
    "correlation.value_count": {
        "en": "{count} distinct values of {field} in {minutes} minutes for the same {group}",
        "fr": "{count} valeurs distinctes de {field} en {minutes} minutes pour {group} identique",
    },
    "correlation.temporal": {
        "en": "the rules {rules} all matched within {minutes} minutes for the same {group}",
        "fr": "les règles {rules} ont toutes été déclenchées en {minutes} minutes "
        "pour {group} identique",
    },
    "correlation.value_sum": {
        "en": "the sum of {field} in {minutes} minutes is {value} for the same {group}",
        "fr": "la somme de {field} en {minutes} minutes vaut {value} pour {group} identique",
    },
    "correlation.value_avg": {
        "en": "the average of {field} over {minutes} minutes is {value} for the same {group}",
        "fr": "la moyenne de {field} sur {minutes} minutes vaut {value} pour {group} identique",
    },
    "correlation.value_median": {
        "en": "the median of {field} over {minutes} minutes is {value} for the same {group}",
        "fr": "la médiane de {field} sur {minutes} minutes vaut {value} pour {group} identique",
    },
    "correlation.value_rank": {
        "en": "the percentile {percentile} of {field} over {minutes} minutes is {value} "
        "for the same {group}",
        "fr": "le centile {percentile} de {field} sur {minutes} minutes vaut {value} "
        "pour {group} identique",
    },
    "correlation.value_percentile": {
        "en": "one value of {field} makes {value} % of those seen in {minutes} minutes "
        "for the same {group}",
        "fr": "une valeur de {field} représente {value} % de celles observées en {minutes} minutes "
        "pour {group} identique",
    },
    "scope.no_relation": {
        "en": "the role {role} may read {category}, but no ticket, invoice, duty or assignment "
        "relates the actor to the person at that instant",
        "fr": "le rôle {role} permet de consulter {category}, mais aucun ticket, facture, "
        "astreinte ou affectation ne relie l’agent à la personne à cet instant",
    },
    "scope.outside_role": {
        "en": "the role {role} does not cover {category}",
        "fr": "le rôle {role} ne couvre pas {category}",
    },
    "scope.outside_act": {
        "en": "the role {role} does not cover the act {action}",
        "fr": "le rôle {role} ne couvre pas l’acte {action}",
    },
    "scope.no_role": {
        "en": "no role of the actor is declared ({role})",
        "fr": "aucun rôle de l’agent n’est déclaré ({role})",
    },
    "scope.unknown_team": {
        "en": "the team {team} is not declared: it may use no role",
        "fr": "l’équipe {team} n’est pas déclarée : aucun rôle ne lui est ouvert",
    },
    "scope.outside_team": {
        "en": "the team {team} may not use the role {role}",
        "fr": "l’équipe {team} ne peut pas utiliser le rôle {role}",
    },
    "scope.role_ended": {
        "en": "the role {role} ended on {date}",
        "fr": "le rôle {role} a pris fin le {date}",
    },
    "scope.outside_population": {
        "en": "the role {role} does not cover this person: outside its populations",
        "fr": "le rôle {role} ne couvre pas cette personne : hors de ses populations",
    },
    "scope.unknown_service": {
        "en": "this service identity is not declared, or not for this role",
        "fr": "cette identité de service n’est pas déclarée, ou pas pour ce rôle",
    },
    "scope.no_relation_some": {
        "en": "nothing relates the actor to {missing} of the {count} persons at that instant",
        "fr": "rien ne relie l’agent à {missing} des {count} personnes à cet instant",
    },
    "scope.no_subject": {
        "en": "the access names no person, and no duty of the role {role} explains it",
        "fr": "la consultation ne nomme personne et aucune mission du rôle {role} ne l’explique",
    },
    "scope.related": {
        "en": "explained by: {kind} {id}",
        "fr": "expliqué par : {kind} {id}",
    },
    "scope.duty": {
        "en": "a standing duty of the role {role}",
        "fr": "mission permanente du rôle {role}",
    },
    "scope.weak": {
        "en": "the only relation found is weak: {weakness}",
        "fr": "la seule relation trouvée est faible : {weakness}",
    },
    "scope.revised": {
        "en": "explained since by: {kind} {id}, recorded at {recorded}",
        "fr": "expliqué depuis par : {kind} {id}, enregistré le {recorded}",
    },
    "scope.withdrawn": {
        "en": "what explained the access was corrected or taken back afterwards",
        "fr": "ce qui expliquait la consultation a été corrigé ou retiré par la suite",
    },
    "scope.leaver": {
        "en": "the employment ends on {date}",
        "fr": "le contrat de travail prend fin le {date}",
    },
    "behaviour.feature": {
        "en": "{name}: {value} (the population's 99th percentile is {p99})",
        "fr": "{name} : {value} (99e centile de la population : {p99})",
    },
    "behaviour.feature_low": {
        "en": "{name}: {value} (the population's 1st percentile is {p1})",
        "fr": "{name} : {value} (1er centile de la population : {p1})",
    },
    "behaviour.score": {
        "en": "navigation score {score}, threshold {threshold}",
        "fr": "score de navigation {score}, seuil {threshold}",
    },
    "budget.cut_off": {
        "en": "not evaluated on this event, which would have cost more than one event may: "
        "{count} rules ({rules})",
        "fr": "non évaluées sur cet événement, qui aurait coûté plus que ce qui est permis à un "
        "seul : {count} règles ({rules})",
    },
    **blind_sentences(),
    **REVIEW_SENTENCES,
    **STAFF_SENTENCES,
}

WORDED = frozenset({"name", "weakness", "kind", "category"})  # values that are codes of `TERMS`


class Reason(msgspec.Struct, frozen=True):
    """A code of `SENTENCES` and the values that its sentence names."""

    code: str
    values: dict[str, str | int | float] = {}

    def text(self, language: str = "en") -> str:
        """Return the sentence in ``language`` (``en`` or ``fr``). Raises KeyError if unknown."""
        worded = {
            key: term(value, language) if key in WORDED and isinstance(value, str) else value
            for key, value in self.values.items()
        }
        return SENTENCES[self.code][language].format_map(worded)
