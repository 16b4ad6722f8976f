"""The commands on alerts and cases: ``command(tx, actor, id, *, ..., now)``.

Each checks the actor's role and the one table of `sentinel.domain.transitions`, and writes the new
state with its journal line in the caller's transaction. ``now`` is the caller's clock, UTC. Every
command raises Refused with the reason, Conflict where somebody else was faster, NotFound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from sentinel.respond.workflow.alerts import (
    acknowledge_alert,
    dismiss_alert,
    promote,
    reopen_alert,
)
from sentinel.respond.workflow.answers import answer, assess_severity, record_affected
from sentinel.respond.workflow.authority import (
    approve_filing,
    decide_no_notification,
    record_filing,
)
from sentinel.respond.workflow.closing import close, qualify, reopen, waive_deadline
from sentinel.respond.workflow.gathering import add_evidence, add_note, add_task, complete_task
from sentinel.respond.workflow.intake import intake, triage
from sentinel.respond.workflow.investigation import (
    amend_awareness,
    confirm_breach,
    extend_investigation,
    start_investigation,
)
from sentinel.respond.workflow.lateness import explain_lateness
from sentinel.respond.workflow.merging import (
    attach_alerts,
    detach_alert,
    merge_cases,
    move_alert,
    split_case,
    undo_merge,
)
from sentinel.respond.workflow.other_regimes import record_notice
from sentinel.respond.workflow.persons import record_persons
from sentinel.respond.workflow.processor import start_processor_notice
from sentinel.respond.workflow.proposals import (
    approve_proposal,
    propose,
    refuse_proposal,
    withdraw_proposal,
)
from sentinel.respond.workflow.security import contain, eradicate, recover
from sentinel.respond.workflow.staff import approve_staff_measure, propose_staff_measure
from sentinel.respond.workflow.steps import (
    assign_step,
    complete_step,
    skip_step,
    start_runbook,
    stop_runbook,
)

COMMANDS: Mapping[str, Callable[..., object]] = MappingProxyType(
    {
        command.__name__: command
        for command in (
            acknowledge_alert,
            dismiss_alert,
            reopen_alert,
            promote,
            intake,
            triage,
            attach_alerts,
            detach_alert,
            move_alert,
            split_case,
            merge_cases,
            undo_merge,
            start_investigation,
            extend_investigation,
            confirm_breach,
            amend_awareness,
            answer,
            assess_severity,
            record_affected,
            add_note,
            add_task,
            complete_task,
            add_evidence,
            contain,
            eradicate,
            recover,
            qualify,
            record_filing,
            approve_filing,
            explain_lateness,
            decide_no_notification,
            record_persons,
            start_processor_notice,
            record_notice,
            waive_deadline,
            close,
            reopen,
            start_runbook,
            complete_step,
            assign_step,
            skip_step,
            stop_runbook,
            propose_staff_measure,
            approve_staff_measure,
            propose,
            approve_proposal,
            refuse_proposal,
            withdraw_proposal,
        )
    }
)

__all__ = [
    "COMMANDS",
    "acknowledge_alert",
    "add_evidence",
    "add_note",
    "add_task",
    "amend_awareness",
    "answer",
    "approve_filing",
    "approve_proposal",
    "approve_staff_measure",
    "assess_severity",
    "assign_step",
    "attach_alerts",
    "close",
    "complete_step",
    "complete_task",
    "confirm_breach",
    "contain",
    "decide_no_notification",
    "detach_alert",
    "dismiss_alert",
    "eradicate",
    "explain_lateness",
    "extend_investigation",
    "intake",
    "merge_cases",
    "move_alert",
    "promote",
    "propose",
    "propose_staff_measure",
    "qualify",
    "record_affected",
    "record_filing",
    "record_notice",
    "record_persons",
    "recover",
    "refuse_proposal",
    "reopen",
    "reopen_alert",
    "skip_step",
    "split_case",
    "start_investigation",
    "start_processor_notice",
    "start_runbook",
    "stop_runbook",
    "triage",
    "undo_merge",
    "waive_deadline",
    "withdraw_proposal",
]
