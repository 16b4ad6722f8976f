"""Starts a runbook by its id: the one that a person names, or the one that the rule named."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sentinel.domain.incident import Actor, Incident
from sentinel.domain.runbook import Runbook
from sentinel.errors import NotFound, Refused
from sentinel.respond.runbooks import find_runbook
from sentinel.respond.workflow.steps import start_runbook
from sentinel.store.ports import CaseTx

OPENING = frozenset({"promote", "intake"})
"""Commands after which the runbook starts that the rule, or the processor's notice, named."""


def chosen_runbook(incident: Incident, slug: str, library: Path) -> Runbook:
    """Return the runbook called ``slug``, else the one that the case names. Raises NotFound.

    The steps are the same in every language; what a case keeps of them has none.
    """
    named = slug or incident.runbook
    if not named:
        raise Refused("start_runbook: name a runbook", hint="sentinel runbook list")
    return find_runbook(library, named, "en")


def start_by_rule(
    tx: CaseTx, actor: Actor, incident: Incident, *, library: Path, now: datetime
) -> Incident:
    """Start the runbook that a new case names; the case opens where that is not possible, too.

    It is not possible for somebody whose role starts no runbook, and where nobody wrote it.
    """
    if not incident.runbook or incident.runbook_plan:
        return incident
    try:
        book = find_runbook(library, incident.runbook, "en")
        return start_runbook(tx, actor, incident.id, runbook=book, now=now)
    except (NotFound, Refused):
        return incident
