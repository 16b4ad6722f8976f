"""Every command with its arguments, as data: what is not listed cannot be asked from outside."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sentinel.domain.affected import Extent
from sentinel.domain.incident import FilingKind, Outcome
from sentinel.domain.lateness import Ground
from sentinel.respond.workflow.intake import CHANNELS
from sentinel.respond.workflow.spec import Argument, Command, Kind


def _text(name: str, means: str, *choices: str, required: bool = True) -> Argument:
    return Argument(name=name, kind=Kind.TEXT, means=means, choices=choices, required=required)


def _long(name: str, means: str, *, required: bool = True) -> Argument:
    return Argument(name=name, kind=Kind.LONG, means=means, required=required)


def _of(kind: Kind, name: str, means: str, *, required: bool = True) -> Argument:
    return Argument(name=name, kind=kind, means=means, required=required)


REASON = _long("reason", "Written reason, in a sentence.")
REASONS = _long("reasons", "Written reasons, in sentences.")
ALERTS = _of(Kind.TEXTS, "alert_ids", "Ids of alerts.")
PROPOSAL = _text("proposal_id", "Id of the proposal.")


def _command(subject: str, name: str, means: str, *arguments: Argument) -> Command:
    return Command(name=name, subject=subject, means=means, arguments=arguments)


_ALERT = (
    _command("alert", "acknowledge_alert", "Take an alert in hand."),
    _command("alert", "dismiss_alert", "Put an alert aside as a false positive.", REASON),
    _command("alert", "reopen_alert", "Take a dismissed alert up again.", REASON),
)

_OPENING = (
    _command(
        "",
        "promote",
        "Open a case from alerts.",
        ALERTS,
        _text("title", "Title of the case."),
        _text("kind", "Kind of incident."),
        _text("runbook", "Id of the runbook.", required=False),
    ),
    _command(
        "",
        "intake",
        "Open a case by hand: a call, an e-mail, a processor's notice (GDPR art. 33(2)).",
        _text("channel", "How we were told.", *CHANNELS),
        _text("title", "Title of the case."),
        _long("description", "What was said."),
        _of(Kind.INSTANT, "received_at", "When we were told."),
        _text("informant", "Who told us; the processor's name.", required=False),
        _text("kind", "Kind of incident.", required=False),
        _of(
            Kind.INSTANT,
            "processor_aware_at",
            "When the processor became aware itself.",
            required=False,
        ),
        _of(Kind.FLAG, "drill", "It is a drill.", required=False),
    ),
)

_GROUPING = (
    _command("incident", "attach_alerts", "Take further alerts into the case.", ALERTS, REASON),
    _command(
        "incident",
        "detach_alert",
        "Take an alert out of the case.",
        _text("alert_id", "Id of the alert."),
        REASON,
    ),
    _command(
        "incident",
        "move_alert",
        "Move an alert to another case.",
        _text("alert_id", "Id of the alert."),
        _text("to", "Reference of the other case."),
        REASON,
    ),
    _command(
        "incident",
        "split_case",
        "Make a case of its own from some alerts.",
        ALERTS,
        _text("title", "Title of the new case."),
        REASON,
    ),
    _command(
        "incident",
        "merge_cases",
        "Merge this case into another one.",
        _text("into", "Reference of the case that takes it in."),
        REASON,
    ),
    _command("incident", "undo_merge", "Take a merged case out again.", REASON),
)

_TRACKS = (
    _command("incident", "triage", "Take a signal in hand."),
    _command("incident", "start_investigation", "Start the short investigation (24 h)."),
    _command(
        "incident",
        "extend_investigation",
        "Give the investigation more time, by the DPO's written decision.",
        _of(Kind.WHOLE, "hours", "Hours from now."),
        REASON,
    ),
    _command(
        "incident",
        "confirm_breach",
        "Confirm a personal data breach: the 72 hours run (GDPR art. 33(1)).",
        _of(Kind.INSTANT, "aware_at", "Instant of awareness."),
        _long("basis", "On what the reasonable degree of certainty rests."),
    ),
    _command(
        "incident",
        "amend_awareness",
        "Move the instant of awareness earlier; a later one is proposed to a second person.",
        _of(Kind.INSTANT, "aware_at", "Instant of awareness."),
        _long("basis", "On what the reasonable degree of certainty rests."),
    ),
    *(
        _command("incident", name, means, _long("note", "What was done.", required=False))
        for name, means in (
            ("contain", "Record containment."),
            ("eradicate", "Record that the cause was removed."),
            ("recover", "Record that the service runs as before."),
        )
    ),
)

_KNOWING = (
    _command(
        "incident",
        "answer",
        'Answer a question; unknown is {"unknown": {"owner": ..., "due": ...}}.',
        _text("field", "Id of the question or of the form's field."),
        _of(Kind.ANY, "value", "The answer."),
        _of(Kind.FLAG, "established", "Certain; otherwise assumed.", required=False),
        _of(Kind.TEXTS, "evidence", "Ids of evidence.", required=False),
    ),
    _command(
        "incident",
        "freeze_affected",
        "Count the affected persons in the stored events and freeze the set as evidence.",
        _text(
            "extent",
            "Which accesses of the actors count; default: by the kind of the case.",
            *(extent.value for extent in Extent),
            required=False,
        ),
    ),
    *(
        _command(
            "incident",
            name,
            means,
            _of(Kind.TEXTS, "persons", "Pseudonyms of data subjects."),
            REASON,
        )
        for name, means in (
            ("widen_affected", "Put persons into the frozen set by hand, with a reason."),
            ("narrow_affected", "Take persons out of the frozen set by hand, with a reason."),
        )
    ),
    _command(
        "incident",
        "assess_severity",
        "Score the case after ENISA (2013).",
        _of(Kind.OBJECT, "inputs", "dpc, ei, cb, individuals, unintelligible."),
    ),
    _command(
        "incident",
        "add_note",
        "Write a line on the timeline.",
        _long("text", "What happened."),
        _of(Kind.INSTANT, "occurred_at", "When it happened."),
        _text("source", "Where it is known from.", required=False),
    ),
    _command(
        "incident",
        "add_task",
        "Give somebody something to do.",
        _text("title", "What is to be done."),
        _text("owner", "Account or role."),
        _of(Kind.INSTANT, "due_at", "When it should be done.", required=False),
    ),
    _command(
        "incident",
        "complete_task",
        "Record that a task was done.",
        _text("task_id", "Id of the task."),
        _long("result", "With what result.", required=False),
    ),
)

_DECIDING = (
    _command(
        "incident",
        "qualify",
        "Qualify the breach, with reasons where it departs from the score.",
        _text("outcome", "The decision.", Outcome.REGISTER, Outcome.AUTHORITY, Outcome.HIGH_RISK),
        REASONS,
    ),
    _command(
        "incident",
        "record_filing",
        "Record what a person filed with the authority.",
        _text("kind", "Kind of filing.", *FilingKind),
        _text("number", "Number on the receipt."),
        _of(Kind.INSTANT, "filed_at", "When it was filed."),
        _long("reasons", "Reasons for the delay as the filing gives them.", required=False),
    ),
    _command("incident", "approve_filing", "Stand for the filing as the second person."),
    _command(
        "incident",
        "explain_lateness",
        "Write down why the notification is late (GDPR art. 33(1), second sentence).",
        _text("ground", "Why, in one word.", *Ground),
        REASONS,
        _of(Kind.FACTS, "facts", 'Dated facts: [{"at": INSTANT, "text": ...}].'),
        _of(Kind.TEXTS, "evidence", "Ids of evidence, documents or alerts of the case."),
    ),
    _command(
        "incident",
        "record_persons",
        "Record that the persons were informed, or the DPO's exemption.",
        _text("state", "What was done or decided.", "informed", "exempt"),
        _long("reasons", "Reasons of an exemption.", required=False),
    ),
    _command(
        "incident",
        "start_processor_notice",
        "We are the processor: start the clock of our notice (GDPR art. 33(2)).",
        _text("controllers", "Who must be told."),
        _of(Kind.INSTANT, "aware_at", "Since when we know."),
        _of(Kind.WHOLE, "contract_hours", "Hours that the contract gives.", required=False),
    ),
    _command(
        "incident",
        "record_notice",
        "Record that a notice of another regime was given.",
        _text("deadline_id", "Id of the clock."),
        _of(Kind.INSTANT, "given_at", "When it was given."),
        _text("reference", "Receipt, number or message id."),
    ),
    _command(
        "incident",
        "waive_deadline",
        "Waive a clock that is no legal limit.",
        _text("deadline_id", "Id of the clock."),
        REASON,
    ),
    _command("incident", "reopen", "Take a closed case up again.", REASON),
)

_FOUR_EYES = (
    _command(
        "incident",
        "propose",
        "Ask for what takes two people: close, decide_no_notification, amend_awareness.",
        _text("command", "What is asked.", "close", "decide_no_notification", "amend_awareness"),
        _of(Kind.OBJECT, "arguments", "Its arguments."),
    ),
    _command("incident", "approve_proposal", "Approve as the second person.", PROPOSAL),
    _command("incident", "refuse_proposal", "Refuse a proposal.", PROPOSAL, REASON),
    _command("incident", "withdraw_proposal", "Take one's own proposal back.", PROPOSAL),
)

STEP = _text("step_id", "Step of the runbook, such as S3.")

_RUNBOOK = (
    _command(
        "incident",
        "start_runbook",
        "Start a runbook; the times of its steps run from now.",
        _text(
            "runbook", "Id of the runbook; default: the one that the rule named.", required=False
        ),
    ),
    _command(
        "incident",
        "complete_step",
        "Record that a step of the runbook was done.",
        STEP,
        _text("evidence", "Where the proof lies: a reference, not the data.", required=False),
    ),
    _command(
        "incident",
        "skip_step",
        "Leave a step out, with a reason.",
        STEP,
        REASON,
    ),
    _command(
        "incident",
        "assign_step",
        "Put a step into somebody's hands.",
        STEP,
        _text("owner", "Account that holds the role of the step."),
    ),
    _command("incident", "stop_runbook", "End the runbook; what is open is left out.", REASON),
)

SPECS: Mapping[str, Command] = MappingProxyType(
    {
        one.name: one
        for one in (
            *_ALERT, *_OPENING, *_GROUPING, *_TRACKS, *_KNOWING, *_DECIDING, *_RUNBOOK,
            *_FOUR_EYES,
        )
    }
)  # fmt: skip
