"""A letter as headings, paragraphs and lists: one structure for text, HTML and PDF.

A block template gives plain lines: ``# heading``, ``- item``, ``+ numbered item``; an empty line
ends a paragraph. What is not known stands as ``[à compléter : ...]`` in French and
``[to be completed: ...]`` in English, and is found again by `missing_in`, so that a draft with a
hole is never taken for a finished letter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import msgspec

_MISSING = re.compile(r"\[(?:à compléter\s?: |to be completed: )([^\]]+)\]")
_MARKS = {"- ": "bullets", "+ ": "steps"}


class Part(msgspec.Struct, frozen=True):
    """``kind``: ``paragraph`` (one item), ``bullets`` or ``steps``."""

    kind: str
    items: tuple[str, ...]


class Block(msgspec.Struct, frozen=True):
    """One thought of the letter; ``heading`` may be empty."""

    id: str
    heading: str
    parts: tuple[Part, ...]


class Run(msgspec.Struct, frozen=True):
    """A stretch of text; ``missing`` marks what a person must still give."""

    text: str
    missing: bool


def missing(language: str) -> Callable[[str], str]:
    """Return the function by which a template marks a fact that it lacks."""
    opening = "[à compléter : " if language == "fr" else "[to be completed: "
    return lambda what: f"{opening}{what}]"


def missing_in(texts: Iterable[str]) -> tuple[str, ...]:
    """Return what is missing, in order, each once."""
    return tuple(dict.fromkeys(what for text in texts for what in _MISSING.findall(text)))


def runs(text: str) -> list[Run]:
    """Split a text into what is written and what is missing."""
    found: list[Run] = []
    at = 0
    for match in _MISSING.finditer(text):
        found += [Run(text[at : match.start()], False), Run(match[0], True)]
        at = match.end()
    found.append(Run(text[at:], False))
    return [run for run in found if run.text]


def parse_block(block_id: str, text: str) -> Block:
    """Return the structure of a rendered block template."""
    heading = ""
    parts: list[Part] = []
    joins = False
    for line in (raw.strip() for raw in text.splitlines()):
        kind = _MARKS.get(line[:2], "paragraph")
        if line.startswith("# "):
            heading = line[2:]
        elif line:
            item = line if kind == "paragraph" else line[2:]
            parts = _grown(parts, kind, item, joins=joins)
        joins = bool(line) and not line.startswith("# ")
    return Block(block_id, heading, tuple(parts))


def _grown(parts: list[Part], kind: str, item: str, *, joins: bool) -> list[Part]:
    """Add a line: to the paragraph above it, to a list of its kind, or as something new."""
    last = parts[-1] if parts else None
    if last is None or last.kind != kind or (kind == "paragraph" and not joins):
        return [*parts, Part(kind, (item,))]
    items = (f"{last.items[0]} {item}",) if kind == "paragraph" else (*last.items, item)
    return [*parts[:-1], Part(kind, items)]
