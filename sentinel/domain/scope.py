"""Out of scope: explain, or flag. The words of the scope engine."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    """The three verdicts on an access of a member of staff to a person's data."""

    EXPLAINED = "explained"
    UNEXPLAINED = "unexplained"
    FORBIDDEN = "forbidden"


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A business fact that may make an access necessary.

    ``kind``: ``ticket``, ``invoice``, ``oncall``, ``employment``, ``batch``, ``assignment``...
    ``subject``, ``actor``, ``team``: whom it relates; empty = not bound to one.
    It holds in ``[valid_from, valid_to)``, both UTC; None = open-ended. ``recorded_at``: when the
    business system learnt it: nothing may be judged by it before that instant in a replay.
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

    def holds_at(self, instant: datetime) -> bool:
        """Tell whether the fact holds at ``instant``."""
        started = self.valid_from is None or self.valid_from <= instant
        return started and (self.valid_to is None or instant < self.valid_to)
