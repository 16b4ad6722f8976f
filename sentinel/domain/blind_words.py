"""Blind windows in words: what happened, and what it means for a conclusion drawn from the logs."""

from __future__ import annotations

from sentinel.clock import isoformat
from sentinel.domain.blind import BlindWindow, Cause

ALL_SOURCES = {"en": "all sources", "fr": "toutes les sources"}

TITLES: dict[Cause, dict[str, str]] = {
    Cause.SILENCE: {"en": "A source is silent", "fr": "Une source est silencieuse"},
    Cause.GAP: {
        "en": "Numbered lines are missing",
        "fr": "Des lignes numérotées manquent",
    },
    Cause.UNPARSED: {
        "en": "Lines of a source are not understood",
        "fr": "Des lignes d’une source ne sont pas comprises",
    },
    Cause.SKEW: {
        "en": "The clock of a source is wrong",
        "fr": "L’horloge d’une source est fausse",
    },
    Cause.OVERLOAD: {
        "en": "A source was told to wait",
        "fr": "Une source a été priée d’attendre",
    },
    Cause.LATE: {
        "en": "Events came too late for correlations",
        "fr": "Des événements sont arrivés trop tard pour les corrélations",
    },
    Cause.FAULT: {"en": "A rule failed", "fr": "Une règle a échoué"},
    Cause.STOPPED: {"en": "Sentinel was not running", "fr": "Sentinel ne fonctionnait pas"},
    Cause.DISK_FULL: {"en": "The disk is full", "fr": "Le disque est plein"},
    Cause.STORAGE: {"en": "The storage failed", "fr": "Le stockage a échoué"},
    Cause.EVENTS: {
        "en": "The event store did not answer",
        "fr": "La base des événements ne répondait pas",
    },
    Cause.EXPIRED: {
        "en": "Lines never understood have expired",
        "fr": "Des lignes jamais comprises ont expiré",
    },
}

MEANINGS: dict[Cause, dict[str, str]] = {
    Cause.SILENCE: {
        "en": "nothing was received: an access in this time may have left no trace here",
        "fr": "rien n’a été reçu : un accès pendant cette durée peut n’avoir laissé ici aucune "
        "trace",
    },
    Cause.GAP: {
        "en": "the source numbers its lines and some never arrived",
        "fr": "la source numérote ses lignes et certaines ne sont jamais arrivées",
    },
    Cause.UNPARSED: {
        "en": "the lines were kept, sealed, but no rule has read them; they can be replayed",
        "fr": "les lignes sont conservées, scellées, mais aucune règle ne les a lues ; elles "
        "peuvent être rejouées",
    },
    Cause.SKEW: {
        "en": "the times of its events are not certain, nor their order among other sources",
        "fr": "l’heure de ses événements n’est pas certaine, ni leur ordre parmi les autres "
        "sources",
    },
    Cause.OVERLOAD: {
        "en": "what the sender did not send again was not received",
        "fr": "ce que l’expéditeur n’a pas renvoyé n’a pas été reçu",
    },
    Cause.LATE: {
        "en": "each event was examined alone, but rules that count or compare did not take it in",
        "fr": "chaque événement a été examiné seul, mais les règles qui comptent ou comparent "
        "n’en ont pas tenu compte",
    },
    Cause.FAULT: {
        "en": "the events are stored, but a rule could not examine them",
        "fr": "les événements sont conservés, mais une règle n’a pas pu les examiner",
    },
    Cause.STOPPED: {
        "en": "what senders did not send again afterwards was not received",
        "fr": "ce que les expéditeurs n’ont pas renvoyé ensuite n’a pas été reçu",
    },
    Cause.DISK_FULL: {
        "en": "new events were refused; what was acknowledged before is kept",
        "fr": "les nouveaux événements ont été refusés ; ce qui avait été confirmé est conservé",
    },
    Cause.STORAGE: {
        "en": "events were refused, or waited without being examined",
        "fr": "des événements ont été refusés, ou ont attendu sans être examinés",
    },
    Cause.EVENTS: {
        "en": "rules examined the events, which are kept and brought there later; until then no "
        "search found them",
        "fr": "les règles ont examiné les événements, qui sont conservés et y sont portés "
        "ensuite ; d’ici là, aucune recherche ne les trouvait",
    },
    Cause.EXPIRED: {
        "en": "their content was erased at the end of its term, unread by any rule",
        "fr": "leur contenu a été effacé au terme prévu, sans qu’aucune règle l’ait lu",
    },
}


def title(cause: Cause, language: str) -> str:
    """Return what happened, in ``en`` or ``fr``."""
    return TITLES[cause][language]


def meaning(cause: Cause, language: str) -> str:
    """Return what it means for who reads the logs."""
    return MEANINGS[cause][language]


def source_name(window: BlindWindow, language: str) -> str:
    """Return the source, or that it concerns all of them."""
    return window.source or ALL_SOURCES[language]


def sentences() -> dict[str, dict[str, str]]:
    """Return the reason of an alert by code ``blind.<cause>``, for `reason.SENTENCES`."""
    out: dict[str, dict[str, str]] = {}
    for cause in Cause:
        out[f"blind.{cause.value}"] = {
            "en": f"{TITLES[cause]['en']} (source: {{source}}), from {{since}}: "
            f"{MEANINGS[cause]['en']}",
            "fr": f"{TITLES[cause]['fr']} (source\u00a0: {{source}}), depuis le {{since}}\u00a0: "
            f"{MEANINGS[cause]['fr']}",
        }
    return out


def record(window: BlindWindow) -> dict[str, object]:
    """Return a window as data, with its words in French and English. ``to`` null: it goes on."""
    return {
        "id": window.id,
        "cause": window.cause.value,
        "source": window.source,
        "from": isoformat(window.begin),
        "to": isoformat(window.end) if window.end else None,
        "seen": isoformat(window.seen),
        "count": window.count,
        "detail": window.detail,
        "title": {code: title(window.cause, code) for code in ("fr", "en")},
        "means": {code: meaning(window.cause, code) for code in ("fr", "en")},
    }
