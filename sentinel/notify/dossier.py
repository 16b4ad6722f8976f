"""The notification to the CNIL, prepared from the case record; a person copies it and files it.

GDPR art. 33(3): what must be said. Art. 33(4): what is not known yet follows in phases, so that an
initial dossier is complete when every open answer has an owner and a date. The person's answers
win over the record; the record wins over nothing at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from sentinel.clock import isoformat
from sentinel.config import Organisation
from sentinel.content import content_dir
from sentinel.domain.affected import Affected
from sentinel.domain.blind import BlindWindow
from sentinel.domain.deadline import Deadline, due_strict
from sentinel.domain.incident import Incident
from sentinel.legal.forms import Field, Form, load_form
from sentinel.notify.dossier_facts import Case, facts

LATE_REASONS = "t.late_reasons"
COMPLEMENT_HOURS = 72


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Where the numbers come from: the selection, its digest, what it found. No pseudonyms."""

    query: str
    sha256: str
    subjects: int
    records: int


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """A dossier. ``answers`` has one entry for each field of the form, in its order.

    An answer is a value, ``None`` (nothing yet), ``{"unknown": {"owner", "due"}}`` or
    ``{"not_applicable": true}``. Instants are RFC 3339 in UTC.
    """

    schema: str
    form: str
    kind: str
    reference: str
    created_at: str
    aware_at: str
    due_strict: str
    late: bool
    drill: bool
    answers: dict[str, object]
    evidence: Evidence | None

    def canonical(self) -> bytes:
        """Return the dossier as JSON: UTF-8, sorted keys, no spaces. The same facts, same bytes."""
        return msgspec.json.encode(self, order="sorted")

    @property
    def sha256(self) -> str:
        """Digest of the canonical JSON, hex: what a filing is bound to."""
        return hashlib.sha256(self.canonical()).hexdigest()

    @property
    def unknown(self) -> tuple[str, ...]:
        """Fields whose answer is not known yet."""
        return tuple(field for field, answer in self.answers.items() if is_unknown(answer))


def build_initial(
    incident: Incident,
    *,
    deadlines: Sequence[Deadline],
    affected: Affected | None,
    organisation: Organisation,
    now: datetime,
    notifiers: Path | None = None,
    limits: Sequence[BlindWindow] = (),
) -> Dossier:
    """Prepare the initial notification of ``incident`` as of ``now`` (UTC).

    ``affected``: the persons as counted now; None = as frozen in the case. ``notifiers``: the
    folder of notifiers in force. ``limits``: the blind windows that touch the case; with those of
    ``affected``, they are told. Raises ContentError where its content is wrong.
    """
    form = load_form("cnil-1")
    affected = affected or incident.affected
    seen = {window.id: window for window in (*(affected.limits if affected else ()), *limits)}
    case = Case(
        incident,
        affected,
        organisation,
        now,
        notifiers or content_dir("notifiers"),
        tuple(seen.values()),
    )
    given = facts(case, form)
    given |= {key: value for key, value in incident.answers.items() if value is not None}
    due = _due(incident, deadlines)
    late = due is not None and now > due
    dates = _Dates(initial=due, complement=_complement_due(deadlines, due, now), now=now)
    return Dossier(
        schema=form.schema,
        form=form.id,
        kind="initial",
        reference=incident.reference,
        created_at=isoformat(now),
        aware_at=isoformat(incident.aware_at) if incident.aware_at else "",
        due_strict=isoformat(due) if due else "",
        late=late,
        drill=incident.drill,
        answers=_fill(form, given, dates, late=late),
        evidence=_evidence(affected),
    )


def is_unknown(answer: object) -> bool:
    """Tell whether an answer says that it is not known yet."""
    return isinstance(answer, Mapping) and "unknown" in answer


def is_not_applicable(answer: object) -> bool:
    """Tell whether an answer says that the question does not arise."""
    return isinstance(answer, Mapping) and "not_applicable" in answer


def codes_of(answer: object) -> Collection[str]:
    """Return the codes that an answer selects: of one choice, of several, with or without text."""
    if isinstance(answer, str):
        return (answer,)
    if isinstance(answer, Mapping):
        answer = answer.get("codes", [answer["code"]] if "code" in answer else [])
    return [str(code) for code in answer] if isinstance(answer, list) else ()


class _Dates(msgspec.Struct, frozen=True):
    initial: datetime | None
    complement: datetime
    now: datetime

    def due(self, field: Field) -> datetime:
        """Return when an unknown answer is due: with the initial filing if that can still be."""
        soon = field.required_initial and self.initial is not None and self.initial > self.now
        return self.initial if soon and self.initial else self.complement


def _fill(
    form: Form, given: Mapping[str, object], dates: _Dates, *, late: bool
) -> dict[str, object]:
    selected = {field.id: codes_of(given.get(field.id)) for field in form.fields}
    answers: dict[str, object] = {}
    for field in form.fields:
        condition = field.asked_when
        asked = condition.holds(selected) if condition else True
        if field.id == LATE_REASONS:
            asked = late
        answers[field.id] = _answer(form, field, given.get(field.id), asked, dates)
    return answers


def _answer(form: Form, field: Field, value: object, asked: bool | None, dates: _Dates) -> object:
    if asked is False:
        return {"not_applicable": True}
    if value is not None:
        return value
    section = form.section(field.section)
    optional = not (field.required_initial or field.required_complete)
    if optional or not section.unknown_allowed:
        return None
    return {"unknown": {"owner": section.owner, "due": isoformat(dates.due(field))}}


def _due(incident: Incident, deadlines: Sequence[Deadline]) -> datetime | None:
    if incident.aware_at is None:
        return None
    rows = [row.due_at for row in deadlines if row.obligation == "CNIL-72"]
    return min(rows) if rows else due_strict(incident.aware_at, 72)


def _complement_due(
    deadlines: Sequence[Deadline], initial: datetime | None, now: datetime
) -> datetime:
    rows = [row.due_at for row in deadlines if row.obligation == "CNIL-COMP"]
    if rows:
        return min(rows)
    start = initial if initial is not None and initial > now else now
    return start + timedelta(hours=COMPLEMENT_HOURS)


def _evidence(affected: Affected | None) -> Evidence | None:
    if affected is None:
        return None
    return Evidence(
        query=affected.query,
        sha256=affected.sha256,
        subjects=len(affected.subjects),
        records=affected.record_count,
    )
