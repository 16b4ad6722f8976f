"""A plain paper in one language, Markdown and PDF: post-mortem, call script, access report."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from pathlib import Path

import msgspec

from sentinel.content import content_dir
from sentinel.notify import wording
from sentinel.notify.pdf import compile_pdf


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """``lines``: paragraphs. ``items``: a list. ``head``, ``rows``: a table of equal width.

    ``heading``: empty where it goes on with the section before. ``numbered``: the order counts.
    """

    heading: str
    lines: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    numbered: bool = False
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """``language``: fr or en. ``intro``: paragraphs before the first section."""

    title: str
    language: str
    intro: tuple[str, ...]
    sections: tuple[Section, ...]

    def texts(self) -> str:
        """Return everything that it says, for a look at what it must not say."""
        return self.markdown()

    def markdown(self) -> str:
        """Return the paper as Markdown."""
        parts = [f"# {self.title}", *self.intro]
        for section in self.sections:
            parts += [f"## {section.heading}"] if section.heading else []
            parts += section.lines
            if section.items:
                marks = (f"{at}." if section.numbered else "-" for at in count(1))
                listed = zip(marks, section.items, strict=False)
                parts.append("\n".join(f"{mark} {_line(item)}" for mark, item in listed))
            if section.rows:
                table = [section.head, tuple("---" for _ in section.head), *section.rows]
                parts.append("\n".join(_row(row) for row in table))
        return wording.typographic("\n\n".join(parts) + "\n", self.language)

    def pdf(self, at: datetime, notifiers: Path | None = None) -> bytes:
        """Return the paper as PDF/UA-1, created ``at``."""
        template = (notifiers or content_dir("notifiers")) / "paper" / "paper.typ"
        data = {
            name: _set(value, self.language) for name, value in msgspec.to_builtins(self).items()
        }
        return compile_pdf(template, data, at=at)


def _set(value: object, language: str) -> object:
    """Set the apostrophes and no-break spaces of a language, in every text of ``value``."""
    if isinstance(value, str):
        return wording.typographic(value, language)
    if isinstance(value, dict):
        return {key: _set(one, language) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_set(one, language) for one in value]
    return value


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(_line(cell).replace("|", "\\|") for cell in cells) + " |"


def _line(text: str) -> str:
    return " ".join(text.split(" ")).replace("\n", " ")
