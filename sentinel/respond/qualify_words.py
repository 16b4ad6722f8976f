"""The words of the bridge and of the comparison, in French and English."""

from __future__ import annotations

Words = dict[str, dict[str, str]]

HEADINGS: Words = {
    "facts": {"fr": "Faits", "en": "Facts"},
    "safeguards": {"fr": "Mesures de protection", "en": "Safeguards"},
    "impact": {"fr": "Conséquences pour les personnes", "en": "Impact on the persons"},
    "33": {"fr": "Conclusion sur l’article 33, § 1", "en": "Conclusion on art. 33(1)"},
    "34": {"fr": "Conclusion sur l’article 34, § 1", "en": "Conclusion on art. 34(1)"},
}

NOT_KNOWN = {"fr": "pas encore connu", "en": "not known yet"}

SCORE = {
    "fr": "Score ENISA\u00a0: {se} ({level}). Le score propose, une personne décide.",
    "en": "ENISA score: {se} ({level}). The score proposes, a person decides.",
}

CONCLUSION_33: Words = {
    "": {
        "fr": "Aucun score n’a encore été calculé\u00a0: le risque reste à apprécier.",
        "en": "No score has been computed yet: the risk remains to be assessed.",
    },
    "register": {
        "fr": "Proposition\u00a0: la violation n’est pas susceptible d’engendrer un risque\u00a0; "
        "elle est inscrite au registre sans notification.",
        "en": "Proposal: the breach is unlikely to result in a risk; it stands in the register "
        "and is not notified.",
    },
    "authority": {
        "fr": "Proposition\u00a0: un risque est possible\u00a0; la violation est notifiée à la "
        "CNIL dans les 72 heures.",
        "en": "Proposal: a risk is possible; the breach is notified to the CNIL within 72 hours.",
    },
    "authority_and_individuals": {
        "fr": "Proposition\u00a0: un risque élevé est possible\u00a0; la violation est notifiée à "
        "la CNIL dans les 72 heures.",
        "en": "Proposal: a high risk is possible; the breach is notified to the CNIL within 72 "
        "hours.",
    },
}

CONCLUSION_34: Words = {
    "": {
        "fr": "L’information des personnes reste à décider.",
        "en": "The information of the persons remains to be decided.",
    },
    "register": {
        "fr": "Proposition\u00a0: l’article 34 n’impose pas d’informer les personnes.",
        "en": "Proposal: art. 34 does not require the persons to be informed.",
    },
    "authority": {
        "fr": "Proposition\u00a0: l’article 34 n’impose pas d’informer les personnes, sauf risque "
        "élevé établi.",
        "en": "Proposal: art. 34 does not require the persons to be informed, unless a high risk "
        "is established.",
    },
    "authority_and_individuals": {
        "fr": "Proposition\u00a0: les personnes sont informées dans les meilleurs délais.",
        "en": "Proposal: the persons are informed without undue delay.",
    },
}

FEATURES: Words = {
    "cause": {"fr": "cause", "en": "cause"},
    "recipients": {"fr": "destinataires", "en": "recipients"},
    "protection": {"fr": "protection", "en": "protection"},
    "data": {"fr": "données", "en": "data"},
    "scale": {"fr": "nombre de personnes", "en": "number of persons"},
    "backups": {"fr": "restauration", "en": "restoration"},
    "intent": {"fr": "intention", "en": "intent"},
    "containment": {"fr": "récupération", "en": "retrieval"},
}

VALUES: Words = {
    "ransomware": {"fr": "rançongiciel", "en": "ransomware"},
    "exfiltration": {"fr": "exfiltration", "en": "exfiltration"},
    "internal_human": {"fr": "cause humaine interne", "en": "internal human cause"},
    "lost_stolen": {"fr": "perte ou vol", "en": "loss or theft"},
    "mispostal": {"fr": "erreur d’envoi", "en": "mailing mistake"},
    "social_engineering": {"fr": "ingénierie sociale", "en": "social engineering"},
    "nobody": {"fr": "personne de connu", "en": "nobody known"},
    "trusted": {"fr": "tiers de confiance", "en": "trusted third party"},
    "known": {"fr": "destinataires connus", "en": "known recipients"},
    "unknown": {"fr": "nombre inconnu", "en": "unknown number"},
    "unintelligible": {"fr": "données incompréhensibles", "en": "unintelligible data"},
    "partial": {"fr": "protection partielle", "en": "partial protection"},
    "none": {"fr": "aucune", "en": "none"},
    "ordinary": {"fr": "données courantes", "en": "ordinary data"},
    "sensitive": {"fr": "données sensibles", "en": "sensitive data"},
    "financial": {"fr": "données financières", "en": "financial data"},
    "credentials": {"fr": "identifiants", "en": "credentials"},
    "national_id": {"fr": "numéro national", "en": "national identifier"},
    "few": {"fr": "peu de personnes", "en": "few persons"},
    "many": {"fr": "plus de 100 personnes", "en": "more than 100 persons"},
    "fast": {"fr": "rapide", "en": "fast"},
    "slow": {"fr": "lente", "en": "slow"},
    "not_affected": {"fr": "sans objet", "en": "not applicable"},
    "malicious": {"fr": "malveillante", "en": "malicious"},
    "accidental": {"fr": "accidentelle", "en": "accidental"},
    "confirmed": {"fr": "confirmée", "en": "confirmed"},
    "claimed": {"fr": "déclarée", "en": "claimed"},
    "no": {"fr": "non", "en": "no"},
    "low": {"fr": "faible", "en": "low"},
    "medium": {"fr": "moyen", "en": "medium"},
    "high": {"fr": "élevé", "en": "high"},
    "very_high": {"fr": "très élevé", "en": "very high"},
}
