"""Runs a command for somebody who saw a certain version: two commanders, one case, nothing lost.

Who acts on an older version than the stored one is told what happened since, and nothing is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from sentinel.clock import isoformat
from sentinel.domain.alert import Alert
from sentinel.domain.incident import Actor, Incident
from sentinel.errors import Conflict, UsageError
from sentinel.respond.runbook_start import OPENING, chosen_runbook, start_by_rule
from sentinel.respond.workflow import COMMANDS
from sentinel.respond.workflow.catalogue import SPECS
from sentinel.respond.workflow.change import VERSION
from sentinel.store.ports import CaseTx

EVERY_LINE = 100_000
COUNTS = frozenset({"freeze_affected", "widen_affected", "narrow_affected"})
"""Commands that look into the stored events before their transaction: the service runs them."""

STARTS_REGIMES = frozenset({"confirm_breach", "intake"})


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did: journal line, when (RFC 3339, UTC), who, which version it made."""

    seq: int
    at: str
    actor: str
    action: str
    version: int


class Stale(Conflict):
    """Somebody else changed it since you looked."""

    def __init__(self, seen: int, current: int, changes: list[Change]) -> None:
        self.seen = seen
        self.current = current
        self.changes = changes
        done = ", ".join(f"{one.action} by {one.actor or 'Sentinel'}" for one in changes)
        super().__init__(
            f"you saw version {seen}, version {current} is stored: {done or 'see the journal'}",
            hint="look at what changed, then decide again",
        )


def run(  # noqa: PLR0913 - who, what, when, and what the house is, each by name
    tx: CaseTx,
    name: str,
    actor: Actor,
    arguments: Mapping[str, Any],
    *,
    now: datetime,
    subject_id: str = "",
    seen: int | None = None,
    regimes: Sequence[str] = (),
    library: Path | None = None,
) -> object:
    """Run a command of `SPECS`. ``seen``: the version that the actor looked at; None: any.

    ``arguments``: as `spec.read_arguments` returns them. ``regimes``: laws whose clocks start with
    awareness (`Organisation.clocks_beside`). ``library``: the folder of runbooks. Raises Stale,
    UsageError, and what the command raises.
    """
    spec = SPECS.get(name)
    if spec is None:
        raise UsageError(f"no command is called {name!r}", hint=", ".join(SPECS))
    given = dict(arguments)
    if spec.subject:
        subject = _subject(tx, spec.subject, subject_id)
        _require_seen(tx, subject, seen)
        given[f"{spec.subject}_id"] = subject.id
    if name in STARTS_REGIMES:
        given["regimes"] = regimes
    if name == "start_runbook" and library is not None:
        case = tx.incidents.get(str(given["incident_id"]))
        given["runbook"] = chosen_runbook(case, str(given.get("runbook", "")), library)
    result = COMMANDS[name](tx, actor, **given, now=now)
    if name in OPENING and library is not None and isinstance(result, Incident):
        return start_by_rule(tx, actor, result, library=library, now=now)
    return result


def as_seen(tx: CaseTx, incident_id: str, seen: int | None) -> Incident:
    """Return a case. Raises Stale where it is no longer the version ``seen``; None: any will do."""
    case = tx.incidents.get(incident_id)
    _require_seen(tx, case, seen)
    return case


def changes_since(tx: CaseTx, object_id: str, version: int) -> list[Change]:
    """Return what was done to a case or an alert after ``version``, oldest first."""
    found = []
    for line in tx.journal.lines(object_id=object_id, limit=EVERY_LINE):
        payload = tx.journal.opened(line)
        made = payload.get(VERSION) if isinstance(payload, dict) else None
        if isinstance(made, int) and made > version:
            found.append(
                Change(
                    seq=line.seq,
                    at=isoformat(line.recorded_at),
                    actor=line.actor,
                    action=line.action,
                    version=made,
                )
            )
    return found


def _subject(tx: CaseTx, kind: str, subject_id: str) -> Incident | Alert:
    return tx.alerts.get(subject_id) if kind == "alert" else tx.incidents.get(subject_id)


def _require_seen(tx: CaseTx, subject: Incident | Alert, seen: int | None) -> None:
    if seen is not None and seen != subject.version:
        raise Stale(seen, subject.version, changes_since(tx, subject.id, seen))
