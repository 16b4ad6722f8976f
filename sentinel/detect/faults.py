"""What detection could not do, counted, so that one poisonous event stops nothing and is seen.

A fault is a bug of ours that some event brought to light. It is told by where it happened and by
the kind of the exception alone: the exception's words may quote the event.
"""

from __future__ import annotations

from collections import Counter

from sentinel.domain.event import (
    ACTOR_KIND,
    CATEGORY,
    SCOPE_REASON,
    SCOPE_REASON_FR,
    SCOPE_VERDICT,
    SUBJECT,
    Event,
    Value,
)
from sentinel.domain.scope import Verdict

NOT_JUDGED = "sentinel.not_judged"
_JUDGED_KINDS = ("staff", "service")


class Faults:
    """Counts of faults by stage and kind of exception: ``scope:OverflowError``."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._poisoned: dict[str, tuple[Event, str]] = {}

    def add(self, stage: str, error: Exception, event: Event | None = None) -> str:
        """Count one; return its kind. ``event``: the one that brought it to light, if known."""
        kind = type(error).__name__
        self.counts[f"{stage}:{kind}"] += 1
        if event is not None:
            self._poisoned.setdefault(event.id, (event, f"{stage}:{kind}"))
        return kind

    def poisoned(self) -> tuple[tuple[Event, str], ...]:
        """Return the events that brought faults since the last call, with stage and kind."""
        taken, self._poisoned = tuple(self._poisoned.values()), {}
        return taken


def unjudged(event: Event, kind: str) -> Event:
    """Return an event that the scope engine failed on, marked.

    Default deny (promise R-10) holds for our own faults too: where staff reached personal data,
    an access that could not be judged is not explained.
    """
    marks: dict[str, Value] = {NOT_JUDGED: kind}
    reaches_data = bool(event.items(SUBJECT) or event.items(CATEGORY))
    if event.text(ACTOR_KIND) in _JUDGED_KINDS and reaches_data:
        marks |= {
            SCOPE_VERDICT: Verdict.UNEXPLAINED.value,
            SCOPE_REASON: "this access could not be judged",
            SCOPE_REASON_FR: "cet accès n\u2019a pas pu être jugé",
        }
    return event.enriched(marks)
