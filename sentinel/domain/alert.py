"""Findings folded into what a person looks at."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from sentinel.domain.finding import RuleInfo
from sentinel.domain.reason import Reason


class AlertState(StrEnum):
    """Life of an alert."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    DISMISSED = "dismissed"
    PROMOTED = "promoted"


class Alert(msgspec.Struct, kw_only=True):
    """One story for an analyst: same rule, same actor, close in time.

    ``first``/``last``: event times (UTC). ``count``: findings folded in. ``event_count``: events.
    ``refs``/``events``: references and ids of at most 1,000 events, oldest first.
    ``version`` grows with each change (optimistic concurrency).
    """

    id: str
    fingerprint: str
    rule: RuleInfo
    actor: str
    subjects: tuple[str, ...]
    categories: tuple[str, ...]
    first: datetime
    last: datetime
    created_at: datetime
    count: int
    event_count: int
    events: tuple[str, ...]
    refs: tuple[str, ...]
    reasons: tuple[Reason, ...]
    score: float | None = None
    state: AlertState = AlertState.OPEN
    state_reason: str = ""
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    incident_id: str = ""
    version: int = 1
