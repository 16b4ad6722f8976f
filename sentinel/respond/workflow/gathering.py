"""What people add to a case by hand: notes on the timeline, tasks, and evidence with its custody.

The file of an evidence is sealed on disk (`sentinel.respond.evidence`); here stands who had it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from sentinel.clock import isoformat
from sentinel.domain.incident import Actor, Incident, Role
from sentinel.domain.record import Custody, Evidence, Note, Task
from sentinel.domain.transitions import Track
from sentinel.errors import Refused
from sentinel.ids import uuid7
from sentinel.respond.workflow.change import Case
from sentinel.respond.workflow.instants import possible
from sentinel.store.ports import CaseTx


def add_note(
    tx: CaseTx,
    actor: Actor,
    incident_id: str,
    *,
    text: str,
    occurred_at: datetime,
    now: datetime,
    source: str = "",
) -> Incident:
    """Write a line on the timeline. ``occurred_at``: when it happened, not when it is written."""
    case = Case(tx, actor, incident_id, now)
    case.permit("add_note", Track.LEGAL)
    if not text.strip():
        raise Refused("add_note: the note is empty")
    occurred = possible(occurred_at, now, "occurred_at")
    note = Note(
        id=uuid7(),
        incident_id=case.incident.id,
        created_at=now,
        created_by=actor.id,
        occurred_at=occurred,
        text=text.strip(),
        source=source.strip(),
    )
    tx.records.put(note)
    return case.save("incident.note_added", {"note": note.id, "text": note.text}, at=occurred)


def add_task(
    tx: CaseTx,
    actor: Actor,
    incident_id: str,
    *,
    title: str,
    owner: str,
    now: datetime,
    due_at: datetime | None = None,
    origin: str = "hand",
) -> Incident:
    """Give somebody something to do. ``owner``: an account's id or sign-in name, or a role."""
    case = Case(tx, actor, incident_id, now)
    case.permit("add_task", Track.LEGAL)
    if not title.strip():
        raise Refused("add_task: say what is to be done")
    if due_at is not None and due_at.tzinfo is None:
        raise Refused("due_at needs an offset or a zone")
    task = Task(
        id=uuid7(),
        incident_id=case.incident.id,
        created_at=now,
        created_by=actor.id,
        title=title.strip(),
        owner=_owner(tx, owner),
        due_at=due_at,
        origin=origin,
    )
    tx.records.put(task)
    return case.save(
        "incident.task_added",
        {
            "task": task.id,
            "title": task.title,
            "owner": task.owner,
            "due_at": isoformat(due_at) if due_at else None,
        },
    )


def complete_task(
    tx: CaseTx, actor: Actor, incident_id: str, *, task_id: str, now: datetime, result: str = ""
) -> Incident:
    """Record that a task was done, by whom and with what result; each is completed once."""
    case = Case(tx, actor, incident_id, now)
    case.permit("complete_task", Track.LEGAL)
    task = tx.records.get(Task, task_id)
    if task.incident_id != case.incident.id:
        raise Refused(f"complete_task: the task is not of {case.incident.reference}")
    if task.done_at is not None:
        raise Refused("complete_task: it was completed already")
    tx.records.put(
        msgspec.structs.replace(
            task, done_at=now, done_by=actor.id, result=result.strip(), version=task.version + 1
        )
    )
    return case.save("incident.task_done", {"task": task.id, "result": result.strip()})


def add_evidence(
    tx: CaseTx,
    actor: Actor,
    incident_id: str,
    *,
    evidence: Evidence,
    now: datetime,
) -> Incident:
    """Record a file that was taken in and sealed; its first line of custody is the intake."""
    case = Case(tx, actor, incident_id, now)
    case.permit("add_evidence", Track.LEGAL)
    if not evidence.described.strip():
        raise Refused("add_evidence: describe what it is and where it comes from")
    possible(evidence.acquired_at, now, "acquired_at")
    first = Custody(at=now, by=actor.id, act="intake", purpose="", sha256=evidence.sha256)
    kept = msgspec.structs.replace(
        evidence,
        incident_id=case.incident.id,
        created_at=now,
        created_by=actor.id,
        custody=(first,),
    )
    tx.records.put(kept)
    return case.save(
        "incident.evidence_added",
        {"evidence": kept.id, "sha256": kept.sha256, "size": kept.size, "name": kept.name},
        at=kept.acquired_at,
    )


def record_access(
    tx: CaseTx,
    actor: Actor,
    evidence: Evidence,
    *,
    act: Literal["view", "export"],
    purpose: str,
    found_sha256: str,
    now: datetime,
) -> Evidence:
    """Write the line of custody of an access. Whoever reads cases may, an auditor too.

    ``found_sha256``: of the bytes as they are now. Raises Refused without a purpose.
    """
    if actor.has(Role.ADMIN) or not actor.roles:
        raise Refused(f"{act}: an administrator has no access to cases")
    if not purpose.strip():
        raise Refused(f"{act}: say what the evidence is looked at for")
    line = Custody(
        at=now,
        by=actor.id,
        act=act,
        purpose=purpose.strip(),
        sha256=found_sha256,
        intact=found_sha256 == evidence.sha256,
    )
    seen = msgspec.structs.replace(
        evidence, custody=(*evidence.custody, line), version=evidence.version + 1
    )
    tx.records.put(seen)
    tx.journal.append(
        occurred_at=now,
        actor=actor.id,
        action="evidence.viewed" if act == "view" else "evidence.exported",
        object_id=evidence.incident_id,
        payload={
            "evidence": evidence.id,
            "purpose": line.purpose,
            "sha256": found_sha256,
            "intact": line.intact,
        },
    )
    return seen


def _owner(tx: CaseTx, owner: str) -> str:
    named = owner.strip()
    account = tx.accounts.get(named) or tx.accounts.by_name(named) if named else None
    if account is not None:
        return account.id
    if named in set(Role):
        return named
    raise Refused("add_task: the owner is an account or a role", hint=", ".join(Role))
