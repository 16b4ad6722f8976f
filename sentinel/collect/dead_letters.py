"""Reads dead letters again: with the formats and profiles of today, as of when they came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final

import msgspec

from sentinel.clock import Clock
from sentinel.collect.intake import Intake
from sentinel.domain.dead_letter import DeadLetter, LetterKind
from sentinel.domain.event import SCOPE_VERDICT, Event
from sentinel.errors import ConfigError
from sentinel.store.ports import Sealer

MARK: Final = "sentinel.dead_letter"
ORIGINAL: Final = "event.original"
_VERDICT = SCOPE_VERDICT.rpartition(".")[0] + "."
_JUDGED = {"sentinel.not_judged", "sentinel.actor.leaver"}

IntakeFor = Callable[[str, Clock], Intake | None]
"""From the name of a source to what reads its lines by a clock; None where it is not declared."""


class Read(msgspec.Struct, frozen=True):
    """A letter and the event that it holds, or why it still holds none."""

    letter: DeadLetter
    event: Event | None
    reason: str = ""


class ReadAgain(msgspec.Struct):
    """What became of letters: how many are understood now, and why the others are not."""

    understood: Counter[str]
    reasons: Counter[tuple[str, str]]

    @classmethod
    def empty(cls) -> ReadAgain:
        """Return the count of nothing."""
        return cls(Counter(), Counter())

    def add(self, other: ReadAgain) -> None:
        """Add ``other``."""
        self.understood.update(other.understood)
        self.reasons.update(other.reasons)


class _At:
    """A clock that shows when the letter came."""

    def __init__(self) -> None:
        self.instant = datetime.min.replace(tzinfo=UTC)

    def now(self) -> datetime:
        return self.instant


class Reader:
    """Reads letters. An event has the same identity however often its letter is read."""

    def __init__(self, intake_for: IntakeFor, sealer: Sealer) -> None:
        self._intake_for = intake_for
        self._sealer = sealer
        self._clock = _At()
        self._intakes: dict[str, Intake | None] = {}

    def read(self, letter: DeadLetter) -> Read:
        """Return the event of ``letter``. Raises StorageError where the key is another."""
        opened = self._sealer.open(letter.sealed, context=letter.context)
        if letter.kind is LetterKind.EVENT:
            return Read(letter, _unjudged(msgspec.msgpack.decode(opened, type=Event)))
        return self._line(letter, str(msgspec.json.decode(opened).get(ORIGINAL, "")))

    def _line(self, letter: DeadLetter, line: str) -> Read:
        intake = self._intake(letter.source)
        if intake is None:
            return Read(letter, None, "the source is no longer declared")
        self._clock.instant = letter.received
        batch = intake.batch([line.encode("utf-8", "surrogateescape")], f"letter:{letter.id}")
        if batch.unparsed:
            return Read(letter, None, batch.unparsed[0].reason)
        if not batch.events:
            return Read(letter, None, "the line holds no event of its own")
        return Read(letter, batch.events[0].enriched({MARK: letter.id}))

    def _intake(self, source: str) -> Intake | None:
        if source not in self._intakes:
            try:
                self._intakes[source] = self._intake_for(source, self._clock)
            except ConfigError:
                self._intakes[source] = None
        return self._intakes[source]


def tally(read: Iterable[Read]) -> ReadAgain:
    """Count what became of letters, by source."""
    told = ReadAgain.empty()
    for one in read:
        if one.event is not None:
            told.understood[one.letter.source] += 1
        else:
            told.reasons[one.letter.source, one.reason] += 1
    return told


def _unjudged(event: Event) -> Event:
    """Return the event as it was before detection looked at it, for another look."""
    fields = {
        name: value
        for name, value in event.fields.items()
        if not name.startswith(_VERDICT) and name not in _JUDGED
    }
    return msgspec.structs.replace(event, fields=fields)
