"""Replays dead letters from outside the service: what is understood now goes to its spool.

The letters lie in the case store, which a running service shares. So each event is put in the
place of its letter; whoever holds the spool (the running service within seconds, or else this
process) brings it there and marks the letter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

import msgspec

from sentinel.app import dead_letters, parts
from sentinel.clock import Clock, SystemClock
from sentinel.collect.dead_letters import ORIGINAL, IntakeFor, ReadAgain, Reader, tally
from sentinel.collect.intake import Intake
from sentinel.config import Settings
from sentinel.domain.dead_letter import DeadLetter, LetterState
from sentinel.errors import StorageError
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.ports import CaseTx, Sealer

T = TypeVar("T")

PAGE = 200


class Replayed(msgspec.Struct, frozen=True):
    """What a replay did. ``kept``: letters whose event waits for the spool.

    ``fed``: how many this process brought there itself; none where a service runs, which does it.
    """

    read: ReadAgain
    kept: int
    fed: int
    service_runs: bool


async def replay(
    settings: Settings, *, source: str | None, since: datetime | None, dry_run: bool
) -> Replayed:
    """Read the letters that wait again; feed what is understood now. Raises SentinelError."""
    sealer, clock = parts.open_sealer(settings), SystemClock()
    reader = Reader(_intakes(settings, sealer), sealer)
    with _cases(settings, sealer, clock) as cases:
        read, kept = ReadAgain.empty(), 0
        for letters in _pages(cases, source, since):
            again = [reader.read(letter) for letter in letters]
            read.add(tally(again))
            if not dry_run:
                with cases.begin() as tx:
                    kept += dead_letters.keep_parsed(tx, again, sealer)
        if dry_run:
            return Replayed(read, 0, 0, service_runs=False)
        fed, runs = await _feed(settings, cases, sealer, clock)
        return Replayed(read, kept, fed, service_runs=runs)


def waiting(
    settings: Settings, *, source: str | None, since: datetime | None
) -> Iterator[DeadLetter]:
    """Yield every letter, oldest first, sealed as it lies. Raises SentinelError."""
    with _cases(settings, parts.open_sealer(settings), SystemClock()) as cases:
        for letters in _pages(cases, source, since, state=None):
            yield from letters


def _pages(
    cases: SqlCaseStore,
    source: str | None,
    since: datetime | None,
    state: LetterState | None = LetterState.WAITING,
) -> Iterator[list[DeadLetter]]:
    after: tuple[datetime, str] | None = None
    while True:
        with cases.begin() as tx:
            page = tx.dead_letters.find(
                source=source, since=since, state=state, after=after, limit=PAGE
            )
        if not page:
            return
        after = (page[-1].received, page[-1].id)
        yield page


async def _feed(
    settings: Settings, cases: SqlCaseStore, sealer: Sealer, clock: Clock
) -> tuple[int, bool]:
    """Bring what waits into the spool where no service holds it; return how many, and whether."""
    try:
        spool = parts.open_spool(settings, sealer)
    except StorageError as error:
        if "another process" in error.detail:
            return 0, True
        raise
    try:
        return await dead_letters.feed(_InStore(cases), spool, sealer, clock), False
    finally:
        await spool.close()


class _InStore:
    """Transactions without a thread of their own: nothing else runs here."""

    def __init__(self, cases: SqlCaseStore) -> None:
        self._cases = cases

    async def __call__(self, function: Callable[[CaseTx], T], /) -> T:
        with self._cases.begin() as tx:
            return function(tx)


def _intakes(settings: Settings, sealer: Sealer) -> IntakeFor:
    """Return what makes the intake of a declared source, by another clock."""
    declared = {source.name for source in settings.sources}

    def make(source: str, clock: Clock) -> Intake | None:
        if source not in declared:
            return None
        return parts.make_intakes(settings, sealer, clock)[source]

    return make


@contextmanager
def _cases(settings: Settings, sealer: Sealer, clock: Clock) -> Iterator[SqlCaseStore]:
    cases = parts.open_cases(settings, sealer, clock)
    try:
        yield cases
    finally:
        cases.close()


def opened_line(letter: DeadLetter, sealer: Sealer) -> str:
    """Return the line of a letter in clear. Raises StorageError."""
    found = msgspec.json.decode(sealer.open(letter.sealed, context=letter.context))
    return str(found.get(ORIGINAL, ""))
