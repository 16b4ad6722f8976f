"""From what happened to what is posted: order, own ids, sendings, files, and the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from sentinel.demo.day import FACT_HEADER, Access, Day, FactRow, Hit

Source = Literal["backoffice", "crm", "www"]
SENDING_EVERY = timedelta(minutes=8)
"""How often senders post: less than the allowed lateness (10 minutes), so that nothing is late."""

_CONTENT_TYPES: dict[Source, str] = {
    "backoffice": "text/csv",
    "crm": "application/x-ndjson",
    "www": "text/plain",
}
_FILES: dict[Source, str] = {
    "backoffice": "facts/facts.csv",
    "crm": "audit.ndjson",
    "www": "access.log",
}


@dataclass(frozen=True, slots=True)
class StoryBatch:
    """What one sender posts at ``until`` (UTC): whole lines, without line ends, in time order."""

    source: Source
    content_type: str
    lines: list[str]
    until: datetime


@dataclass(frozen=True, slots=True)
class Cue:
    """What the truth says of a story or a look-alike, but for its lines.

    ``rule``: slug of the rule that must find it; empty for a look-alike, which none may find.
    """

    rule: str
    source: Source
    actor: str
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoryTruth:
    """Which lines are the story ``key``, who did it and whose data it touched (raw ids).

    ``ordinals``: from 1, in the whole stream of ``source``. ``ids``: the lines' own ids, for crm.
    """

    key: str
    rule: str
    source: Source
    actor: str
    subjects: tuple[str, ...]
    ids: tuple[str, ...]
    ordinals: tuple[int, ...]
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Story:
    """A told day. ``directory``: the customers as CSV (``id,name,email,language``)."""

    start: datetime
    end: datetime
    batches: list[StoryBatch]
    truth: dict[str, StoryTruth]
    directory: str

    def lines(self, source: Source) -> list[str]:
        """Return all lines of a source in order, with one header line for the facts."""
        found = [line for batch in self.batches if batch.source == source for line in batch.lines]
        if source != "backoffice":
            return found
        return [FACT_HEADER, *(line for line in found if line != FACT_HEADER)]

    def write_files(self, directory: Path) -> dict[Source, Path]:
        """Write ``access.log``, ``audit.ndjson`` and ``facts/facts.csv`` for ``sentinel scan``."""
        written: dict[Source, Path] = {}
        for source, name in _FILES.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(self.lines(source)) + "\n", encoding="utf-8")
            written[source] = path
        return written


def told(day: Day, cues: dict[str, Cue], directory: str) -> Story:
    """Return what ``day`` collected as a story; ``cues`` of what did not happen are left out."""
    lines = _in_order(day)
    return Story(day.start, day.end, list(_batches(day, lines)), _truth(cues, lines), directory)


@dataclass(frozen=True, slots=True)
class _Line:
    time: datetime
    text: str
    plot: str = ""
    own_id: str = ""


def _in_order(day: Day) -> dict[Source, list[_Line]]:
    """Return each source's lines in time order; a fact counts when it is recorded."""
    facts = sorted(day.facts, key=lambda row: row.recorded_at)
    hits = sorted(day.hits, key=lambda hit: hit.time)
    return {
        "backoffice": [_fact_line(day, row) for row in facts],
        "crm": _numbered(sorted(day.accesses, key=lambda access: access.time)),
        "www": [_hit_line(hit) for hit in hits],
    }


def _fact_line(day: Day, row: FactRow) -> _Line:
    return _Line(max(row.recorded_at, day.start), row.line())


def _hit_line(hit: Hit) -> _Line:
    return _Line(hit.time, hit.line(), hit.plot)


def _numbered(accesses: list[Access]) -> list[_Line]:
    """Give own ids: a story's lines are numbered apart, so that they are equal across seeds."""
    counters: dict[str, int] = {}
    lines = []
    for access in accesses:
        number = counters[access.plot] = counters.get(access.plot, 0) + 1
        own_id = f"crm-story-{access.plot}-{number}" if access.plot else f"crm-{number:06d}"
        lines.append(_Line(access.time, access.line(own_id), access.plot, own_id))
    return lines


def _batches(day: Day, lines: dict[Source, list[_Line]]) -> Iterator[StoryBatch]:
    """Cut the day in sendings: facts first, for they explain the accesses that follow."""
    taken = dict.fromkeys(lines, 0)
    until = day.start
    while until < day.end:
        until = min(until + SENDING_EVERY, day.end)
        for source, own in lines.items():
            begin = stop = taken[source]
            while stop < len(own) and own[stop].time < until:
                stop += 1
            taken[source] = stop
            texts = [line.text for line in own[begin:stop]]
            if texts and source == "backoffice":
                texts.insert(0, FACT_HEADER)
            if texts:
                yield StoryBatch(source, _CONTENT_TYPES[source], texts, until)


def _truth(cues: dict[str, Cue], lines: dict[Source, list[_Line]]) -> dict[str, StoryTruth]:
    found: dict[str, StoryTruth] = {}
    for key, cue in cues.items():
        mine = [
            (at, line) for at, line in enumerate(lines[cue.source], start=1) if line.plot == key
        ]
        if not mine:
            continue
        found[key] = StoryTruth(
            key=key,
            rule=cue.rule,
            source=cue.source,
            actor=cue.actor,
            subjects=cue.subjects,
            ids=tuple(line.own_id for _, line in mine if line.own_id),
            ordinals=tuple(at for at, _ in mine),
            first=mine[0][1].time,
            last=mine[-1][1].time,
        )
    return found
