"""What a case gathers beside its state: tasks, evidence, notes, answers, proposals, merges.

A record is never deleted. What is decided is superseded, and the journal tells each change.
Instants are UTC.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from sentinel.domain.deadline import Deadline


class CaseRecord(msgspec.Struct, kw_only=True):
    """What all of them have. ``version`` grows with each change (optimistic concurrency)."""

    id: str
    incident_id: str
    created_at: datetime
    created_by: str
    version: int = 1


class Task(CaseRecord, kw_only=True):
    """Something to do. ``owner``: an account, or a role. ``origin``: ``hand`` or a runbook's id."""

    title: str
    owner: str
    due_at: datetime | None = None
    origin: str = "hand"
    done_at: datetime | None = None
    done_by: str = ""
    result: str = ""

    def overdue(self, now: datetime) -> bool:
        """Tell whether it should have been done at ``now``."""
        return self.done_at is None and self.due_at is not None and self.due_at < now


class Custody(msgspec.Struct, frozen=True, kw_only=True):
    """One line of custody: who had the evidence in hand, when, what for, and what its hash was."""

    at: datetime
    by: str
    act: Literal["intake", "view", "export"]
    purpose: str
    sha256: str
    intact: bool = True


class Evidence(CaseRecord, kw_only=True):
    """A file taken in as it was. ``sha256``: hex, of its bytes at intake. ``path``: sealed file.

    ``acquired_at``: when it was taken from its source; ``created_at``: when it was taken in here.
    """

    name: str
    media_type: str
    size: int
    sha256: str
    path: str
    described: str
    source: str
    acquired_at: datetime
    custody: tuple[Custody, ...] = ()


class Note(CaseRecord, kw_only=True):
    """A line of the timeline written by a person. ``occurred_at``: when it happened."""

    occurred_at: datetime
    text: str
    source: str = ""


class Answer(CaseRecord, kw_only=True):
    """One answer to one question, as it was given. ``established``: certain, or assumed.

    ``evidence``: ids of evidence, events, documents. The newest answer to a field is in force.
    """

    field: str
    value: object
    established: bool = True
    evidence: tuple[str, ...] = ()


class ProposalState(StrEnum):
    """Life of a proposal."""

    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Proposal(CaseRecord, kw_only=True):
    """What one person asks and a second must approve. ``created_by`` is its author.

    ``digest``: SHA-256 of command and arguments, so that what is approved is what was asked.
    ``roles``: of the author, for one who has no account.
    """

    command: str
    arguments: dict[str, object]
    digest: str
    roles: tuple[str, ...]
    state: ProposalState = ProposalState.PENDING
    decided_at: datetime | None = None
    decided_by: str = ""
    decided_reason: str = ""


class Merge(CaseRecord, kw_only=True):
    """One case taken into another (``incident_id`` is the one that stays), with the way back.

    ``alerts``: moved along. ``stopped``: clocks of the source as they ran. ``moved``: the clock of
    the target as it was before it took an earlier anchor.
    """

    source_id: str
    reason: str
    alerts: tuple[str, ...]
    stopped: tuple[Deadline, ...] = ()
    moved: tuple[Deadline, ...] = ()
    undone_at: datetime | None = None
    undone_by: str = ""


class Assessment(CaseRecord, kw_only=True):
    """A severity score as it was computed for a case: inputs and proposal, both as data."""

    inputs: dict[str, object]
    proposal: dict[str, object]
