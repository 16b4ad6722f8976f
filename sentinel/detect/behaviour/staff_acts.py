"""An act of a member of staff, as the watch of staff sees it: how much and how, not whose data.

Data subjects enter as digests that are counted within a window and forgotten with it.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from sentinel.domain import event as names
from sentinel.domain.event import Event

WEB = "webserver"
STAFF = "staff"
NO_ROLE = "-"


class Act(msgspec.Struct, frozen=True, gc=False):
    """One act. ``kind``: the action, with the categories of data it touches.

    ``network`` and ``agent``: where it came from, and with which program; empty = unknown.
    """

    time: datetime
    id: str
    ref: str
    actor: str
    role: str
    action: str
    kind: str
    subjects: tuple[str, ...]
    records: int
    network: str
    agent: str
    refused: bool
    categories: tuple[str, ...]


def act_of(event: Event) -> Act | None:
    """Return the act that an audit event tells of; None for everything else.

    Only a named account of staff acts; what the public site's log says of them is navigation.
    """
    if event.text(names.ACTOR_KIND) != STAFF or event.logsource.category == WEB:
        return None
    actor, action = event.text(names.USER), event.text("event.action")
    if not actor or not action:
        return None
    categories = tuple(sorted(event.items(names.CATEGORY)))
    records = event.get(names.RECORDS)
    subjects = tuple(dict.fromkeys(event.items(names.SUBJECT)))
    return Act(
        time=event.time,
        id=event.id,
        ref=event.ref,
        actor=actor,
        role="+".join(sorted(event.items(names.ROLES))) or NO_ROLE,
        action=action,
        kind=f"{action} {'+'.join(categories)}".rstrip(),
        subjects=subjects,
        records=records if isinstance(records, int) and records >= 0 else len(subjects),
        network=event.text("source.ip"),
        agent=event.text("user_agent.original"),
        refused=event.text("event.outcome") == "failure",
        categories=categories,
    )
