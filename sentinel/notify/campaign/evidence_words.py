"""The words of the evidence file, in French and English."""

from __future__ import annotations

from collections.abc import Mapping

PROVES: Mapping[str, tuple[str, ...]] = {
    "fr": (
        "Deux personnes ont approuvé exactement ces lettres pour exactement ces destinataires, "
        "chacune avec un second facteur récent.",
        "Pour chaque lettre « remise à un serveur », un serveur de messagerie a répondu 250 "
        "et en a pris la charge, sous le numéro indiqué ; ou son journal, ou un avis de "
        "remise, l’établit.",
        "Pour chaque lettre « remise dans la boîte », un serveur a rendu compte de sa remise "
        "(RFC 3464).",
        "Aucune lettre n’a été remise deux fois par nous : la clé de chacune est la personne et "
        "la version de la lettre.",
        "Chaque personne sans lettre électronique est comptée sous la cause de l’échec.",
    ),
    "en": (
        "Two people approved exactly these letters for exactly these recipients, each with a "
        "fresh second factor.",
        "For each letter “handed over”, a mail server answered 250 and took charge of it, under "
        "the number shown; or its log, or a delivery report, establishes it.",
        "For each letter “delivered”, a server reported its delivery to the mailbox (RFC 3464).",
        "We handed no letter over twice: the key of each is the person and the letter’s version.",
        "Each person without a letter by e-mail is counted under the name of the failure.",
    ),
}
NOT: Mapping[str, tuple[str, ...]] = {
    "fr": (
        "L’acceptation par un serveur n’est pas la lecture : rien n’établit que la personne a "
        "ouvert ou lu la lettre. Aucun traceur n’y figure, à dessein.",
        "Un serveur peut accepter un message, puis le classer comme indésirable ou le perdre.",
        "Un avis de remise est écrit par un tiers et n’est pas signé.",
        "L’exactitude de l’adresse dépend de l’annuaire au moment de l’envoi.",
    ),
    "en": (
        "Acceptance by a server is not reading: nothing shows that the person opened or read the "
        "letter. It carries no tracking, on purpose.",
        "A server may accept a message, and then file it as spam or lose it.",
        "A delivery report is written by a third party and is not signed.",
        "That the address is right depends on the directory at the time of sending.",
    ),
}
LABELS: Mapping[str, Mapping[str, str]] = {
    "fr": {
        "title": "Preuve d’envoi des lettres aux personnes concernées",
        "intro": "Campagne adressée à {n} personnes ; dossier établi le {made}. Le détail, lettre "
        "par lettre, figure dans le fichier JSON signé dont l’empreinte suit. Personne n’y est "
        "nommé.",
        "proves": "Ce que ce dossier établit",
        "not": "Ce qu’il n’établit pas",
        "letters": "Les lettres",
        "what": "État",
        "count": "Nombre",
        "post": "Envoyées par la poste",
        "coverage": "Part des personnes atteintes",
        "failures": "Les échecs, par cause",
        "why": "Cause",
        "none": "Aucun.",
        "bound": "Ce qui a été approuvé",
        "letter_hash": "Empreinte des lettres :",
        "audience_hash": "Empreinte des destinataires :",
        "question": "Sélection dont les destinataires sont issus :",
        "approved": "Approuvé le :",
        "state.queued": "En attente",
        "state.handing_over": "En cours de remise",
        "state.unknown_handover": "Remise incertaine",
        "state.handed_over": "Remises à un serveur",
        "state.delivered": "Remises dans la boîte",
        "state.failed": "Sans lettre électronique",
    },
    "en": {
        "title": "Proof of the letters to the persons concerned",
        "intro": "Campaign to {n} persons; made on {made}. The detail, letter by letter, stands in "
        "the signed JSON file whose hash follows. Nobody is named in it.",
        "proves": "What this file proves",
        "not": "What it does not prove",
        "letters": "The letters",
        "what": "State",
        "count": "Number",
        "post": "Sent by post",
        "coverage": "Share of the persons reached",
        "failures": "Failures, by cause",
        "why": "Cause",
        "none": "None.",
        "bound": "What was approved",
        "letter_hash": "Hash of the letters:",
        "audience_hash": "Hash of the recipients:",
        "question": "Selection that gave the recipients:",
        "approved": "Approved on:",
        "state.queued": "Waiting",
        "state.handing_over": "Being handed over",
        "state.unknown_handover": "Handover unknown",
        "state.handed_over": "Handed over to a server",
        "state.delivered": "Delivered to the mailbox",
        "state.failed": "Without a letter by e-mail",
    },
}
FAILURES: Mapping[str, Mapping[str, str]] = {
    "fr": {
        "address": "l’adresse n’existe pas",
        "mailbox_disabled": "la boîte est désactivée",
        "mailbox_full": "la boîte est pleine",
        "too_large": "le message est trop grand pour la boîte",
        "policy": "refusé par la politique du destinataire",
        "content": "refusé pour son contenu",
        "routing": "aucun chemin vers le serveur du destinataire",
        "expired": "le serveur a renoncé après plusieurs essais",
        "protocol": "refusé pour une faute de protocole",
        "system": "panne du serveur du destinataire",
        "other": "refusé sans cause précise",
        "put_off_too_long": "toujours remis à plus tard",
        "handover_unknown": "remise incertaine, jamais renvoyée par voie électronique",
        "bad_address": "l’adresse de l’annuaire n’en est pas une",
        "no_email": "aucune adresse électronique",
        "account_closed": "compte clos",
        "not_found": "personne absente de l’annuaire",
        "no_address": "aucune adresse, ni électronique ni postale",
        "no_language": "aucune lettre dans une langue utilisable",
        "stopped": "envoi arrêté par une personne",
    },
    "en": {
        "address": "the address does not exist",
        "mailbox_disabled": "the mailbox is disabled",
        "mailbox_full": "the mailbox is full",
        "too_large": "the message is too large for the mailbox",
        "policy": "refused by the recipient’s policy",
        "content": "refused for its content",
        "routing": "no way to the recipient’s server",
        "expired": "the server gave up after several tries",
        "protocol": "refused for a fault of protocol",
        "system": "fault of the recipient’s server",
        "other": "refused without a precise cause",
        "put_off_too_long": "put off again and again",
        "handover_unknown": "handover unknown; never sent again by e-mail",
        "bad_address": "the directory’s address is none",
        "no_email": "no e-mail address",
        "account_closed": "closed account",
        "not_found": "not in the directory",
        "no_address": "no address, neither e-mail nor postal",
        "no_language": "no letter in a language that serves",
        "stopped": "stopped by a person",
    },
}
