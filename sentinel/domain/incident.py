"""The incident and its two orthogonal tracks, with every transition in one table.

Security: ``open -> contained -> eradicated -> recovered``. Legal: ``signal -> triage -> (closed) |
investigation -> breach_confirmed -> qualified -> closed``, with ``reopen``. From confirmation on,
``authority`` (art. 33) and ``persons`` (art. 34, R-41) run beside it, independent of each other.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from sentinel.domain.affected import Affected
from sentinel.domain.lateness import Lateness

SEALED = ".sealed"


class Security(StrEnum):
    """Track one: the systems."""

    OPEN = "open"
    CONTAINED = "contained"
    ERADICATED = "eradicated"
    RECOVERED = "recovered"


class Legal(StrEnum):
    """Track two: the law."""

    SIGNAL = "signal"
    TRIAGE = "triage"
    INVESTIGATION = "investigation"
    BREACH_CONFIRMED = "breach_confirmed"
    QUALIFIED = "qualified"
    CLOSED = "closed"


class Outcome(StrEnum):
    """How a qualification, or a closing, ended."""

    NONE = ""
    REGISTER = "register"
    AUTHORITY = "authority"
    HIGH_RISK = "high_risk"
    FALSE_POSITIVE = "false_positive"
    INCIDENT_ONLY = "incident_only"


class Authority(StrEnum):
    """Sub-state of the notification to the authority (GDPR art. 33)."""

    NOT_DUE = "not_due"
    DUE = "due"
    INITIAL = "initial"
    COMPLETE = "complete"
    WITHDRAWN = "withdrawn"


class Persons(StrEnum):
    """Sub-state of the information of the persons (GDPR art. 34; promise R-41)."""

    UNDECIDED = "undecided"
    DUE = "due"
    INFORMED = "informed"
    EXEMPT = "exempt"


class Role(StrEnum):
    """Roles of the people who work a case."""

    ANALYST = "analyst"
    COMMANDER = "commander"
    SCRIBE = "scribe"
    DPO = "dpo"
    LEGAL = "legal"
    DIRECTOR = "director"
    COMMS = "comms"
    AUDITOR = "auditor"
    ADMIN = "admin"
    SERVICE = "service"


class FilingKind(StrEnum):
    """What was filed with the authority (GDPR art. 33(1), (4))."""

    INITIAL = "initial"
    COMPLEMENT = "complement"
    COMPLETE = "complete"
    WITHDRAW = "withdraw"


class Filing(msgspec.Struct, frozen=True, kw_only=True):
    """A filing that a person made on the authority's portal. ``number``: as the receipt says it.

    ``filed_at``/``recorded_at``: UTC. ``approved_by``: the second person, or empty. ``dossier``:
    id of the frozen dossier that was copied; ``receipt``: id of the evidence that proves it.
    """

    kind: FilingKind
    number: str
    filed_at: datetime
    recorded_at: datetime
    recorded_by: str
    approved_by: str = ""
    late_reasons: str = ""
    dossier: str = ""
    receipt: str = ""


class StepRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a runbook that a person completed, or left out. ``evidence``: where the proof lies.

    ``skipped``: the written reason for which it was not done; empty where it was.
    """

    at: datetime
    by: str
    evidence: str = ""
    skipped: str = ""


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step as the runbook asked for it when it was started. ``due_at``: UTC.

    A later edition of the runbook does not change it: the case keeps what it was worked with.
    """

    id: str
    role: Role
    due_at: datetime
    evidence: str = "none"


class Incident(msgspec.Struct, kw_only=True):
    """A case. The five instants are kept apart (EDPB Guidelines 9/2022), all UTC.

    ``reference``: ``INC-2026-0001``. ``actors``: pseudonyms. ``answers``: by field id of the CNIL
    form or the qualification; an open one is ``{"unknown": {"owner": ..., "due": ...}}``.
    ``affected``: the persons, frozen as evidence. ``runbook_version`` and ``steps`` (by step id):
    the runbook as it was started, ``runbook_plan`` its steps with their instants, ``step_owners``
    the account that has a step in hand. ``persons_reasons``, ``outcome_reasons``: written
    decisions.
    ``channel``: how it came in (``alert``, ``phone``, ``email``, ``person``, ``processor``); by
    whom (``informant``) and what was said (``description``) where no alert tells. ``merged_into``:
    id of the case that took it in. ``departs_from``: the proposal of the severity score that the
    qualification did not follow. ``lateness``: why it was notified late. ``version`` grows with
    each change.
    """

    id: str
    reference: str
    title: str
    kind: str
    created_at: datetime
    created_by: str
    security: Security = Security.OPEN
    legal: Legal = Legal.SIGNAL
    outcome: Outcome = Outcome.NONE
    authority: Authority = Authority.NOT_DUE
    persons: Persons = Persons.UNDECIDED
    runbook: str = ""
    actors: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    record_count: int = 0
    occurred_from: datetime | None = None
    occurred_to: datetime | None = None
    detected_at: datetime | None = None
    investigation_started_at: datetime | None = None
    aware_at: datetime | None = None
    aware_basis: str = ""
    processor_informed_at: datetime | None = None
    answers: dict[str, object] = {}
    affected: Affected | None = None
    filings: tuple[Filing, ...] = ()
    persons_reasons: str = ""
    outcome_reasons: str = ""
    runbook_version: str = ""
    runbook_started_at: datetime | None = None
    runbook_plan: tuple[PlannedStep, ...] = ()
    steps: dict[str, StepRecord] = {}
    step_owners: dict[str, str] = {}
    closed_at: datetime | None = None
    drill: bool = False
    channel: str = "alert"
    informant: str = ""
    description: str = ""
    merged_into: str = ""
    departs_from: str = ""
    lateness: Lateness | None = None
    version: int = 1


class Actor(msgspec.Struct, frozen=True):
    """Who acts on a case: an account's id and its roles.

    ``person``: the human behind the account, where one has several; empty: the account itself.
    """

    id: str
    roles: frozenset[Role]
    person: str = ""

    @property
    def human(self) -> str:
        """Return what tells one human from another: two accounts of one have the same."""
        return self.person or self.id

    def has(self, *roles: Role) -> bool:
        """Tell whether the actor holds one of ``roles``."""
        return any(role in self.roles for role in roles)


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A document of a case, frozen at its creation.

    ``kind``: ``dossier_initial``, ``letter``... ``path`` is relative to the data directory.
    ``sha256``: hex, of the document's bytes. ``sealed``: the file holds them encrypted.
    """

    id: str
    incident_id: str
    kind: str
    language: str
    media_type: str
    path: str
    sha256: str
    created_at: datetime
    created_by: str
    state: str = "draft"
    sealed: bool = False

    @property
    def name(self) -> str:
        """The name that the document has outside: its file's, without the mark of a sealed one."""
        return self.path.rpartition("/")[2].removesuffix(SEALED)
