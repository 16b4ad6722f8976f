"""Every fault in the runbooks at once, each with its place: what ``sentinel check`` prints.

The reader refuses what it cannot read; here stands what a team would regret at three in the
morning: a phase that nobody wrote, evidence secured too late, a step due before the one above it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from sentinel.domain.deadline import Obligation
from sentinel.domain.duration import parse_duration
from sentinel.domain.runbook import LANGUAGES, PHASES, STOP, Runbook, Step
from sentinel.errors import ContentError, SentinelError, UnreadableFile
from sentinel.respond.runbook_prose import prose_faults
from sentinel.respond.runbooks import differences, folders, parse_runbook

FILING_LIMIT = timedelta(hours=72)
_STEP = re.compile(r"^## (S\d+) - ", re.MULTILINE)


def lint_runbooks(directory: Path) -> list[SentinelError]:
    """Return every fault of the runbooks in ``directory``, by file and line."""
    if not directory.is_dir():
        return [UnreadableFile("no such folder", where=str(directory))]
    faults: list[SentinelError] = []
    for folder in folders(directory):
        pair: dict[str, Runbook] = {}
        for code in LANGUAGES:
            path = folder / f"runbook.{code}.md"
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                faults.append(_unreadable(path, code, error))
                continue
            try:
                pair[code] = parse_runbook(text, str(path), slug=folder.name, language=code)
                faults += _content_faults(path, text, pair[code])
            except ContentError as error:
                faults.append(error)
            faults += prose_faults(path, text, code)
        if len(pair) == len(LANGUAGES):
            faults += differences(folder, pair)
    return sorted(faults, key=lambda fault: _place(fault.where))


def _unreadable(path: Path, code: str, error: OSError | UnicodeDecodeError) -> SentinelError:
    if isinstance(error, FileNotFoundError):
        return ContentError(
            f"the language {code} is missing", where=f"{path}:1:1", hint="every runbook has both"
        )
    reason = getattr(error, "strerror", None) or str(error)
    return UnreadableFile(reason, where=f"{path}:1:1")


def _content_faults(path: Path, text: str, book: Runbook) -> Iterator[ContentError]:
    lines = _lines(text)
    yield from _heading_faults(f"{path}:1:1", book)
    before = timedelta()
    for step in book.steps:
        spot = f"{path}:{lines[step.id]}"
        heading = text.splitlines()[lines[step.id] - 1]
        within = parse_duration(step.within)
        for name, reason in _step_faults(step, within, before, book):
            found = heading.find(f"{name}:")
            yield ContentError(f"{step.id}: {reason}", where=f"{spot}:{max(found, 0) + 1}")
        before = max(before, within)
    yield from _order_faults(path, lines, book)


def _heading_faults(spot: str, book: Runbook) -> Iterator[ContentError]:
    heading = book.heading
    for name in ("created", "modified"):
        if getattr(heading, name) is None:
            yield ContentError(f"the front matter says no day {name}", where=spot)
    if heading.created and heading.modified and heading.modified < heading.created:
        yield ContentError("it was modified before it was created", where=spot)
    if not book.introduction:
        yield ContentError("nothing says when the runbook is for and who decides", where=spot)
    unused = sorted(set(heading.roles) - {step.role for step in book.steps})
    if unused:
        yield ContentError(f"no step takes the role {unused[0]}", where=spot)


def _step_faults(
    step: Step, within: timedelta, before: timedelta, book: Runbook
) -> Iterator[tuple[str, str]]:
    if not step.phase:
        yield "role", f"it has no phase: one of {', '.join(PHASES)}"
    if within < before:
        yield "within", "it is due before the step above it"
    if within > parse_duration(book.heading.max_duration):
        yield "within", f"it is due after the runbook's end, {book.heading.max_duration}"
    if step.clock == Obligation.CNIL_72 and within > FILING_LIMIT:
        yield "within", "GDPR art. 33(1) gives 72 hours"
    other = next(text for code, text in STOP.items() if code != book.heading.language)
    if other.strip() in step.text:
        yield "role", f"the stop condition opens with {STOP[book.heading.language].strip()}"


def _order_faults(path: Path, lines: dict[str, int], book: Runbook) -> Iterator[ContentError]:
    phases = [step.phase for step in book.steps]
    if all(phases):
        missing = [phase for phase in PHASES if phase not in phases]
        if missing:
            yield ContentError(f"no step is of the phase {', '.join(missing)}", where=f"{path}:1:1")
    if "recover" in phases:
        recover = phases.index("recover")
        if "preserve" not in phases[:recover]:
            yield ContentError(
                "evidence is preserved before what may destroy it",
                where=f"{path}:{lines[book.steps[recover].id]}:1",
            )
    for index, step in enumerate(book.steps):
        around = [one.together for one in book.steps[max(index - 1, 0) : index + 2]]
        if step.together and around.count(step.together) < 2:  # noqa: PLR2004 - itself and another
            yield ContentError(
                f"{step.id}: no neighbour is done together with it",
                where=f"{path}:{lines[step.id]}:1",
            )


def _lines(text: str) -> dict[str, int]:
    return {found[1]: text.count("\n", 0, found.start()) + 1 for found in _STEP.finditer(text)}


def _place(where: str) -> tuple[str, int, int]:
    path, *rest = re.split(r":(?=\d+(?::\d+)?$|\d+$)", where)
    line, column = ([int(part) for part in rest] + [0, 0])[:2]
    return path, line, column
