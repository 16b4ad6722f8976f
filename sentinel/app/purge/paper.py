"""A certificate in words, in French and English: for the officer, the auditor, the authority."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time

from sentinel.domain.certificate import Certificate, Item
from sentinel.notify import wording
from sentinel.notify.paper import Paper, Section

WHAT = {
    "events": ("événements", "events"),
    "cases": ("dossiers (la fiche du registre reste)", "cases (the register entry stays)"),
    "case_files": ("pièces des dossiers", "what the cases gathered"),
    "alerts": ("alertes", "alerts"),
    "drafts": ("brouillons", "drafts"),
    "messages": ("messages envoyés", "messages sent"),
    "facts": ("faits métier", "business facts"),
    "sessions": ("sessions", "sessions"),
    "tokens": ("jetons", "tokens"),
    "dead_letters": ("lignes non comprises", "lines not understood"),
    "journal_payloads": ("contenus du journal", "payloads of the journal"),
    "backups": ("sauvegardes", "backups"),
}
CLASSES = {
    "security_normal": ("accès normal", "normal access"),
    "security_incident": ("incident", "incident"),
    "navigation": ("navigation", "navigation"),
    "backup_daily": ("sauvegarde quotidienne", "daily backup"),
    "backup_weekly": ("sauvegarde hebdomadaire", "weekly backup"),
    "backup_monthly": ("sauvegarde mensuelle", "monthly backup"),
}
RULES = {
    "12 months after the event": "12 mois après l’événement",
    "13 months after the session": "13 mois après la session",
    "36 months after the detection of the incident": "36 mois après la détection de l’incident",
    "36 months after the detection of the incident; a false positive: 12 months after the event": (
        "36 mois après la détection ; un faux positif : 12 mois après l’événement"
    ),
    "12 months after their last event": "12 mois après leur dernier événement",
    "12 months after their end": "12 mois après leur fin",
    "at their end": "à leur fin",
    "blind.dead_letter_days after they came": "au terme du délai fixé par la configuration",
    "36 months after they were recorded": "36 mois après leur inscription",
    "7 days after the backup": "7 jours après la sauvegarde",
    "28 days after the backup": "4 semaines après la sauvegarde",
    "6 months after the backup": "6 mois après la sauvegarde",
}
ENGLISH = {"blind.dead_letter_days after they came": "after the time set in the configuration"}
WORDS = {
    "fr": {
        "title": "Certificat d’effacement n° {number}",
        "intro": "Le {day}, le service a effacé ce dont la durée de conservation était atteinte. "
        "Ce certificat dit quoi, combien et pourquoi ; il ne contient aucune donnée effacée.",
        "resumed": "Une exécution précédente avait été interrompue : celle-ci l’a achevée.",
        "gone": "Ce qui a été effacé", "stayed": "Ce qui était à effacer et reste",
        "what": "Quoi", "class": "Catégorie", "count": "Nombre", "from": "Du", "to": "Au",
        "why": "Durée", "reason": "Motif", "digest": "Empreinte (SHA-256)", "none": "Rien.",
        "hold": "gel juridique", "open_case": "dossier ouvert", "name": "Nom",
        "everywhere": "Effacé partout",
        "until": "Les sauvegardes qui peuvent encore contenir ces données disparaissent au plus "
        "tard le {day}. Si l’une d’elles est restaurée avant, l’effacement est rejoué.",
        "no_backup": "Aucune sauvegarde n’est faite par ce service.",
        "proof": "Preuve", "digest_of": "Empreinte de ce certificat : {digest}",
        "previous": "Empreinte du certificat précédent : {digest}",
        "signed": "Signé (Ed25519) par la clé {key}. Vérification : sentinel purge verify.",
        "unsigned": "Ce certificat n’est pas signé : aucune clé n’était configurée.",
        "times": "Début : {start} ; fin : {end}. Demandé par : {by}.", "schedule": "le calendrier",
    },
    "en": {
        "title": "Certificate of erasure no. {number}",
        "intro": "On {day} the service erased what had reached the end of its retention period. "
        "This certificate says what, how much and why; it holds nothing of what was erased.",
        "resumed": "An earlier run had been interrupted: this one finished it.",
        "gone": "What was erased", "stayed": "What was due and stays",
        "what": "What", "class": "Class", "count": "Number", "from": "From", "to": "To",
        "why": "Period", "reason": "Reason", "digest": "Digest (SHA-256)", "none": "Nothing.",
        "hold": "legal hold", "open_case": "open case", "name": "Name",
        "everywhere": "Gone everywhere",
        "until": "The backups that may still hold these data are gone by {day}. Where one is "
        "restored before that day, the erasure is done again.",
        "no_backup": "This service makes no backups.",
        "proof": "Proof", "digest_of": "Digest of this certificate: {digest}",
        "previous": "Digest of the certificate before: {digest}",
        "signed": "Signed (Ed25519) by key {key}. To check it: sentinel purge verify.",
        "unsigned": "This certificate is not signed: no key was set.",
        "times": "Begun: {start}; ended: {end}. Asked for by: {by}.", "schedule": "the schedule",
    },
}  # fmt: skip


def paper_of(one: Certificate, language: str, zone: str) -> Paper:
    """Return a certificate as a paper in ``fr`` or ``en``."""
    words = WORDS[language]
    intro = [words["intro"].format(day=_day(one.day, language))]
    if one.resumed:
        intro.append(words["resumed"])
    everywhere = words["no_backup"]
    if one.gone_everywhere is not None:
        everywhere = words["until"].format(day=_day(one.gone_everywhere, language))
    signed = words["signed"].format(key=one.key_id) if one.signature else words["unsigned"]
    return Paper(
        title=words["title"].format(number=one.number),
        language=language,
        intro=tuple(intro),
        sections=(
            _gone(one, language, zone),
            _stayed(one, language),
            Section(heading=words["everywhere"], lines=(everywhere,)),
            Section(
                heading=words["proof"],
                lines=(
                    words["times"].format(
                        start=wording.instant(one.started_at, language, zone),
                        end=wording.instant(one.finished_at, language, zone),
                        by=one.by or words["schedule"],
                    ),
                    words["digest_of"].format(digest=one.digest),
                    words["previous"].format(digest=one.previous),
                    signed,
                ),
            ),
        ),
    )


def _gone(one: Certificate, language: str, zone: str) -> Section:
    words = WORDS[language]
    rows = tuple(_row(item, language, zone) for item in one.items)
    names = ("what", "class", "count", "from", "to", "why", "digest")
    return _table(words, "gone", names, rows)


def _table(
    words: Mapping[str, str], heading: str, names: Sequence[str], rows: tuple[tuple[str, ...], ...]
) -> Section:
    if not rows:
        return Section(heading=words[heading], lines=(words["none"],))
    return Section(heading=words[heading], head=tuple(words[name] for name in names), rows=rows)


def _row(item: Item, language: str, zone: str) -> tuple[str, ...]:
    index = 0 if language == "fr" else 1

    def instant(value: datetime | None) -> str:
        return wording.instant(value, language, zone) if value is not None else "–"

    english = ENGLISH.get(item.rule, item.rule)
    return (
        WHAT.get(item.what, (item.what,) * 2)[index],
        CLASSES.get(item.kind, (item.kind,) * 2)[index],
        wording.number(item.count, language),
        instant(item.first),
        instant(item.last),
        RULES.get(item.rule, item.rule) if language == "fr" else english,
        item.digest[:16] + "…",
    )


def _day(value: date, language: str) -> str:
    noon = datetime.combine(value, time(12), UTC)
    return wording.day(noon, language, "UTC")


def _stayed(one: Certificate, language: str) -> Section:
    words = WORDS[language]
    index = 0 if language == "fr" else 1
    rows = tuple(
        (
            WHAT.get(s.what, (s.what,) * 2)[index],
            wording.number(s.count, language),
            words[s.why],
            s.name,
        )
        for s in one.stayed
    )
    return _table(words, "stayed", ("what", "count", "reason", "name"), rows)


def summary(item: Item) -> str:
    """Return an item on one line, for a terminal."""
    day = f" of {item.day}" if item.day else ""
    return f"{item.count:8d} {item.what}{day}  {item.kind}  {item.rule}"
