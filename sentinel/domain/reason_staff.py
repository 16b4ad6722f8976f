"""The sentences of the watch of staff: what stood out in a window, against the role."""

from __future__ import annotations

STAFF_SENTENCES: dict[str, dict[str, str]] = {
    "staff.minutes": {
        "en": "{name}: {value} in {minutes} minutes; the 99th percentile of the role {role} "
        "({group} accounts) is {p99}",
        "fr": "{name} : {value} en {minutes} minutes ; le 99e centile du rôle {role} "
        "({group} comptes) est {p99}",
    },
    "staff.day": {
        "en": "{name}: {value} in one day; the 99th percentile of the role {role} "
        "({group} accounts) is {p99}",
        "fr": "{name} : {value} en une journée ; le 99e centile du rôle {role} "
        "({group} comptes) est {p99}",
    },
    "staff.first": {
        "en": "first time for this account since {since}: {kind_of_act}; of the {group} accounts "
        "of the role {role}, {peers} do it",
        "fr": "première fois pour ce compte depuis le {since} : {kind_of_act} ; sur les {group} "
        "comptes du rôle {role}, {peers} le font",
    },
    "staff.otherness": {
        "en": "the acts resemble those of the account’s colleagues more than its own: "
        "{value} nats per act; the 99th percentile of the role {role} ({group} accounts) is {p99}",
        "fr": "les actes ressemblent davantage à ceux des collègues qu’à ceux du compte : "
        "{value} nats par acte ; le 99e centile du rôle {role} ({group} comptes) est {p99}",
    },
    "staff.score": {
        "en": "score of the staff watch {score}, threshold {threshold}",
        "fr": "score de la veille des accès internes {score}, seuil {threshold}",
    },
}

STAFF_TERMS: dict[str, dict[str, str]] = {
    "staff_subjects": {"en": "distinct customers", "fr": "clients distincts"},
    "staff_acts": {"en": "acts", "fr": "actes"},
    "staff_records": {"en": "records read", "fr": "enregistrements lus"},
    "staff_exports": {"en": "exports", "fr": "exports"},
    "staff_kinds": {"en": "kinds of acts", "fr": "types d’actes différents"},
    "staff_refused": {"en": "refused acts", "fr": "actes refusés"},
    "staff_first": {
        "en": "kinds of acts new to this account",
        "fr": "types d’actes nouveaux pour ce compte",
    },
    "staff_places": {
        "en": "networks new to this account",
        "fr": "réseaux nouveaux pour ce compte",
    },
    "staff_switches": {
        "en": "returns to a network or program just left (two hands in one account)",
        "fr": "retours à un réseau ou logiciel qui venait d’être quitté "
        "(deux mains dans un même compte)",
    },
    "staff_odd_hours": {
        "en": "acts at hours when the role hardly works",
        "fr": "actes à des heures où le rôle ne travaille presque jamais",
    },
    "staff_otherness": {
        "en": "resemblance to colleagues rather than to the account itself (nats per act)",
        "fr": "ressemblance aux collègues plutôt qu’au compte lui-même (nats par acte)",
    },
}
