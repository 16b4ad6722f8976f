"""Runbooks: Markdown that a person can follow at three in the morning, and a machine can check.

``runbooks/<slug>/runbook.<language>.md`` opens with YAML front matter; a step is a heading such as
``## S3 - Isolate the account {role: analyst, within: PT15M, evidence: log}`` and the text below it.
French and English tell the same steps: the lint refuses a pair that does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import yaml

from sentinel.domain.deadline import Obligation
from sentinel.domain.duration import parse_duration
from sentinel.domain.incident import Role
from sentinel.domain.runbook import EVIDENCE, LANGUAGES, PHASES, Heading, Runbook, Step
from sentinel.errors import ContentError, NotFound, UnreadableFile

_STEP = re.compile(r"^## (?P<id>S\d+) - (?P<title>.+?) (?P<attributes>\{.*\})$")
_FOLDER = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_CLOCKS = (
    Obligation.ACK,
    Obligation.INV,
    Obligation.CNIL_72,
    Obligation.CNIL_COMP,
    Obligation.ART34,
    Obligation.PROC,
)


def load_runbooks(directory: Path) -> dict[tuple[str, str], Runbook]:
    """Read and lint every runbook; the key is ``(slug, language)``. Raises ContentError."""
    books: dict[tuple[str, str], Runbook] = {}
    for folder in folders(directory):
        pair = {code: read_runbook(folder / f"runbook.{code}.md") for code in LANGUAGES}
        for fault in differences(folder, pair):
            raise fault
        books.update({(folder.name, code): book for code, book in pair.items()})
    return books


def folders(directory: Path) -> list[Path]:
    """Return the folder of each runbook, in order of name."""
    return sorted(path for path in directory.iterdir() if path.is_dir())


def find_runbook(directory: Path, slug: str, language: str) -> Runbook:
    """Read one runbook by its id. Raises NotFound, and what `read_runbook` raises."""
    path = directory / slug / f"runbook.{language}.md"
    if not _FOLDER.fullmatch(slug) or language not in LANGUAGES or not path.is_file():
        raise NotFound(f"runbook {slug[:80]} ({language[:8]})", hint="sentinel runbook list")
    return read_runbook(path)


def runbook(books: dict[tuple[str, str], Runbook], slug: str, language: str) -> Runbook:
    """Return a loaded runbook. Raises NotFound."""
    try:
        return books[slug, language]
    except KeyError:
        raise NotFound(f"runbook {slug} ({language})") from None


def read_runbook(path: Path) -> Runbook:
    """Read one file. Raises UnreadableFile, or ContentError with ``where`` = file:line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(
            str(getattr(error, "strerror", None) or error), where=str(path)
        ) from error
    return parse_runbook(text, str(path), slug=path.parent.name, language=path.suffixes[-2][1:])


def parse_runbook(text: str, where: str, *, slug: str, language: str) -> Runbook:
    """Return the runbook written in ``text``. Raises ContentError with the line."""
    lines = text.splitlines()
    end = next((i for i, line in enumerate(lines[1:], start=1) if line == "---"), 0)
    if not lines or lines[0] != "---" or not end:
        raise ContentError("a runbook opens with front matter between two ---", where=f"{where}:1")
    heading = _heading("\n".join(lines[1:end]), where)
    for name, stated, due in (("id", heading.id, slug), ("language", heading.language, language)):
        if stated != due:
            raise ContentError(f"{name} is {stated!r}, the path says {due!r}", where=f"{where}:1")
    steps = tuple(_steps(lines, end + 1, where, heading))
    if not steps:
        raise ContentError("a runbook has steps", where=where, hint="## S1 - Title {role: ...}")
    first = next(i for i, line in enumerate(lines) if line.startswith("## "))
    introduction = "\n".join(lines[end + 1 : first]).strip()
    return Runbook(heading=heading, introduction=introduction, steps=steps)


def _heading(front: str, where: str) -> Heading:
    try:
        heading = msgspec.convert(yaml.safe_load(front), Heading)
        parse_duration(heading.max_duration)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        spot = f":{mark.line + 2}:{mark.column + 1}" if mark else ""
        raise ContentError(str(error.problem), where=f"{where}{spot}") from error
    except (msgspec.ValidationError, ValueError) as error:
        raise ContentError(str(error), where=f"{where}:1", hint="front matter") from error
    unknown = sorted(set(heading.clocks) - set(_CLOCKS))
    if unknown:
        at = next(i for i, line in enumerate(front.splitlines()) if unknown[0] in line)
        column = front.splitlines()[at].index(unknown[0]) + 1
        raise ContentError(
            f"no clock is called {unknown[0]!r}",
            where=f"{where}:{at + 2}:{column}",
            hint=f"one of {', '.join(_CLOCKS)}",
        )
    return heading


def _steps(lines: list[str], start: int, where: str, heading: Heading) -> Iterator[Step]:
    starts = [i for i in range(start, len(lines)) if lines[i].startswith("## ")]
    for number, (index, after) in enumerate(pairwise([*starts, len(lines)]), start=1):
        spot = f"{where}:{index + 1}"
        found = _STEP.match(lines[index])
        if not found:
            raise ContentError(
                "a step is ## S1 - Title {role: ..., within: ...}", where=f"{spot}:1"
            )
        if found["id"] != f"S{number}":
            raise ContentError(f"step {found['id']} where S{number} was due", where=spot)
        body = "\n".join(lines[index + 1 : after]).strip()
        if not body:
            raise ContentError(f"step {found['id']} says nothing", where=spot)
        yield _step(found, body, spot, heading)


def _step(found: re.Match[str], body: str, spot: str, heading: Heading) -> Step:
    try:
        attributes: Any = yaml.safe_load(found["attributes"])
        step = msgspec.convert(
            {**attributes, "id": found["id"], "title": found["title"], "text": body}, Step
        )
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        where = f"{spot}:{found.start('attributes') + 1}"
        raise ContentError(str(error).splitlines()[0], where=where) from error
    for name, refusal, hint in _refusals(step, heading):
        column = found.string.index(f"{name}:", found.start("attributes")) + len(name) + 3
        raise ContentError(refusal, where=f"{spot}:{column}", hint=hint)
    return step


def _refusals(step: Step, heading: Heading) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong with a step: the attribute, why, and what would be right."""
    if step.role not in heading.roles:
        yield "role", f"the front matter does not name the role {step.role}", ""
    if step.role in (Role.ADMIN, Role.AUDITOR, Role.SERVICE):
        yield "role", f"the role {step.role} works no case", ""
    try:
        parse_duration(step.within)
    except ValueError as error:
        yield "within", str(error), ""
    if step.evidence not in EVIDENCE:
        yield "evidence", f"evidence is {step.evidence!r}", f"one of {', '.join(EVIDENCE)}"
    if step.phase and step.phase not in PHASES:
        yield "phase", f"phase is {step.phase!r}", f"one of {', '.join(PHASES)}"
    if step.clock and step.clock not in heading.clocks:
        yield "clock", f"the front matter does not name the clock {step.clock!r}", ""


def differences(folder: Path, pair: dict[str, Runbook]) -> Iterator[ContentError]:
    """Yield where the second language does not tell what the first one tells."""
    first, *others = (pair[code] for code in LANGUAGES)
    for other in others:
        path = folder / f"runbook.{other.heading.language}.md"
        if first.heading.facts != other.heading.facts:
            yield ContentError(
                "the front matter is not that of the other language", where=f"{path}:1"
            )
        here = [step.facts for step in other.steps]
        there = [step.facts for step in first.steps]
        lines = [
            number
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
            if _STEP.match(line)
        ]
        for line, mine, theirs in zip(lines, here, there, strict=False):
            if mine != theirs:
                yield ContentError(
                    f"step {mine} is {theirs} in the other language", where=f"{path}:{line}:1"
                )
        if len(here) != len(there):
            yield ContentError(
                f"{len(here)} steps here, {len(there)} in the other language",
                where=f"{path}:{lines[-1]}:1",
            )
