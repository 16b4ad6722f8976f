"""What the call centre says about a case: from the blocks of the letter, without any name.

Whoever calls is told what the letter tells, no more. The agent never confirms that somebody is
concerned: that would disclose it to whoever pretends to be him.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sentinel.config import Organisation
from sentinel.domain.affected import Affected
from sentinel.domain.incident import Incident
from sentinel.errors import ContentError
from sentinel.notify.letter_blocks import Block
from sentinel.notify.letters import draft_letter
from sentinel.notify.paper import Paper, Section

SAID = ("happened", "data", "meaning", "done", "advice", "authority", "news")
OFFICER = {"fr": "le délégué à la protection des données", "en": "the data protection officer"}
MARK = {"fr": "[EXERCICE] ", "en": "[DRILL] "}
TITLE = {"fr": "Script d’appel", "en": "Call script"}
INTRO = {
    "fr": (
        "À lire à voix haute tel quel. Ce que ce script ne dit pas, vous ne le savez pas : "
        "notez la question et promettez un rappel.",
    ),
    "en": (
        "To be read out as it stands. What this script does not say, you do not know: write the "
        "question down, somebody will call back.",
    ),
}
FIRST = {
    "fr": (
        "Ouvrir l’appel",
        (
            "Remerciez de l’appel et dites que vous avez du temps.",
            "Ne demandez ni mot de passe, ni code, ni numéro de carte. Jamais.",
            "Pour un rappel, demandez seulement un numéro et l’heure qui convient.",
            "Demandez si notre courrier est arrivé. Sinon, dites seulement : un incident a touché "
            "une partie des données que nous conservons, et les personnes concernées reçoivent un "
            "courrier. La suite ne se lit qu’aux personnes qui ont ce courrier en main.",
        ),
    ),
    "en": (
        "Open the call",
        (
            "Thank the person for the call and say that you have time.",
            "Ask for no password, no code, no card number. Never.",
            "For a call back ask only for a number and the hour that suits.",
            "Ask whether our letter has arrived. If not, say only: an incident affected some of "
            "the data that we hold, and the persons concerned receive a letter. What follows is "
            "read out only to whoever has that letter in hand.",
        ),
    ),
}
NEVER = {
    "fr": (
        "Ne jamais dire",
        (
            "Si une personne est concernée ou non, même à un proche, même avec insistance : "
            "renvoyez au courrier reçu et au délégué.",
            "Un nom : ni d’un salarié, ni d’un client, ni d’un prestataire.",
            "Qui est soupçonné, ou ce que dit l’enquête.",
            "« Il n’y a aucun risque », « ce n’est pas grave », « vos données sont en sécurité ».",
            "Une cause, un nombre ou une date qui ne figure pas dans ce script.",
            "Une promesse d’indemnisation, ou un refus d’indemnisation.",
            "Un lien à suivre ou un fichier à ouvrir : nous n’en envoyons pas par téléphone.",
        ),
    ),
    "en": (
        "Never say",
        (
            "Whether somebody is concerned or not, not even to a relative, not even when pressed: "
            "refer to the letter received and to the officer.",
            "A name: neither of an employee, nor of a customer, nor of a supplier.",
            "Who is suspected, or what the inquiry says.",
            "“There is no risk”, “it is not serious”, “your data are safe”.",
            "A cause, a number or a date that does not stand in this script.",
            "A promise of compensation, or a refusal of it.",
            "A link to follow or a file to open: we send none by telephone.",
        ),
    ),
}
PASS_ON = {
    "fr": ("Passer la main", "Presse, avocat, police, menace, personne en détresse : {officer}."),
    "en": ("Hand over", "Press, lawyer, police, a threat, somebody in distress: {officer}."),
}


def call_script(
    incident: Incident,
    affected: Affected | None,
    organisation: Organisation,
    language: str,
    now: datetime,
    notifiers: Path | None = None,
) -> Paper:
    """Return the script in ``fr`` or ``en``. Raises ContentError where a name would slip into it.

    A hole of the letter stays marked: such a script is not ready to be read out.
    """
    letter = draft_letter(incident, affected, organisation, language, now, notifiers)
    officer = _officer(organisation, language)
    first, rules = FIRST[language]
    never, forbidden = NEVER[language]
    passing, to_whom = PASS_ON[language]
    mark = MARK[language] if incident.drill else ""
    paper = Paper(
        title=f"{mark}{TITLE[language]} {incident.reference}",
        language=language,
        intro=INTRO[language],
        sections=(
            Section(heading=first, items=rules),
            *(
                section
                for block in _said(letter.blocks)
                for section in _sections(block, organisation, language)
            ),
            Section(heading=never, items=forbidden),
            Section(heading=passing, lines=(to_whom.format(officer=officer),)),
        ),
    )
    _require_no_name(paper, incident, organisation)
    return paper


def _said(blocks: tuple[Block, ...]) -> list[Block]:
    return [block for block in blocks if block.id in SAID]


def _sections(block: Block, organisation: Organisation, language: str) -> Iterator[Section]:
    """Yield a section for each list, with what stands before it: no two lists run together."""

    def plain(text: str) -> str:
        for name in _names(organisation):
            text = text.replace(name, OFFICER[language])
        return text

    heading = block.heading or block.id
    lines: list[str] = []
    for part in block.parts:
        told = tuple(plain(item) for item in part.items)
        if part.kind == "paragraph":
            lines += told
            continue
        numbered = part.kind == "steps"
        yield Section(heading=heading, lines=tuple(lines), items=told, numbered=numbered)
        heading, lines = "", []
    if lines or heading:
        yield Section(heading=heading, lines=tuple(lines))


def _officer(organisation: Organisation, language: str) -> str:
    reached = [organisation.dpo.phone, organisation.dpo.email]
    return ", ".join([OFFICER[language], *(one for one in reached if one)])


def _names(organisation: Organisation) -> list[str]:
    found = (organisation.dpo.name, organisation.declarant.name)
    return sorted({one for one in found if one.strip()}, key=len, reverse=True)


def _require_no_name(paper: Paper, incident: Incident, organisation: Organisation) -> None:
    text = paper.texts()
    forbidden = [*_names(organisation), *incident.actors, *incident.subjects, incident.informant]
    for name in forbidden:
        if name and name in text:
            raise ContentError("a name stands in the call script", hint="look at the letter's text")
