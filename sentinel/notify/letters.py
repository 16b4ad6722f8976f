"""The letter to the persons (GDPR art. 34(2); promise R-41), in French and English.

A draft: two people approve it before it leaves. What the case does not say yet is marked in the
letter, never left empty. The words are content: ``notifiers/letters/<kind>/<language>/<block>.j2``;
a kind writes the blocks that are its own, ``generic`` the others, and every owner (kind, finding,
category of data) adds its consequences and its advice (`sentinel.notify.letter_fragments`).
From the same blocks come the public communication (art. 34(3)(c)) and the holding statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from sentinel.config import Organisation
from sentinel.content import content_dir
from sentinel.domain.affected import Affected, AffectedPerson
from sentinel.domain.incident import Incident
from sentinel.errors import ContentError
from sentinel.notify import wording
from sentinel.notify.letter_blocks import Block, Part, missing_in, parse_block
from sentinel.notify.letter_facts import Subject, kind_of, letter_context
from sentinel.notify.letter_render import render_html, render_pdf, render_text
from sentinel.notify.templates import Templates, one_line

GENERIC = "generic"
# Art. 34(2) with 33(3)(b), (c), (d), and what makes a letter of use to a person.
BLOCKS = (
    "opening",
    "happened",
    "data",
    "meaning",
    "done",
    "advice",
    "contact",
    "authority",
    "news",
    "closing",
)
LANGUAGES = ("fr", "en")
_DRILL = {"fr": "[EXERCICE] ", "en": "[DRILL] "}


class Form(StrEnum):
    """Who is spoken to: a person, everybody, or everybody before much is known."""

    LETTER = "letter"
    PUBLIC = "public"
    HOLDING = "holding"


_SAID = {
    Form.LETTER: BLOCKS,
    Form.PUBLIC: BLOCKS,
    Form.HOLDING: ("opening", "done", "advice", "contact", "news", "closing"),
}
_OVER = {Form.LETTER: (), Form.PUBLIC: ("public",), Form.HOLDING: ("holding",)}


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A draft.

    ``text``: the body, without the subject. ``html``: a whole page. ``pdf``: PDF/UA-1 bytes.
    ``missing``: what a person must still give.
    """

    language: str
    subject: str
    text: str
    html: str
    pdf: bytes
    blocks: tuple[Block, ...]
    missing: tuple[str, ...]


def draft_letter(  # noqa: PLR0913 - what a letter is about, and how it is told
    incident: Incident,
    affected: Affected | None,
    organisation: Organisation,
    language: str,
    now: datetime,
    notifiers: Path | None = None,
    *,
    findings: Sequence[str] = (),
    person: AffectedPerson | None = None,
    form: Form = Form.LETTER,
) -> Letter:
    """Draft the letter of ``incident`` in ``fr`` or ``en``; ``now`` (UTC) dates it.

    ``affected``: the persons as counted now; None = as frozen in the case. ``findings``: slugs of
    the rules whose alerts made the case. ``person``: whose letter it is, so that it names this
    person's data and the times at which they were reached.
    Raises ContentError where a template is wrong or absent.
    """
    if language not in LANGUAGES:
        raise ContentError(f"there are no letters in {language!r}", hint="fr or en")
    letters = (notifiers or content_dir("notifiers")) / "letters"
    about = Subject(
        incident=incident,
        affected=affected or incident.affected,
        organisation=organisation,
        findings=findings,
        person=person,
        public=form is not Form.LETTER,
    )
    context = letter_context(about, language, letters)
    templates = Templates(letters, finalize=one_line)
    folders = (*_OVER[form], kind_of(incident), GENERIC)

    def rendered(block: str) -> str:
        if form is Form.PUBLIC and block == "subject":
            return templates.render(_found(templates, folders[1:], language, block), context)
        return templates.render(_found(templates, folders, language, block), context)

    mark = _DRILL[language] if incident.drill else ""
    subject = wording.typographic(
        mark + " ".join(rendered("subject").split("\n")).strip(), language
    )
    blocks = tuple(_typographic(parse_block(id_, rendered(id_)), language) for id_ in _SAID[form])
    dated = wording.day(now, language)
    return Letter(
        language=language,
        subject=subject,
        text=render_text(blocks),
        html=render_html(letters, language, subject, blocks),
        pdf=render_pdf(
            letters, language, subject, blocks, sender=organisation, dated=dated, at=now
        ),
        blocks=blocks,
        missing=missing_in([subject, *_texts(blocks)]),
    )


def _found(templates: Templates, folders: Sequence[str], language: str, block: str) -> str:
    names = [f"{folder}/{language}/{block}.j2" for folder in folders]
    return next((name for name in names if templates.has(name)), names[-1])


def _typographic(block: Block, language: str) -> Block:
    parts = tuple(
        Part(part.kind, tuple(wording.typographic(item, language) for item in part.items))
        for part in block.parts
    )
    return Block(block.id, wording.typographic(block.heading, language), parts)


def _texts(blocks: tuple[Block, ...]) -> list[str]:
    return [item for block in blocks for part in block.parts for item in part.items]
