"""Deadlines as the pages show them: time left, due instants, share of the time gone."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from sentinel.domain.deadline import Deadline, due_1182

HOUR = timedelta(hours=1)
SOON = timedelta(hours=24)


class ClockRow(msgspec.Struct, frozen=True, kw_only=True):
    """One deadline of one case. ``href``: the page of the case; ``label``: its name.

    ``remaining`` is negative when late. ``gone``: share of the time that has passed, 0 to 100.
    ``end_1182``: the end by Regulation 1182/71, for information, for legal limits only.
    ``state``: ``late``, ``soon`` (24 h or less), ``running``, ``met`` or ``waived``.
    """

    deadline: Deadline
    href: str
    label: str
    remaining: timedelta
    gone: int
    end_1182: datetime | None
    state: str


def clock_row(deadline: Deadline, *, now: datetime, href: str, label: str) -> ClockRow:
    """Return what a page shows of ``deadline`` at ``now``."""
    total = deadline.due_at - deadline.anchor_at
    gone = (now - deadline.anchor_at) / total if total else 1.0
    hours = total // HOUR
    in_hours = deadline.hard and total == hours * HOUR
    return ClockRow(
        deadline=deadline,
        href=href,
        label=label,
        remaining=deadline.remaining(now),
        gone=round(100 * min(max(gone, 0.0), 1.0)),
        end_1182=due_1182(deadline.anchor_at, hours) if in_hours else None,
        state=_state(deadline, now),
    )


def _state(deadline: Deadline, now: datetime) -> str:
    if deadline.met_at is not None:
        return "met"
    if deadline.waived_at is not None:
        return "waived"
    remaining = deadline.remaining(now)
    if remaining <= timedelta():
        return "late"
    return "soon" if remaining <= SOON else "running"
