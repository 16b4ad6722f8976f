"""Rows of the register from the case record: what art. 33(5) asks, and no personal data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from sentinel.clock import isoformat
from sentinel.config import Organisation
from sentinel.content import content_dir
from sentinel.domain.deadline import Deadline
from sentinel.domain.incident import Incident, Outcome, Persons
from sentinel.legal.forms import Form, load_form
from sentinel.notify.dossier_facts import Case, facts
from sentinel.notify.dossier_words import tell
from sentinel.notify.lateness_words import lateness_text
from sentinel.notify.register_bare import Bare
from sentinel.notify.register_model import Row

BREACHES = frozenset({Outcome.REGISTER, Outcome.AUTHORITY, Outcome.HIGH_RISK})
_TEXT = "b.description"


class Head(msgspec.Struct, frozen=True):
    """The last line of a case in the journal."""

    seq: int
    hash: str


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the register needs of one case. ``names``: identifiers that must not appear."""

    incident: Incident
    clocks: Sequence[Deadline]
    dossiers: Sequence[str]
    head: Head
    names: Sequence[str]


def is_breach(incident: Incident) -> bool:
    """Tell whether a case is one for the register: a breach was confirmed, and it is no drill."""
    confirmed = incident.aware_at is not None or incident.outcome in BREACHES
    return confirmed and not incident.drill and not incident.merged_into


def row_of(
    known: Known,
    organisation: Organisation,
    language: str,
    now: datetime,
    notifiers: Path | None = None,
) -> Row:
    """Return the row of a breach, in ``fr`` or ``en``; what people wrote stays as they wrote it."""
    incident, form = known.incident, load_form()
    bare = Bare(known.names, language)
    folder = notifiers or content_dir("notifiers")
    case = Case(incident, incident.affected, organisation, now, folder, language=language)
    answers = facts(case, form)
    answers |= {key: value for key, value in incident.answers.items() if value is not None}

    def told(*fields: str) -> tuple[str, ...]:
        return tuple(
            bare(one) for field in fields for one in _shown(form, field, answers, language)
        )

    unnotified = not incident.filings
    return Row(
        reference=incident.reference,
        kind=incident.kind,
        occurred_from=_instant(incident.occurred_from),
        occurred_to=_instant(incident.occurred_to),
        detected_at=_instant(incident.detected_at),
        aware_at=_instant(incident.aware_at),
        awareness_basis=bare(incident.aware_basis),
        nature=told("b.nature"),
        facts=" ".join(told(_TEXT)),
        persons=told("p.categories"),
        persons_count=_count(answers.get("p.count")),
        data=told("d.categories"),
        records_count=_count(answers.get("d.records")),
        effects=told("q.impacts", "q.conf", "q.integ", "q.avail"),
        risk=incident.outcome.value or "undecided",
        risk_reasoning=bare(incident.outcome_reasons),
        action=told("m.taken", "m.planned", "m.prevent"),
        authority=incident.authority.value,
        filings=tuple(
            f"{one.kind} {one.number} {isoformat(one.filed_at)}" for one in incident.filings
        ),
        delay=bare(lateness_text(incident.lateness, language)) if incident.lateness else "",
        why_not_notified=bare(_not_notified(known)) if unnotified else "",
        informed=incident.persons.value,
        why_not_informed=bare(incident.persons_reasons)
        if incident.persons is Persons.EXEMPT
        else "",
        closed_at=_instant(incident.closed_at),
        dossiers=tuple(known.dossiers),
        journal_seq=known.head.seq,
        journal_hash=known.head.hash,
    )


def _not_notified(known: Known) -> str:
    """Return the written reasons of the decision not to notify, as the clock keeps them."""
    waived = [one.waived_reason for one in known.clocks if one.obligation == "CNIL-72"]
    return next((one for one in waived if one), "")


def _shown(
    form: Form, field_id: str, answers: Mapping[str, object], language: str
) -> tuple[str, ...]:
    if answers.get(field_id) is None:
        return ()
    return tell(form.field(field_id), answers[field_id], language)


def _count(answer: object) -> int | None:
    return answer if isinstance(answer, int) and not isinstance(answer, bool) else None


def _instant(value: datetime | None) -> str:
    return isoformat(value) if value else ""
