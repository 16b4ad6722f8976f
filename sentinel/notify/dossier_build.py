"""Prepares a dossier from the case record; a person copies it and files it.

An initial one is complete when every open answer has an owner and a date (art. 33(4)). The
person's answers win over the record; the record wins over nothing at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from sentinel.clock import isoformat
from sentinel.config import Organisation
from sentinel.content import content_dir
from sentinel.domain.affected import Affected
from sentinel.domain.blind import BlindWindow
from sentinel.domain.deadline import Deadline, due_strict
from sentinel.domain.incident import Filing, FilingKind, Incident
from sentinel.legal.forms import Field, Form, load_form
from sentinel.legal.rulesets import in_force
from sentinel.notify.dossier import LATE_REASONS, Dossier, Evidence, Previous, codes_of, is_unknown
from sentinel.notify.dossier_change import changes
from sentinel.notify.dossier_facts import Case, facts
from sentinel.notify.lateness_words import lateness_text

COMPLEMENT_HOURS = 72


def build_dossier(  # noqa: PLR0913 - what a dossier is made from, each by name
    incident: Incident,
    *,
    kind: FilingKind = FilingKind.INITIAL,
    deadlines: Sequence[Deadline],
    affected: Affected | None,
    organisation: Organisation,
    now: datetime,
    notifiers: Path | None = None,
    limits: Sequence[BlindWindow] = (),
    before: Dossier | None = None,
    language: str = "fr",
) -> Dossier:
    """Prepare a notification of ``incident`` as of ``now`` (UTC).

    ``kind``: ``complete`` is the final one, or all in one go. ``before``: the dossier as it was
    filed last, where it was frozen here; a later one tells what differs from it. ``language``: of
    the sentences made from the record; what is filed is French, `dossier_phrases` needs both.

    ``affected``: the persons as counted now; None = as frozen in the case. ``notifiers``: the
    folder of notifiers in force. ``limits``: the blind windows that touch the case; with those of
    ``affected``, they are told. Raises ContentError where its content is wrong.
    """
    form = load_form(in_force(now).form)
    affected = affected or incident.affected
    seen = {window.id: window for window in (*(affected.limits if affected else ()), *limits)}
    case = Case(
        incident,
        affected,
        organisation,
        now,
        notifiers or content_dir("notifiers"),
        tuple(seen.values()),
        language,
    )
    given = facts(case, form)
    given |= {key: value for key, value in incident.answers.items() if value is not None}
    given |= _of_the_filing(incident, kind, language)
    due = _due(incident, deadlines)
    filed = standing(incident)
    late = due is not None and (filed[0].filed_at if filed else now) > due
    dates = _Dates(initial=due, complement=_complement_due(deadlines, due, now), now=now)
    answers = _fill(form, given, dates, late=late, kind=kind)
    return Dossier(
        schema=form.schema,
        form=form.id,
        kind=kind.value,
        reference=incident.reference,
        created_at=isoformat(now),
        aware_at=isoformat(incident.aware_at) if incident.aware_at else "",
        due_strict=isoformat(due) if due else "",
        late=late,
        drill=incident.drill,
        answers=answers,
        evidence=_evidence(affected),
        previous=_previous(filed, before) if kind is not FilingKind.INITIAL else None,
        changes=changes(before.answers, answers) if before is not None else (),
    )


class _Dates(msgspec.Struct, frozen=True):
    initial: datetime | None
    complement: datetime
    now: datetime

    def due(self, field: Field) -> datetime:
        """Return when an unknown answer is due: with the initial filing if that can still be."""
        soon = field.required_initial and self.initial is not None and self.initial > self.now
        return self.initial if soon and self.initial else self.complement


def standing(incident: Incident) -> list[Filing]:
    """Return the filings that stand, by when they were made; a withdrawal ends those before."""
    standing: list[Filing] = []
    for filing in sorted(incident.filings, key=lambda one: one.filed_at):
        standing = [] if filing.kind is FilingKind.WITHDRAW else [*standing, filing]
    return standing


def _of_the_filing(incident: Incident, kind: FilingKind, language: str) -> dict[str, object]:
    """Return what the form asks of the filing itself: no person's answer overrides it."""
    filed = standing(incident)
    # After an initial filing the portal takes the final one as a complement to it.
    told = FilingKind.COMPLEMENT if kind is FilingKind.COMPLETE and filed else kind
    return {
        "n.type": told.value,
        "n.previous_ref": filed[0].number if filed else None,
        LATE_REASONS: lateness_text(incident.lateness, language) if incident.lateness else None,
    }


def _previous(filed: Sequence[Filing], before: Dossier | None) -> Previous | None:
    if not filed:
        return None
    last = filed[-1]
    return Previous(
        kind=last.kind.value,
        number=last.number,
        filed_at=isoformat(last.filed_at),
        sha256=before.sha256 if before is not None else "",
    )


def _fill(
    form: Form, given: Mapping[str, object], dates: _Dates, *, late: bool, kind: FilingKind
) -> dict[str, object]:
    selected = {field.id: codes_of(given.get(field.id)) for field in form.fields}
    answers: dict[str, object] = {}
    for field in form.fields:
        condition = field.asked_when
        asked = condition.holds(selected) if condition else True
        if field.id == LATE_REASONS:
            asked = late
        answers[field.id] = _answer(form, field, given.get(field.id), asked, dates)
        if kind is FilingKind.WITHDRAW and is_unknown(answers[field.id]):
            answers[field.id] = None  # nobody finds out any more
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
