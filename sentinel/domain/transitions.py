"""The one table of transitions: who may bring what from where to where, under which guards.

A command is one row or several; the row whose ``sources`` hold the present state applies. Nothing
else in Sentinel changes a state. An administrator sees no case and an auditor writes nothing,
whatever else they hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from sentinel.domain.alert import AlertState
from sentinel.domain.guards import (
    Attempt,
    Guard,
    authority_settled,
    no_breach_outcome,
    no_open_clock,
    not_merged,
    nothing_filed,
    persons_settled,
    qualified_outcome,
    qualified_register,
    same_outcome,
    second_person,
    written_reason,
)
from sentinel.domain.incident import Actor, Authority, Legal, Persons, Role, Security
from sentinel.errors import Refused


class Track(StrEnum):
    """What a transition moves."""

    ALERT = "alert"
    SECURITY = "security"
    LEGAL = "legal"
    AUTHORITY = "authority"
    PERSONS = "persons"


class Transition(msgspec.Struct, frozen=True):
    """One row. ``target`` empty: the state stays (a change inside it).

    ``roles``: one of them is needed; ``approvers``: one of them for the second person.
    """

    command: str
    track: Track
    sources: frozenset[str]
    target: str
    roles: frozenset[Role]
    guards: tuple[Guard, ...] = ()
    approvers: frozenset[Role] = frozenset()


def _row(
    command: str,
    sources: Iterable[StrEnum],
    target: StrEnum | None,
    roles: frozenset[Role],
    *guards: Guard,
    track: Track = Track.LEGAL,
) -> Transition:
    approvers = DECIDERS if second_person in guards else frozenset[Role]()
    states = frozenset(str(source) for source in sources)
    return Transition(command, track, states, str(target or ""), roles, guards, approvers)


RESPONDERS = frozenset({Role.ANALYST, Role.COMMANDER, Role.DPO})
WRITERS = RESPONDERS | {Role.SCRIBE, Role.LEGAL, Role.COMMS, Role.DIRECTOR}
DECIDERS = frozenset({Role.COMMANDER, Role.DPO, Role.LEGAL, Role.DIRECTOR})
COUNSEL = frozenset({Role.DPO, Role.LEGAL})
DPO = frozenset({Role.DPO})
OPERATORS = frozenset({Role.ANALYST, Role.COMMANDER})
LEADS = frozenset({Role.COMMANDER, Role.DPO})
SENDERS = frozenset({Role.DPO, Role.COMMS})

_LIVE_ALERT = (AlertState.OPEN, AlertState.ACKNOWLEDGED)
_EARLY = (Legal.SIGNAL, Legal.TRIAGE)
_BREACH = (Legal.BREACH_CONFIRMED, Legal.QUALIFIED)
_OPEN = tuple(state for state in Legal if state is not Legal.CLOSED)
_UNFILED = (Authority.NOT_DUE, Authority.DUE)
_CLOSING = (written_reason, second_person, no_open_clock)

_ALERT = (
    _row("acknowledge_alert", [AlertState.OPEN], AlertState.ACKNOWLEDGED, RESPONDERS,
         track=Track.ALERT),
    _row("dismiss_alert", _LIVE_ALERT, AlertState.DISMISSED, RESPONDERS, written_reason,
         track=Track.ALERT),
    _row("reopen_alert", [AlertState.DISMISSED], AlertState.ACKNOWLEDGED, RESPONDERS,
         written_reason, track=Track.ALERT),
    _row("promote", _LIVE_ALERT, AlertState.PROMOTED, RESPONDERS, track=Track.ALERT),
    _row("attach_alert", _LIVE_ALERT, AlertState.PROMOTED, RESPONDERS, written_reason,
         track=Track.ALERT),
    _row("detach_alert", [AlertState.PROMOTED], AlertState.ACKNOWLEDGED, RESPONDERS,
         written_reason, track=Track.ALERT),
    _row("move_alert", [AlertState.PROMOTED], None, RESPONDERS, written_reason,
         track=Track.ALERT),
)  # fmt: skip

_SECURITY = (
    _row("contain", [Security.OPEN], Security.CONTAINED, OPERATORS | DPO, track=Track.SECURITY),
    _row("eradicate", [Security.CONTAINED], Security.ERADICATED, OPERATORS, track=Track.SECURITY),
    _row("recover", [Security.ERADICATED], Security.RECOVERED, OPERATORS, track=Track.SECURITY),
)

_LEGAL = (
    _row("intake", [Legal.SIGNAL], None, WRITERS),
    _row("intake_processor", [Legal.SIGNAL], Legal.BREACH_CONFIRMED, WRITERS),
    _row("triage", [Legal.SIGNAL], Legal.TRIAGE, RESPONDERS),
    _row("start_investigation", _EARLY, Legal.INVESTIGATION, RESPONDERS),
    _row("confirm_breach", (*_EARLY, Legal.INVESTIGATION), Legal.BREACH_CONFIRMED, DECIDERS,
         written_reason),
    _row("amend_awareness_earlier", _BREACH, None, DECIDERS, written_reason),
    _row("amend_awareness_later", _BREACH, None, DECIDERS, written_reason, second_person),
    _row("qualify", _BREACH, Legal.QUALIFIED, COUNSEL, written_reason, qualified_outcome),
    _row("extend_investigation", [Legal.INVESTIGATION], None, DPO, written_reason),
    _row("gather_alerts", _OPEN, None, RESPONDERS, written_reason),
    _row("release_alerts", _OPEN, None, RESPONDERS, written_reason),
    _row("merge", (*_EARLY, Legal.INVESTIGATION), None, OPERATORS | DPO, written_reason,
         nothing_filed),
    _row("undo_merge", tuple(Legal), None, OPERATORS | DPO, written_reason),
    _row("answer", _OPEN, None, WRITERS),
    _row("assess", _OPEN, None, WRITERS),
    _row("add_note", tuple(Legal), None, WRITERS),
    _row("add_task", _OPEN, None, WRITERS),
    _row("complete_task", _OPEN, None, WRITERS),
    _row("add_evidence", tuple(Legal), None, WRITERS),
    _row("start_processor_notice", _OPEN, None, LEADS | {Role.LEGAL}),
    _row("record_notice", _OPEN, None, DECIDERS),
    _row("propose", tuple(Legal), None, WRITERS),
    _row("approve_proposal", tuple(Legal), None, DECIDERS),
    _row("refuse_proposal", tuple(Legal), None, DECIDERS, written_reason),
    _row("withdraw_proposal", tuple(Legal), None, WRITERS),
    _row("record_affected", _OPEN, None, RESPONDERS | SENDERS),
    _row("start_runbook", _OPEN, None, RESPONDERS),
    _row("complete_step", _OPEN, None, WRITERS),
    _row("assign_step", _OPEN, None, WRITERS),
    _row("skip_step", _OPEN, None, WRITERS, written_reason),
    _row("stop_runbook", _OPEN, None, LEADS | {Role.ANALYST}, written_reason),
    _row("waive_deadline", _OPEN, None, DPO, written_reason),
    _row("freeze_dossier", tuple(Legal), None, WRITERS),
    _row("export_dossier", tuple(Legal), None, WRITERS),
    _row("explain_lateness", _OPEN, None, COUNSEL, written_reason),
    _row("close", (*_EARLY, Legal.INVESTIGATION), Legal.CLOSED, LEADS, *_CLOSING,
         no_breach_outcome, authority_settled),
    _row("close", [Legal.QUALIFIED], Legal.CLOSED, LEADS, *_CLOSING, same_outcome,
         authority_settled, persons_settled),
    _row("reopen", [Legal.CLOSED], Legal.INVESTIGATION, LEADS, written_reason),
    _row("reopen_breach", [Legal.CLOSED], Legal.BREACH_CONFIRMED, LEADS, written_reason),
    # A filing is always recordable: on a closed case it takes the case up again, with its tasks.
    _row("reopen_by_filing", [Legal.CLOSED], Legal.INVESTIGATION, DECIDERS),
    _row("reopen_breach_by_filing", [Legal.CLOSED], Legal.BREACH_CONFIRMED, DECIDERS),
)  # fmt: skip

# What was filed outside is always recordable: no guard, and every state that makes sense.
_AUTHORITY = (
    _row("file_initial", _UNFILED, Authority.INITIAL, DECIDERS, track=Track.AUTHORITY),
    _row("file_complement", [Authority.INITIAL, Authority.COMPLETE], None, DECIDERS,
         track=Track.AUTHORITY),
    _row("file_complete", (*_UNFILED, Authority.INITIAL), Authority.COMPLETE, DECIDERS,
         track=Track.AUTHORITY),
    _row("file_withdraw", [Authority.INITIAL, Authority.COMPLETE], Authority.WITHDRAWN, DECIDERS,
         track=Track.AUTHORITY),
    _row("approve_filing", [Authority.INITIAL, Authority.COMPLETE, Authority.WITHDRAWN], None,
         DECIDERS, track=Track.AUTHORITY),
    _row("decide_no_notification", [Authority.DUE], Authority.NOT_DUE, DPO, written_reason,
         second_person, qualified_register, nothing_filed, track=Track.AUTHORITY),
)  # fmt: skip

_PERSONS = (
    _row("persons_informed", [Persons.UNDECIDED, Persons.DUE], Persons.INFORMED, SENDERS,
         track=Track.PERSONS),
    _row("persons_exempt", [Persons.UNDECIDED, Persons.DUE], Persons.EXEMPT, DPO, written_reason,
         track=Track.PERSONS),
)  # fmt: skip

# A case that another one took in is read only, until the merge is undone.
ON_A_MERGED_CASE = frozenset({"undo_merge"})

TABLE: tuple[Transition, ...] = (*_ALERT, *_SECURITY, *_LEGAL, *_AUTHORITY, *_PERSONS)


def permit(command: str, state: StrEnum, attempt: Attempt) -> Transition:
    """Return the row of ``command`` that applies in ``state``. Raises Refused with the reason."""
    rows = [row for row in TABLE if row.command == command]
    if not rows:
        raise Refused(f"{command} is no command of the workflow")
    row = next((row for row in rows if str(state) in row.sources), None)
    _check_roles(rows[0] if row is None else row, attempt)
    if row is None:
        possible = sorted({source for one in rows for source in one.sources})
        raise Refused(
            f"{command} is not possible while the {rows[0].track} is {state}",
            hint=f"possible in: {', '.join(possible)}",
        )
    general = () if command in ON_A_MERGED_CASE else (not_merged,)
    for guard in (*general, *row.guards):
        refusal = guard(attempt)
        if refusal:
            raise Refused(f"{command}: {refusal}")
    return row


def _check_roles(row: Transition, attempt: Attempt) -> None:
    _check_person(row.command, attempt.actor, row.roles)
    if attempt.approver is not None and row.approvers:
        _check_person(f"{row.command}, approval", attempt.approver, row.approvers)


def _check_person(what: str, person: Actor, roles: frozenset[Role]) -> None:
    if person.has(Role.ADMIN):
        raise Refused(f"{what}: an administrator has no access to cases")
    if person.has(Role.AUDITOR):
        raise Refused(f"{what}: an auditor reads and writes nothing")
    if not person.has(*roles):
        raise Refused(f"{what} takes the role {' or '.join(sorted(roles))}")
