"""The approvals of this house: its key is derived from the master key and lies in no database."""

from __future__ import annotations

from sentinel.app.parts import stable_key
from sentinel.config import Settings
from sentinel.respond.approval import PURPOSE, Approvals


def open_approvals(settings: Settings) -> Approvals:
    """Return what asks for, gives and checks approvals. Raises ConfigError without a key."""
    return Approvals(stable_key(settings, PURPOSE))
