"""The commands on alerts and cases: ``command(tx, actor, id, *, ..., now)``.

Each checks the actor's role and the one table of `sentinel.domain.transitions`, and writes the new
state with its journal line in the caller's transaction. ``now`` is the caller's clock, UTC. Every
command raises Refused with the reason, Conflict where somebody else was faster, NotFound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from sentinel.respond.workflow.alerts import acknowledge_alert, dismiss_alert, promote
from sentinel.respond.workflow.answers import answer, record_affected
from sentinel.respond.workflow.authority import (
    approve_filing,
    decide_no_notification,
    explain_lateness,
    record_filing,
)
from sentinel.respond.workflow.closing import close, qualify, reopen, waive_deadline
from sentinel.respond.workflow.investigation import (
    amend_awareness,
    confirm_breach,
    start_investigation,
)
from sentinel.respond.workflow.persons import record_persons
from sentinel.respond.workflow.security import contain, eradicate, recover
from sentinel.respond.workflow.steps import complete_step, start_runbook

COMMANDS: Mapping[str, Callable[..., object]] = MappingProxyType(
    {
        command.__name__: command
        for command in (
            acknowledge_alert,
            dismiss_alert,
            promote,
            start_investigation,
            confirm_breach,
            amend_awareness,
            answer,
            record_affected,
            contain,
            eradicate,
            recover,
            qualify,
            record_filing,
            approve_filing,
            explain_lateness,
            decide_no_notification,
            record_persons,
            waive_deadline,
            close,
            reopen,
            start_runbook,
            complete_step,
        )
    }
)

__all__ = [
    "COMMANDS",
    "acknowledge_alert",
    "amend_awareness",
    "answer",
    "approve_filing",
    "close",
    "complete_step",
    "confirm_breach",
    "contain",
    "decide_no_notification",
    "dismiss_alert",
    "eradicate",
    "explain_lateness",
    "promote",
    "qualify",
    "record_affected",
    "record_filing",
    "record_persons",
    "recover",
    "reopen",
    "start_investigation",
    "start_runbook",
    "waive_deadline",
]
