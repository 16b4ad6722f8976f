"""Out of scope: explain, or flag. The words of the scope engine."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    """The three verdicts on an access of a member of staff to a person's data."""

    EXPLAINED = "explained"
    UNEXPLAINED = "unexplained"
    FORBIDDEN = "forbidden"


class Standing(StrEnum):
    """How well an access is justified, from not at all to a fact that names the actor in person.

    ``shared``: a fact of the team, or one that names no agent, explains it.
    """

    FORBIDDEN = "forbidden"
    UNEXPLAINED = "unexplained"
    WEAK = "weak"
    SHARED = "shared"
    OWN_WORK = "own_work"


class Fact(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A business fact that may make an access necessary.

    ``kind``: ``ticket``, ``invoice``, ``oncall``, ``employment``, ``batch``, ``assignment``...
    ``subject``, ``actor``, ``team``: whom it relates; empty = not bound to one.
    It holds in ``[valid_from, valid_to)``, both UTC; None = open-ended. ``recorded_at``: when the
    business system learnt it: nothing may be judged by it before that instant in a replay.
    ``retracted``: the business system takes back that it ever held.
    """

    kind: str
    id: str
    subject: str = ""
    actor: str = ""
    team: str = ""
    category: str = ""
    opened_by: str = ""
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    recorded_at: datetime | None = None
    retracted: bool = False

    def holds_at(self, instant: datetime) -> bool:
        """Tell whether the fact holds at ``instant``."""
        started = self.valid_from is None or self.valid_from <= instant
        return started and (self.valid_to is None or instant < self.valid_to)


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """An access judged again. ``stored``, ``now``: its marks as stored with the event, and now.

    Marks are the verdict, templates, weaknesses and whether the actor was leaving, by field name.
    ``fact``: what explains it now, None where nothing does. ``time``: of the access, UTC.
    """

    event: str
    ref: str
    time: datetime
    stored: dict[str, str | bool]
    now: dict[str, str | bool]
    fact: Fact | None = None


def age(fact: Fact) -> tuple[datetime, str]:
    """Order the versions of one fact by recording: the last one is in force.

    Ties are broken by content, so that the order of arrival decides nothing. A version that says
    when it ends comes after one that does not: closing is the later news, retracting the last.
    """
    content = msgspec.json.encode(fact).decode()
    news = 2 if fact.retracted else 0 if fact.valid_to is None else 1
    return fact.recorded_at or _ALWAYS, f"{news}{content}"


_ALWAYS = datetime.min.replace(tzinfo=UTC)
