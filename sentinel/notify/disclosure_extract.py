"""The minimal extract of a case for the police or an insurer: what was asked for, nothing else.

Promise R-21. It holds no name and no pseudonym of anybody in the case: whoever may demand those
demands them in writing, and gets them from a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from sentinel.config import Organisation
from sentinel.domain.disclosure import Recipient
from sentinel.domain.incident import Incident
from sentinel.notify import wording
from sentinel.notify.notice_facts import Part, Told
from sentinel.notify.paper import Paper
from sentinel.notify.register_bare import Bare

TITLES = {
    Recipient.POLICE: ("Extrait pour les autorités", "Extract for the authorities"),
    Recipient.INSURER: ("Extrait pour l’assureur", "Extract for the insurer"),
    Recipient.OTHER: ("Extrait de dossier", "Extract of a case"),
}
MINIMUM = (Part.FACTS, Part.TIMES, Part.CONTACT)


def extract(  # noqa: PLR0913 - what an extract says, each by name
    incident: Incident,
    recipient: Recipient,
    request: str,
    parts: Sequence[Part],
    organisation: Organisation,
    language: str,
    now: datetime,
    *,
    names: Iterable[str] = (),
    notifiers: Path | None = None,
) -> Paper:
    """Return the extract in ``fr`` or ``en``. ``parts``: those that were asked for.

    ``request``: what demands it, and by which reference. ``names``: identifiers to take out.
    """
    told = Told(incident, organisation, language, now, notifiers)
    bare = Bare(names, language)
    wanted = [part for part in Part if part in parts]
    made = wording.instant(now, language)
    intro = (
        f"Référence : {incident.reference}. Demande : {request}. Établi le {made}. Cet extrait "
        "ne contient que les éléments demandés."
        if language == "fr"
        else f"Reference: {incident.reference}. Request: {request}. Made on {made}. This extract "
        "holds what was asked for and nothing else."
    )
    return Paper(
        title=TITLES[recipient][0 if language == "fr" else 1],
        language=language,
        intro=(intro,),
        sections=tuple(told.section(part, bare) for part in wanted),
    )
