"""What the rooms ask of the store about what we could not see; part of `sentinel.store.ports`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from sentinel.domain.blind import BlindWindow, Cause
from sentinel.domain.dead_letter import DeadLetter, LetterState, Tally


class BlindWindows(Protocol):
    """The blind-window ledger."""

    def put(self, window: BlindWindow) -> None:
        """Insert or replace by id."""
        ...

    def drop(self, window_id: str) -> None:
        """Forget a window that another one has taken in."""
        ...

    def find(
        self,
        *,
        cause: Cause | None = None,
        source: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        open_only: bool = False,
        limit: int = 1000,
    ) -> list[BlindWindow]:
        """Return the windows that reach into ``[since, until]``, newest begin first."""
        ...


class DeadLetters(Protocol):
    """What was not understood, until it is or its term ends."""

    def add_many(self, letters: Iterable[DeadLetter]) -> int:
        """Keep letters; one whose id is known adds nothing. Returns how many were added."""
        ...

    def find(
        self,
        *,
        source: str | None = None,
        since: datetime | None = None,
        state: LetterState | None = None,
        after: tuple[datetime, str] | None = None,
        limit: int = 1000,
    ) -> list[DeadLetter]:
        """Return letters received at or after ``since``, oldest first; ``after``: to page on."""
        ...

    def parsed(self, letter_id: str, *, sealed: bytes, context: str, event_id: str) -> bool:
        """Put the event that a waiting letter became in its place. False where it does not wait."""
        ...

    def replayed(self, letter_ids: Iterable[str], *, at: datetime) -> int:
        """Mark letters whose event is in the spool; their content is erased."""
        ...

    def erase(self, letter_ids: Iterable[str]) -> int:
        """Remove letters before their term; return how many."""
        ...

    def counts(self) -> dict[tuple[str, LetterState], int]:
        """Return how many there are, by source and state."""
        ...

    def expire(self, now: datetime) -> list[Tally]:
        """Erase the letters whose term is over; return those among them that no one replayed."""
        ...
