"""A legal hold: what may not be purged, for a named reason, approved by a second person, reviewed.

R-55: data are never kept longer arbitrarily. So a hold has an author, an approver who is another
human, a scope as narrow as it can be said, and a day on which somebody must look at it again. A
proposal protects for a few days, so that nothing is lost while the second person is looked for.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum

import msgspec

from sentinel.domain.record import CaseRecord

PROVISIONAL = timedelta(days=3)
"""How long a proposal protects before anybody approved it."""
REVIEW_DAYS = 184
"""The longest time from one look to the next: half a year."""


class HoldState(StrEnum):
    """Life of a hold."""

    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    REFUSED = "refused"
    RELEASED = "released"


class HoldScope(msgspec.Struct, frozen=True, kw_only=True):
    """What is held: each given part narrows it; none given would be everything, and is refused.

    ``case``: id of a case, with all it gathered. ``person``: pseudonym of a data subject or a
    member of staff. ``source``: name of a source. ``since``, ``until``: of the event, UTC.
    """

    case: str = ""
    person: str = ""
    source: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing narrows it."""
        return self == HoldScope()


class HoldReview(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody looked at the hold again, and why it stays. ``next_by``: when to look again."""

    at: datetime
    by: str
    reason: str
    next_by: date


class Hold(CaseRecord, kw_only=True):
    """A hold. ``created_by``, ``approved_by``, ``released_by``: accounts. ``name``: in few words.

    ``human``: who proposed it, as `Actor.human`: not the same may approve.
    ``review_by``: the day on which it must have been looked at again.
    """

    name: str
    reason: str
    scope: HoldScope
    review_by: date
    human: str = ""
    state: HoldState = HoldState.PROPOSED
    approved_at: datetime | None = None
    approved_by: str = ""
    reviews: tuple[HoldReview, ...] = ()
    ended_at: datetime | None = None
    ended_by: str = ""
    ended_reason: str = ""

    def protects(self, now: datetime) -> bool:
        """Tell whether what it names may not be purged at ``now``."""
        if self.state is HoldState.IN_FORCE:
            return True
        return self.state is HoldState.PROPOSED and now < self.created_at + PROVISIONAL

    def overdue(self, today: date) -> bool:
        """Tell whether a review is missing."""
        return self.state is HoldState.IN_FORCE and today > self.review_by
