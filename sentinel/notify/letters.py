"""The letter to the persons (GDPR art. 34(2); promise R-41), in French and English.

A draft: two people approve it before it leaves. What the case does not say yet is marked in the
letter, never left empty. The words are content: ``notifiers/letters/<kind>/<language>/<block>.j2``;
a kind writes the blocks that are its own, ``generic`` the others.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from sentinel.config import Organisation
from sentinel.content import content_dir
from sentinel.domain.affected import Affected
from sentinel.domain.incident import Incident
from sentinel.errors import ContentError
from sentinel.notify import wording
from sentinel.notify.letter_blocks import Block, Part, missing_in, parse_block
from sentinel.notify.letter_facts import letter_context
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


def draft_letter(
    incident: Incident,
    affected: Affected | None,
    organisation: Organisation,
    language: str,
    now: datetime,
    notifiers: Path | None = None,
) -> Letter:
    """Draft the letter of ``incident`` in ``fr`` or ``en``; ``now`` (UTC) dates it.

    ``affected``: the persons as counted now; None = as frozen in the case.
    Raises ContentError where a template is wrong or absent.
    """
    if language not in LANGUAGES:
        raise ContentError(f"there are no letters in {language!r}", hint="fr or en")
    letters = (notifiers or content_dir("notifiers")) / "letters"
    context = letter_context(
        incident, affected or incident.affected, organisation, language, letters
    )
    templates = Templates(letters, finalize=one_line)
    kind = incident.kind.replace("-", "_")

    def rendered(block: str) -> str:
        own = f"{kind}/{language}/{block}.j2"
        name = own if templates.has(own) else f"{GENERIC}/{language}/{block}.j2"
        return templates.render(name, context)

    mark = _DRILL[language] if incident.drill else ""
    subject = wording.typographic(
        mark + " ".join(rendered("subject").split("\n")).strip(), language
    )
    blocks = tuple(_typographic(parse_block(id_, rendered(id_)), language) for id_ in BLOCKS)
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


def _typographic(block: Block, language: str) -> Block:
    parts = tuple(
        Part(part.kind, tuple(wording.typographic(item, language) for item in part.items))
        for part in block.parts
    )
    return Block(block.id, wording.typographic(block.heading, language), parts)


def _texts(blocks: tuple[Block, ...]) -> list[str]:
    return [item for block in blocks for part in block.parts for item in part.items]
