"""The same words as plain text, HTML and PDF."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from sentinel.config import Organisation
from sentinel.notify.letter_blocks import Block, Part, runs
from sentinel.notify.pdf import compile_pdf
from sentinel.notify.templates import Templates

_WIDTH = 76


def render_text(blocks: Sequence[Block]) -> str:
    """Return the letter's body as text/plain, wrapped at 76 columns."""
    paragraphs: list[str] = []
    for block in blocks:
        if block.heading:
            paragraphs.append(f"{block.heading}\n{'-' * len(block.heading)}")
        paragraphs += [_text(part) for part in block.parts]
    return "\n\n".join(paragraphs) + "\n"


def _text(part: Part) -> str:
    if part.kind == "paragraph":
        return _wrapped(part.items[0], "", "")
    marks = [f"{n}. " if part.kind == "steps" else "- " for n in range(1, len(part.items) + 1)]
    pairs = zip(marks, part.items, strict=True)
    return "\n".join(_wrapped(item, mark, " " * len(mark)) for mark, item in pairs)


def _wrapped(text: str, first: str, rest: str) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def render_html(letters: Path, language: str, subject: str, blocks: Sequence[Block]) -> str:
    """Return the letter as one HTML page without outside resources. Raises ContentError."""
    return Templates(letters).render(
        "letter.html.j2",
        {"language": language, "subject": subject, "blocks": _with_runs(blocks)},
    )


def render_pdf(
    letters: Path,
    language: str,
    subject: str,
    blocks: Sequence[Block],
    *,
    sender: Organisation,
    dated: str,
    at: datetime,
) -> bytes:
    """Return the letter as PDF/UA-1. Raises ContentError."""
    data = {
        "language": language,
        "subject": subject,
        "dated": dated,
        "sender": {"name": sender.name, "address": sender.address},
        "blocks": _with_runs(blocks),
    }
    return compile_pdf(letters / "letter.typ", data, at=at)


def _with_runs(blocks: Sequence[Block]) -> list[dict[str, object]]:
    return [
        {
            "heading": block.heading,
            "parts": [
                {
                    "kind": part.kind,
                    "lines": [msgspec.to_builtins(runs(item)) for item in part.items],
                }
                for part in block.parts
            ],
        }
        for block in blocks
    ]
