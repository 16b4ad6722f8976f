"""Staff monitoring that is not live: accesses of staff get no verdict at all.

Staff must have been informed, and the impact assessed, before their accesses are judged (GDPR
art. 13 and 35; Code du travail L1222-4). Service identities are no persons and are judged.
"""

from __future__ import annotations

from datetime import datetime

from sentinel.detect.scope.engine import ScopeEngine
from sentinel.domain import event as names
from sentinel.domain.event import Event


class Unmonitored(ScopeEngine):
    """Judges as `ScopeEngine` does, but nobody of the staff."""

    def judge(self, event: Event, *, known_at: datetime | None = None) -> Event:
        """Return an event of a member of staff as it is; any other with its verdict."""
        if event.text(names.ACTOR_KIND) == "staff":
            return event
        return super().judge(event, known_at=known_at)
