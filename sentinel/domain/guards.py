"""Guards: what must hold before a command changes a case. Each returns its refusal, or nothing.

They are pure and look at an `Attempt` alone, so that every refusal can be tested without a store.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from sentinel.domain.deadline import Deadline, Obligation
from sentinel.domain.incident import Actor, Authority, Incident, Outcome, Persons

MIN_REASON_LETTERS = 10
MIN_REASON_WORDS = 2


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody tries something, now (UTC). ``approver``: the second person, where there is one."""

    actor: Actor
    now: datetime
    incident: Incident | None = None
    deadlines: tuple[Deadline, ...] = ()
    reason: str = ""
    outcome: Outcome = Outcome.NONE
    approver: Actor | None = None


Guard = Callable[[Attempt], str]


def not_merged(attempt: Attempt) -> str:
    """Refuse work on a case that another one has taken in."""
    case = attempt.incident
    return f"the case was merged into {case.merged_into}" if case and case.merged_into else ""


def written_reason(attempt: Attempt) -> str:
    """Ask for a sentence: no empty, no one-word, no repeated text."""
    words = attempt.reason.casefold().split()
    letters = sum(character.isalpha() for character in attempt.reason)
    if letters >= MIN_REASON_LETTERS and len(set(words)) >= MIN_REASON_WORDS:
        return ""
    return "it needs a written reason, in a sentence"


def second_person(attempt: Attempt) -> str:
    """Ask for an approver who is not the author."""
    if attempt.approver is None:
        return "a second person must approve it"
    if attempt.approver.human == attempt.actor.human:
        return "the author cannot be the approver"
    return ""


def no_open_clock(attempt: Attempt) -> str:
    """Refuse while a clock of the case runs. That of the runbook ends with the case (`close`)."""
    running = sorted(
        {
            deadline.obligation
            for deadline in attempt.deadlines
            if deadline.open and deadline.obligation != Obligation.RUNBOOK
        }
    )
    return f"clocks still run: {', '.join(running)}" if running else ""


def authority_settled(attempt: Attempt) -> str:
    """Refuse while a filing is due, or was only begun."""
    case = attempt.incident
    if case is not None and case.authority in (Authority.DUE, Authority.INITIAL):
        return f"the notification to the authority is {case.authority}, not settled"
    return ""


def persons_settled(attempt: Attempt) -> str:
    """Refuse while nobody decided on, or carried out, the information of the persons."""
    case = attempt.incident
    settled = (Persons.INFORMED, Persons.EXEMPT)
    if case is not None and case.aware_at is not None and case.persons not in settled:
        return f"the information of the persons is {case.persons}, not settled"
    return ""


def qualified_outcome(attempt: Attempt) -> str:
    """Ask for one of the three qualifications."""
    if attempt.outcome in (Outcome.REGISTER, Outcome.AUTHORITY, Outcome.HIGH_RISK):
        return ""
    return "the outcome is register, authority or high_risk"


def no_breach_outcome(attempt: Attempt) -> str:
    """Ask for one of the two ways in which a case ends without a breach."""
    if attempt.outcome in (Outcome.FALSE_POSITIVE, Outcome.INCIDENT_ONLY):
        return ""
    return "no breach was qualified: the outcome is false_positive or incident_only"


def same_outcome(attempt: Attempt) -> str:
    """Ask that closing keeps the qualification."""
    case = attempt.incident
    if case is None or attempt.outcome is case.outcome:
        return ""
    return f"the case was qualified {case.outcome}: closing does not change it"


def nothing_filed(attempt: Attempt) -> str:
    """Refuse "no notification" where a filing exists."""
    if attempt.incident is not None and attempt.incident.filings:
        return "a filing was recorded: withdraw it instead"
    return ""


def qualified_register(attempt: Attempt) -> str:
    """Ask that "no notification" rests on a qualification without risk (art. 33(1))."""
    if attempt.incident is not None and attempt.incident.outcome is Outcome.REGISTER:
        return ""
    return "only a breach qualified register is not notified (GDPR art. 33(1))"
