"""The sentences of the daily review: why a visit to a person's file stands out."""

from __future__ import annotations

REVIEW_SENTENCES: dict[str, dict[str, str]] = {
    "review.tie.none": {
        "en": "no business fact relates the agent, or anybody, to the person",
        "fr": "aucun fait métier ne relie l’agent, ni personne d’autre, à la personne concernée",
    },
    "review.tie.other": {
        "en": "the only fact about the person names somebody else: {kind}",
        "fr": "le seul fait concernant la personne désigne quelqu’un d’autre : {kind}",
    },
    "review.tie.past": {
        "en": "what related the agent to the person was over: {kind}",
        "fr": "ce qui reliait l’agent à la personne était terminé : {kind}",
    },
    "review.tie.soon": {
        "en": "what relates the agent to the person began only after the visit: {kind}",
        "fr": "ce qui relie l’agent à la personne n’a commencé qu’après la consultation : {kind}",
    },
    "review.tie.rare": {
        "en": "a relation that is rare in the role {role}: {kind}",
        "fr": "une relation rare dans le rôle {role} : {kind}",
    },
    "review.place": {
        "en": "the person belongs to another place than the agent",
        "fr": "la personne relève d’un autre lieu que l’agent",
    },
    "review.companion": {
        "en": "no colleague worked on the file around that time",
        "fr": "aucun collègue n’a travaillé sur le dossier à ce moment-là",
    },
    "review.familiar": {
        "en": "the agent had no reason to open the file in the last thirty days",
        "fr": "l’agent n’a eu aucun motif d’ouvrir le dossier ces trente derniers jours",
    },
    "review.manner.export": {
        "en": "data were exported",
        "fr": "des données ont été exportées",
    },
    "review.manner": {
        "en": "the file was looked at, {looks} time(s), and nothing was done in it",
        "fr": "le dossier a été consulté {looks} fois, sans qu’aucun acte n’y soit fait",
    },
    "review.returns": {
        "en": "the agent comes back: earlier visits without a reason in thirty days: {value}",
        "fr": "l’agent revient : consultations antérieures sans motif en trente jours : {value}",
    },
    "review.crowd": {
        "en": "others looked at the same person without a reason within two days: {value}",
        "fr": "d’autres ont consulté la même personne sans motif en deux jours : {value}",
    },
    "review.fame": {
        "en": "the person is known to the public",
        "fr": "la personne est connue du public",
    },
    "review.opened": {
        "en": "the fact that explains the visit began just before it",
        "fr": "le fait qui explique la consultation a commencé juste avant celle-ci",
    },
    "review.idle": {
        "en": "the fact that explains the visit began just before it, and nothing else was done",
        "fr": "le fait qui explique la consultation a commencé juste avant, et rien d’autre n’a "
        "été fait",
    },
    "review.volume": {
        "en": "files that the agent opened without a reason that day: {value}",
        "fr": "dossiers ouverts sans motif par l’agent ce jour-là : {value}",
    },
    "review.exports": {
        "en": "the agent exported from many files that day: {value}",
        "fr": "l’agent a exporté depuis de nombreux dossiers ce jour-là : {value}",
    },
    "review.trend": {
        "en": "the agent has opened more files without a reason than colleagues for two weeks",
        "fr": "depuis deux semaines, l’agent ouvre plus de dossiers sans motif que ses collègues",
    },
    "review.reach": {
        "en": "the agent has reached far more persons than colleagues of the role for a month",
        "fr": "depuis un mois, l’agent consulte bien plus de personnes que ses collègues du rôle",
    },
    "review.borrowed": {
        "en": "the agent opened files that are the work of colleagues: {value}",
        "fr": "l’agent a ouvert des dossiers qui relèvent de ses collègues : {value}",
    },
    "review.hours": {
        "en": "at an hour at which the role hardly ever works",
        "fr": "à une heure où ce rôle ne travaille presque jamais",
    },
    "review.places": {
        "en": "the account was used from two places at once that day",
        "fr": "le compte a été utilisé depuis deux endroits à la fois ce jour-là",
    },
    "review.nothing": {
        "en": "nothing stands out; it is listed because the budget had room",
        "fr": "rien ne ressort ; la ligne figure ici parce qu’il restait de la place",
    },
    "review.looks": {
        "en": "accesses to this person’s data that day: {looks}",
        "fr": "consultations des données de cette personne ce jour-là : {looks}",
    },
    "drift.too_much": {
        "en": "the account can reach {what}, which the role {role} does not cover",
        "fr": "le compte accède à {what}, que le rôle {role} ne couvre pas",
    },
    "drift.too_little": {
        "en": "the account cannot reach {what}, which the role {role} covers",
        "fr": "le compte n’accède pas à {what}, que le rôle {role} couvre",
    },
    "drift.unknown_role": {
        "en": "the role {what} is not declared in the scope model",
        "fr": "le rôle {what} n’est pas déclaré dans le modèle de périmètre",
    },
    "drift.unknown_category": {
        "en": "the data category {what} is not declared in the scope model",
        "fr": "la catégorie de données {what} n’est pas déclarée dans le modèle de périmètre",
    },
    "drift.dormant": {
        "en": "the account is dormant; last seen: {what}",
        "fr": "le compte est inactif ; dernière activité : {what}",
    },
    "drift.leaver": {
        "en": "the employment ended on {what}, and the account still has the roles: {role}",
        "fr": "le contrat de travail a pris fin le {what} et le compte a encore les rôles : {role}",
    },
}
