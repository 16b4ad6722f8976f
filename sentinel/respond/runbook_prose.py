"""Lints the words of a runbook: French spacing, links that lead nowhere, placeholders nobody fills.

French (Imprimerie nationale): a no-break space before ``; : ! ? »`` and after ``«``, the
typographic apostrophe. Code between backticks and the braces of a step's heading are no prose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sentinel.domain.runbook import PLACEHOLDER, PLACEHOLDERS
from sentinel.errors import ContentError

_NOT_PROSE = re.compile(r"`[^`]*`|\]\([^)]*\)|\{\{[^{}]*\}\}|\{role:[^{}]*\}$")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_WEB = ("https://", "http://", "mailto:")
_FRENCH = (
    (re.compile(r"'"), "a straight apostrophe", "write ’"),
    (re.compile(r'"'), "a straight quotation mark", "write « and »"),
    (
        re.compile(r"(?<![\u00a0\u202f])[;?!»]"),
        "no no-break space before {}",
        "U+00A0 or U+202F before it",
    ),
    (re.compile(r"(?<!\u00a0):(?!\d|//)"), "no no-break space before {}", "U+00A0 before it"),
    (re.compile(r"«(?![\u00a0\u202f])"), "no no-break space after {}", "U+00A0 after it"),
    (
        re.compile(r" [\u00a0\u202f]|[\u00a0\u202f] |[\u00a0\u202f]$|^[\u00a0\u202f]"),
        "a no-break space beside a space or at the end of a line",
        "one of them is enough",
    ),
)


def prose_faults(path: Path, text: str, language: str) -> Iterator[ContentError]:
    """Yield what is wrong with the words of the file at ``path``, each with line and column."""
    lines = text.splitlines()
    front = next((i for i, line in enumerate(lines[1:], start=1) if line == "---"), 0)
    for number, line in enumerate(lines, start=1):
        spot = f"{path}:{number}"
        yield from _placeholders(line, spot)
        yield from _links(path, line, spot)
        if language == "fr":
            yield from _spacing(line, spot, front=number <= front + 1)


def _placeholders(line: str, spot: str) -> Iterator[ContentError]:
    for found in PLACEHOLDER.finditer(line):
        if found[1] not in PLACEHOLDERS:
            yield ContentError(
                f"no placeholder is called {found[1]!r}",
                where=f"{spot}:{found.start() + 1}",
                hint=f"one of {', '.join(PLACEHOLDERS)}",
            )
    for bare in re.finditer(r"\{\{|\}\}", PLACEHOLDER.sub(lambda m: " " * len(m[0]), line)):
        yield ContentError("a placeholder is {{name}}", where=f"{spot}:{bare.start() + 1}")


def _links(path: Path, line: str, spot: str) -> Iterator[ContentError]:
    for found in _LINK.finditer(line):
        target = found[1].partition("#")[0]
        if target and not target.startswith(_WEB) and not (path.parent / target).is_file():
            yield ContentError(
                f"the link leads nowhere: {found[1]}", where=f"{spot}:{found.start(1) + 1}"
            )


def _spacing(line: str, spot: str, *, front: bool) -> Iterator[ContentError]:
    offset = 0
    if front:  # of the front matter only the title is read by people
        if not line.startswith("title: "):
            return
        offset = len("title: ")
    prose = _NOT_PROSE.sub(lambda m: "x" * len(m[0]), line[offset:])
    for pattern, reason, hint in _FRENCH:
        for found in pattern.finditer(prose):
            yield ContentError(
                f"French: {reason.format(found[0])}",
                where=f"{spot}:{offset + found.start() + 1}",
                hint=hint,
            )
