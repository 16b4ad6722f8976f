"""The entry of Sentinel itself in the register of processing activities (GDPR art. 30(1))."""

from __future__ import annotations

import msgspec

from sentinel.domain.retention import INCIDENT, NAVIGATION, NORMAL, PERIODS, Period
from sentinel.notify import wording
from sentinel.notify.paper import Paper, Section


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings in force say. ``hosts``: that anything may be sent to, besides loopback.

    ``sources``: names of the declared sources. ``relays``: mail servers.
    """

    controller: str
    address: str
    officer: str
    contact: str
    sources: tuple[str, ...]
    behaviour: bool
    hosts: tuple[str, ...]
    relays: tuple[str, ...]
    stamping: str
    backups: bool
    tls: bool
    signed: bool


def art30(facts: Facts, language: str, made: str) -> Paper:
    """Return the entry in ``fr`` or ``en``. ``made``: when, in words."""
    return _french(facts, made) if language == "fr" else _english(facts, made)


def _period(period: Period, language: str) -> str:
    if period.months:
        unit = "mois" if language == "fr" else "months"
        return f"{period.months}{wording.NO_BREAK}{unit}"
    unit = "jours" if language == "fr" else "days"
    return f"{period.days}{wording.NO_BREAK}{unit}"


def _kept(language: str) -> tuple[str, str, str]:
    return (
        _period(PERIODS[NORMAL], language),
        _period(PERIODS[INCIDENT], language),
        _period(PERIODS[NAVIGATION], language),
    )


def _backups(language: str) -> str:
    names = ("backup_daily", "backup_weekly", "backup_monthly")
    return ", ".join(_period(PERIODS[name], language) for name in names)


def _french(facts: Facts, made: str) -> Paper:
    normal, incident, navigation = _kept("fr")
    recipients = [
        "Personnes habilitées, selon leur rôle : analyste, responsable de l’incident, délégué à la "
        "protection des données, service juridique, direction, communication ; un auditeur lit "
        "sans écrire ; un administrateur ne voit aucun dossier.",
        "Autorité de contrôle et personnes concernées, lorsque la loi l’exige.",
    ]
    if facts.relays:
        recipients.append(f"Relais de messagerie : {', '.join(facts.relays)}.")
    if facts.stamping:
        recipients.append(
            f"Autorité d’horodatage ({facts.stamping}) : une empreinte SHA-256, rien d’autre."
        )
    hosts = ", ".join(facts.hosts) or "aucun"
    measures = [
        "Données chiffrées au repos (AES-256-GCM), clé maîtresse conservée à part.",
        "Pseudonymes par empreinte à clé ; une clé par personne, détruite en cas d’effacement.",
        "Second facteur pour tout accès à la console ; approbation par deux personnes.",
        "Journal chaîné"
        + (", ancres signées." if facts.signed else " ; aucune clé de signature configurée."),
        "Console en TLS." if facts.tls else "Console en accès local seulement.",
    ]
    if facts.backups:
        measures.append("Sauvegardes chiffrées, relues après écriture.")
    return Paper(
        title="Fiche de registre : surveillance des accès et gestion des violations",
        language="fr",
        intro=(
            f"Article 30, paragraphe 1, du règlement (UE) 2016/679. Établie le {made} d’après la "
            "configuration en vigueur.",
        ),
        sections=(
            Section(
                heading="Responsable du traitement",
                lines=(
                    f"{facts.controller or 'non renseigné'}, "
                    f"{facts.address or 'adresse non renseignée'}.",
                    f"Délégué à la protection des données : {facts.officer or 'non renseigné'}"
                    f"{f' ({facts.contact})' if facts.contact else ''}.",
                ),
            ),
            Section(
                heading="Finalités et base juridique",
                items=(
                    "Détecter les accès hors périmètre et les atteintes à la sécurité : intérêt "
                    "légitime, obligation de sécurité (articles 6, paragraphe 1, point f), et 32).",
                    "Documenter, notifier et communiquer les violations : obligation légale "
                    "(articles 33 et 34).",
                    "Aucun profilage des clients ; aucune décision automatisée sur une personne "
                    "(article 22).",
                ),
            ),
            Section(
                heading="Personnes et données",
                items=(
                    "Personnel et prestataires : compte, rôle, équipe, horodatage et nature de "
                    "l’opération, adresse IP, session.",
                    "Clients et visiteurs : pseudonyme de la personne dont les données sont "
                    "consultées, catégorie consultée, navigation, adresse IP.",
                    f"Sources déclarées : {', '.join(facts.sources) or 'aucune'}.",
                    "Analyse statistique de la navigation : "
                    + ("active." if facts.behaviour else "inactive."),
                ),
            ),
            Section(heading="Destinataires", items=tuple(recipients)),
            Section(
                heading="Transferts hors de l’Union européenne",
                lines=(f"Hôtes autorisés en sortie : {hosts}. Aucun transfert n’est prévu.",),
            ),
            Section(
                heading="Durées de conservation",
                items=(
                    f"Accès ordinaires : {normal}.",
                    f"Accès liés à un incident : {incident} à compter de la détection.",
                    f"Navigation : {navigation} au plus.",
                    f"Sauvegardes : {_backups('fr')} (quotidiennes, hebdomadaires, mensuelles).",
                ),
            ),
            Section(heading="Mesures de sécurité", items=tuple(measures)),
        ),
    )


def _english(facts: Facts, made: str) -> Paper:
    normal, incident, navigation = _kept("en")
    recipients = [
        "Authorised people, by role: analyst, incident commander, data protection officer, legal, "
        "director, communications; an auditor reads and writes nothing; an administrator sees no "
        "case.",
        "The supervisory authority and the data subjects, where the law asks for it.",
    ]
    if facts.relays:
        recipients.append(f"Mail relays: {', '.join(facts.relays)}.")
    if facts.stamping:
        recipients.append(
            f"Time-stamping authority ({facts.stamping}): a SHA-256 and nothing else."
        )
    hosts = ", ".join(facts.hosts) or "none"
    measures = [
        "Data encrypted at rest (AES-256-GCM); the master key is kept apart.",
        "Pseudonyms by keyed hash; a key per person, destroyed at erasure.",
        "Second factor for every access to the console; approval by two people.",
        "Hash-chained journal" + (", signed anchors." if facts.signed else "; no signing key set."),
        "Console behind TLS." if facts.tls else "Console on this machine only.",
    ]
    if facts.backups:
        measures.append("Backups encrypted, and read again after writing.")
    return Paper(
        title="Register entry: monitoring of accesses and handling of breaches",
        language="en",
        intro=(
            f"Article 30(1) of Regulation (EU) 2016/679. Made on {made} from the settings in "
            "force.",
        ),
        sections=(
            Section(
                heading="Controller",
                lines=(
                    f"{facts.controller or 'not set'}, {facts.address or 'address not set'}.",
                    f"Data protection officer: {facts.officer or 'not set'}"
                    f"{f' ({facts.contact})' if facts.contact else ''}.",
                ),
            ),
            Section(
                heading="Purposes and legal basis",
                items=(
                    "To detect accesses out of scope and attacks on security: legitimate "
                    "interests, duty of security (articles 6(1)(f) and 32).",
                    "To document, notify and communicate breaches: legal obligation (articles 33 "
                    "and 34).",
                    "No profiling of customers; no automated decision on anybody (article 22).",
                ),
            ),
            Section(
                heading="Data subjects and data",
                items=(
                    "Staff and contractors: account, role, team, time and nature of the "
                    "operation, IP address, session.",
                    "Customers and visitors: pseudonym of the person whose data are read, "
                    "category read, navigation, IP address.",
                    f"Declared sources: {', '.join(facts.sources) or 'none'}.",
                    f"Statistical analysis of navigation: {'on' if facts.behaviour else 'off'}.",
                ),
            ),
            Section(heading="Recipients", items=tuple(recipients)),
            Section(
                heading="Transfers outside the European Union",
                lines=(f"Hosts that may be reached: {hosts}. No transfer is intended.",),
            ),
            Section(
                heading="Storage periods",
                items=(
                    f"Ordinary accesses: {normal}.",
                    f"Accesses of an incident: {incident} from its detection.",
                    f"Navigation: {navigation} at most.",
                    f"Backups: {_backups('en')} (daily, weekly, monthly).",
                ),
            ),
            Section(heading="Security measures", items=tuple(measures)),
        ),
    )
