"""The daily review: which accesses of a day a person looks at, why, and what was cut."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from sentinel.domain.reason import Reason


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What one member of staff did with one person's file on one day.

    ``looks``: how many accesses; ``events``, ``refs``: the first fifty of them. ``verdicts``: those
    of the accesses' own instants. ``score``: a sum of log-likelihood ratios; above 0 speaks against
    an ordinary reason. It orders the list and decides nothing else. ``alert``: the alert that tells
    of it; empty = none.
    """

    actor: str
    role: str
    team: str
    subject: str
    looks: int
    first: datetime
    last: datetime
    events: tuple[str, ...]
    refs: tuple[str, ...]
    categories: tuple[str, ...]
    verdicts: tuple[str, ...]
    explained: bool
    score: float
    reasons: tuple[Reason, ...]
    alert: str = ""


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """The review of one day (of the service's time zone).

    ``budget``: most entries. ``visits``: how many there were to choose from, of which
    ``unexplained``. ``cut``: those with a score above 0 that the budget left out, ``highest_cut``
    the highest score of all that were left out. ``waited``: stories that had waited for this
    review. ``learning``: too little history yet to trust the order; ``history``: days of it.
    """

    day: date
    reviewed_at: datetime
    budget: int
    visits: int
    unexplained: int
    forbidden: int
    entries: tuple[Entry, ...]
    cut: int
    highest_cut: float | None
    history: int
    learning: bool
    waited: int = 0
