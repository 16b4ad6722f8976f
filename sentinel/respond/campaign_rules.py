"""Who may do what to a campaign of letters, from which state: the one table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

from sentinel.clock import isoformat
from sentinel.domain.campaign import NOTICE_AHEAD, Campaign, CampaignState
from sentinel.domain.guards import Attempt, written_reason
from sentinel.domain.incident import Actor, Role
from sentinel.domain.transitions import COUNSEL, DECIDERS, SENDERS, WRITERS
from sentinel.errors import Refused

SYSTEM = Actor("sentinel", frozenset({Role.SERVICE}))
EVERYBODY = 2**31 - 1
_S = CampaignState


class Move(msgspec.Struct, frozen=True):
    """One row of the table: from where, by whom; ``reasoned``: with a written reason."""

    sources: frozenset[CampaignState]
    roles: frozenset[Role]
    reasoned: bool = False


MOVES: Mapping[str, Move] = MappingProxyType(
    {
        "start": Move(frozenset({_S.PREPARED}), SENDERS | DECIDERS),
        "continue": Move(frozenset({_S.CANARY_DONE}), SENDERS | DECIDERS),
        "resume": Move(frozenset({_S.PAUSED}), SENDERS | DECIDERS),
        # Whoever sees something wrong may hold it up.
        "pause": Move(frozenset({_S.CANARY, _S.RUNNING}), WRITERS, reasoned=True),
        "stop": Move(
            frozenset({_S.PREPARED, _S.CANARY, _S.CANARY_DONE, _S.RUNNING, _S.PAUSED}),
            WRITERS,
            reasoned=True,
        ),
    }
)
PREPARERS = SENDERS | DECIDERS
KEEPERS = COUNSEL
"""Who settles unknown letters, takes the list for the post, and destroys the list."""
READERS = WRITERS | {Role.AUDITOR}


def may(actor: Actor, roles: frozenset[Role], what: str) -> None:
    """Raise Refused where the actor holds none of ``roles``, or administers."""
    if actor.has(Role.ADMIN):
        raise Refused(f"{what}: an administrator sees no audience and sends nothing")
    if not actor.has(*roles):
        raise Refused(f"{what} takes the role {' or '.join(sorted(roles))}")


def reasoned(actor: Actor, reason: str, now: datetime, what: str) -> None:
    """Raise Refused where the reason is no sentence."""
    if refusal := written_reason(Attempt(actor=actor, now=now, reason=reason)):
        raise Refused(f"{what}: {refusal}")


def check(actor: Actor, campaign: Campaign, command: str, reason: str, now: datetime) -> None:
    """Raise Refused where ``command`` may not be given now."""
    move = MOVES[command]
    may(actor, move.roles, command)
    if campaign.state not in move.sources:
        raise Refused(f"{command}: the campaign is {campaign.state}")
    if move.reasoned:
        reasoned(actor, reason, now, command)


def in_time(campaign: Campaign, now: datetime) -> None:
    """Refuse a notice that comes later than 30 days before the change (promise R-60)."""
    effective = campaign.effective_at
    if effective is not None and effective - now < NOTICE_AHEAD:
        raise Refused(
            f"the change holds from {isoformat(effective)}: it is told 30 days ahead (R-60)",
            hint=f"earliest: {isoformat(now + NOTICE_AHEAD)}",
        )
