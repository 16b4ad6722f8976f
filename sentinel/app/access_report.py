"""The answer to a person who asks who looked at her data in the logs (GDPR art. 15; promise R-45).

What, when, of which category, by which role, for which recorded reason, and how long the trace is
kept. Never who: the identity of a member of staff is personal data of that person, and goes out by
a decision of the officer only (Court of Justice, C-579/21).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time

import msgspec

from sentinel.domain import event as names
from sentinel.domain.deadline import zone_of
from sentinel.domain.event import Event
from sentinel.domain.incident import Actor, Role
from sentinel.domain.retention import NORMAL, PERIODS
from sentinel.errors import Refused
from sentinel.notify import wording
from sentinel.notify.paper import Paper, Section
from sentinel.store.ports import CaseTx

OWN, STAFF = "customer", frozenset({"staff", "service"})
UNEXPLAINED = frozenset({"unexplained", "forbidden"})


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """One access of staff. ``reason``: what the facts say, by language; empty: none on record.

    ``examined``: nothing explains it, so that the officer looks at it before the answer leaves.
    """

    at: datetime
    action: str
    category: str
    role: str
    outcome: str
    reason: dict[str, str]
    examined: bool
    kept_until: date


class AccessReport(msgspec.Struct, frozen=True, kw_only=True):
    """``subject``: pseudonym. ``own``: the person's own acts by action, counted."""

    subject: str
    since: datetime | None
    until: datetime
    accesses: tuple[Access, ...]
    own: dict[str, int]
    zone: str


def concerns(event: Event, subject: str) -> bool:
    """Tell whether an event is about a person: as data subject, or by the person's own act."""
    own = event.text(names.USER) == subject and event.text(names.ACTOR_KIND) == OWN
    return own or subject in event.items(names.SUBJECT)


def access_report(
    events: Iterable[Event],
    subject: str,
    *,
    since: datetime | None,
    until: datetime,
    zone: str,
    kept: Mapping[str, date] | None = None,
) -> AccessReport:
    """Return what the stored events say of one person. ``subject``: pseudonym.

    ``kept``: until when events are kept for a case, by id (see `kept_for_cases`).
    """
    accesses, own = [], Counter[str]()
    for event in events:
        if not concerns(event, subject):
            continue
        if event.text(names.ACTOR_KIND) in STAFF:
            accesses.append(_access(event, zone, kept or {}))
        else:
            own[event.text("event.action") or event.text("http.request.method") or "access"] += 1
    return AccessReport(
        subject=subject,
        since=since,
        until=until,
        accesses=tuple(sorted(accesses, key=lambda one: one.at)),
        own=dict(sorted(own.items())),
        zone=zone,
    )


def journalled(
    tx: CaseTx, actor: Actor, report: AccessReport, *, request: str, sha256: str, now: datetime
) -> None:
    """Write into the journal that the answer was made. Only the officer makes it."""
    if not actor.has(Role.DPO) or actor.has(Role.ADMIN):
        raise Refused("an answer to an access request takes the role dpo")
    if not request.strip():
        raise Refused("name the request that this answers")
    tx.journal.append(
        occurred_at=now,
        actor=actor.id,
        action="person.access_reported",
        object_id=report.subject,
        payload={
            "request": request.strip(),
            "accesses": len(report.accesses),
            "examined": sum(one.examined for one in report.accesses),
            "sha256": sha256,
        },
    )


WORDS = {
    "fr": {
        "title": "Vos données dans nos journaux d’accès",
        "intro": "Vous avez demandé quelles consultations de vos données nos journaux conservent "
        "(RGPD, article 15). Voici ce qu’ils montrent.",
        "names": "L’identité des salariés n’est pas communiquée : elle relève de leurs propres "
        "données. Leur fonction et le motif enregistré le sont.",
        "by_staff": "Consultations par nos équipes", "when": "Quand", "what": "Opération",
        "category": "Données", "role": "Fonction", "why": "Motif enregistré",
        "kept": "Conservé jusqu’au", "own": "Vos propres opérations", "none": "Aucune.",
        "examined": "aucun motif enregistré : consultation en cours d’examen",
        "failed": "refusée", "retention": "Durée de conservation",
        "kept_for": "Ces traces sont effacées {months} mois après l’événement ; 36 mois après "
        "la détection si elles relèvent d’un incident.",
        "rights": "Vos droits",
        "complain": "Vous pouvez répondre à ce courrier, et introduire une réclamation auprès de "
        "la CNIL (www.cnil.fr). Nous ne demandons jamais votre mot de passe.",
    },
    "en": {
        "title": "Your data in our access logs",
        "intro": "You asked which accesses to your data our logs keep (GDPR, article 15). This is "
        "what they show.",
        "names": "The identity of members of staff is not disclosed: it is their own personal "
        "data. Their function and the recorded reason are.",
        "by_staff": "Accesses by our teams", "when": "When", "what": "Operation",
        "category": "Data", "role": "Function", "why": "Recorded reason", "kept": "Kept until",
        "own": "Your own operations", "none": "None.",
        "examined": "no recorded reason: the access is being examined",
        "failed": "refused", "retention": "How long this is kept",
        "kept_for": "These traces are erased {months} months after the event; 36 months after the "
        "detection where they belong to an incident.",
        "rights": "Your rights",
        "complain": "You may answer this letter, and lodge a complaint with the CNIL "
        "(www.cnil.fr). We never ask for your password.",
    },
}  # fmt: skip
CATEGORIES = {
    "identity": ("identité", "identity"),
    "contact": ("coordonnées", "contact details"),
    "connection_data": ("données de connexion", "connection data"),
    "billing_transaction": ("facturation", "billing"),
    "correspondence": ("correspondance", "correspondence"),
    "credentials": ("identifiants de connexion", "credentials"),
    "documents": ("documents", "documents"),
}
ACTIONS = {
    "customer.read": ("consultation de la fiche", "customer file read"),
    "customer.search": ("recherche de clients", "search for customers"),
    "customer.export": ("export de données de clients", "export of customers’ data"),
    "customer.update": ("modification de la fiche", "customer file changed"),
    "customer.delete": ("suppression de la fiche", "customer file deleted"),
    "customer.impersonate": ("action dans l’espace du client", "acting in the customer’s account"),
    "connection_data.read": ("consultation des données de connexion", "connection data read"),
    "invoice.read": ("consultation d’une facture", "invoice read"),
    "correspondence.read": ("consultation d’échanges", "exchanges read"),
    "session.login": ("connexion", "sign-in"),
    "batch.run": ("traitement automatique", "automatic processing"),
    "get": ("page consultée", "page viewed"),
    "head": ("page consultée", "page viewed"),
    "post": ("formulaire envoyé", "form sent"),
    "access": ("accès", "access"),
}
ROLES = {
    "support": ("assistance", "support"),
    "billing": ("facturation", "billing"),
    "sre": ("exploitation technique", "operations"),
    "admin": ("administration", "administration"),
    "sales": ("commercial", "sales"),
    "service": ("traitement automatique", "automatic processing"),
}


def paper_of(report: AccessReport, language: str) -> Paper:
    """Return the answer in ``fr`` or ``en``."""
    words = WORDS[language]
    index = 0 if language == "fr" else 1

    def named(table: dict[str, tuple[str, str]], code: str) -> str:
        known = table.get(code) or table.get(code.lower())
        return known[index] if known else code or "–"

    rows = tuple(
        (
            wording.instant(one.at, language, report.zone),
            named(ACTIONS, one.action)
            + (f" ({words['failed']})" if one.outcome == "failure" else ""),
            named(CATEGORIES, one.category),
            named(ROLES, one.role),
            words["examined"] if one.examined else one.reason.get(language) or "–",
            _day(one.kept_until, language),
        )
        for one in report.accesses
    )
    colon = " : " if language == "fr" else ": "
    own = tuple(
        f"{named(ACTIONS, action)}{colon}{wording.number(count, language)}"
        for action, count in report.own.items()
    )
    head = tuple(words[name] for name in ("when", "what", "category", "role", "why", "kept"))
    return Paper(
        title=words["title"],
        language=language,
        intro=(words["intro"], words["names"]),
        sections=(
            Section(
                heading=words["by_staff"],
                head=head,
                rows=rows,
                lines=() if rows else (words["none"],),
            ),
            Section(heading=words["own"], items=own, lines=() if own else (words["none"],)),
            Section(
                heading=words["retention"],
                lines=(words["kept_for"].format(months=PERIODS[NORMAL].months),),
            ),
            Section(heading=words["rights"], lines=(words["complain"],)),
        ),
    )


def _day(value: date, language: str) -> str:
    return wording.day(datetime.combine(value, time(12), UTC), language, "UTC")


def _access(event: Event, zone: str, kept: Mapping[str, date]) -> Access:
    normal = PERIODS[NORMAL].after(event.time.astimezone(zone_of(zone)).date())
    verdict = event.text(names.SCOPE_VERDICT)
    reason = {
        "fr": event.text(names.SCOPE_REASON_FR) or event.text(names.SCOPE_REASON),
        "en": event.text(names.SCOPE_REASON),
    }
    examined = verdict in UNEXPLAINED
    return Access(
        at=event.time,
        action=event.text("event.action"),
        category=event.text(names.CATEGORY),
        role=next(iter(event.items(names.ROLES)), event.text(names.ACTOR_KIND)),
        outcome=event.text("event.outcome"),
        reason={} if examined else reason,
        examined=examined,
        kept_until=max(normal, kept.get(event.id, normal)),
    )
