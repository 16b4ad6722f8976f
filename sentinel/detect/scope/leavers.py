"""Who is about to leave, or has left: employment facts, asked about one instant (promise R-13)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sentinel.detect.scope.facts import FactIndex

EMPLOYMENT = "employment"


def is_leaver(
    facts: FactIndex,
    actor: str,
    instant: datetime,
    *,
    notice: timedelta,
    known_at: datetime | None = None,
) -> bool:
    """Tell whether the actor's employment has ended, or ends within ``notice`` after ``instant``.

    Somebody whose contract is followed by another is not leaving. An actor without any employment
    fact is not said to leave: nothing is known.
    """
    horizon = instant + notice
    ends = False
    for fact in facts.about_agent(EMPLOYMENT, actor, "", known_at=known_at):
        if fact.valid_from is not None and fact.valid_from > horizon:
            continue
        if fact.valid_to is None or fact.valid_to > horizon:
            return False
        ends = True
    return ends
