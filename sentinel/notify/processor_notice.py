"""The notice of a processor to its controller (GDPR art. 33(2)): without undue delay, no risk test.

It says what art. 33(3) will ask of the controller, and what is not known yet; who reads it has a
clock of 72 hours that starts with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from sentinel.config import Organisation
from sentinel.domain.deadline import Deadline
from sentinel.domain.incident import Incident
from sentinel.notify import wording
from sentinel.notify.notice_facts import Part, Told
from sentinel.notify.paper import Paper, Section
from sentinel.notify.register_bare import Bare


def processor_notice(
    incident: Incident,
    controller: str,
    clock: Deadline | None,
    organisation: Organisation,
    language: str,
    now: datetime,
    *,
    names: Iterable[str] = (),
    notifiers: Path | None = None,
) -> Paper:
    """Return the notice in ``fr`` or ``en``. ``clock``: PROC, whose anchor is our awareness.

    ``names``: identifiers of people that it must not tell.
    """
    bare = Bare(names, language)
    told = Told(incident, organisation, language, now, notifiers)
    aware = clock.anchor_at if clock is not None else incident.aware_at
    return Paper(
        title="Notification d’une violation de données par le sous-traitant"
        if language == "fr"
        else "Notice of a personal data breach by the processor",
        language=language,
        intro=_intro(incident, controller, organisation.name, aware, language),
        sections=(
            *(told.section(part, bare) for part in Part),
            _next(language),
        ),
    )


def _intro(
    incident: Incident, controller: str, processor: str, aware: datetime | None, language: str
) -> tuple[str, ...]:
    when = wording.instant(aware, language) if aware is not None else ""
    if language == "fr":
        since = f" Nous en avons connaissance depuis le {when}." if when else ""
        return (
            f"À l’attention de {controller}, responsable du traitement.",
            f"{processor or 'Votre sous-traitant'} vous notifie une violation de données à "
            "caractère personnel traitées pour votre compte, en application de l’article 33, "
            f"paragraphe 2, du règlement (UE) 2016/679.{since} Notre référence : "
            f"{incident.reference}.",
            "Cette notification ne préjuge pas du risque pour les personnes : il vous revient de "
            "l’apprécier et, le cas échéant, de notifier l’autorité de contrôle dans les "
            "72 heures suivant votre prise de connaissance.",
        )
    since = f" We have been aware of it since {when}." if when else ""
    return (
        f"To {controller}, controller.",
        f"{processor or 'Your processor'} notifies you of a breach of personal data processed on "
        f"your behalf, under Article 33(2) of Regulation (EU) 2016/679.{since} Our reference: "
        f"{incident.reference}.",
        "This notice says nothing about the risk for the persons: it is for you to assess it and, "
        "where needed, to notify the supervisory authority within 72 hours of becoming aware.",
    )


def _next(language: str) -> Section:
    if language == "fr":
        return Section(
            heading="Suite",
            lines=(
                "Nous compléterons cette notification dès que nous en saurons davantage et tenons "
                "à votre disposition les éléments nécessaires à vos propres obligations, comme le "
                "prévoit l’article 28, paragraphe 3, point f), du règlement.",
            ),
        )
    return Section(
        heading="What follows",
        lines=(
            "We will add to this notice as soon as we know more, and hold at your disposal what "
            "you need for your own duties (Article 28(3)(f)).",
        ),
    )
