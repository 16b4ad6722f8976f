"""Answers of staff, or of their manager, to what an access was asked about.

An answer stands in the journal beside its alert, with author and time, and revises nothing by
itself. Where somebody in charge accepts it, it becomes a business fact, as any other reason is: a
weak one, because it was recorded after the access. The running service learns it at once.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from sentinel.domain.alert import Alert
from sentinel.domain.journal import JournalLine
from sentinel.domain.scope import Fact
from sentinel.errors import Refused
from sentinel.store.ports import CaseTx

ANSWERED = "scope.answered"
ACCEPTED = "scope.answer_accepted"
KIND = "answer"
NEWS = "scope:answers_accepted"
LONGEST = 4_000


class StaffAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered. ``by``: who said it; ``evidence``: where it can be checked."""

    seq: int
    at: datetime
    by: str
    manager: bool
    text: str
    evidence: str
    accepted_by: str = ""


def record_answer(
    tx: CaseTx, alert_id: str, *, by: str, text: str, evidence: str, manager: bool, now: datetime
) -> int:
    """Write an answer into the journal; return its number. Raises NotFound, Refused."""
    alert = tx.alerts.get(alert_id)
    if not by.strip():
        raise Refused("an answer needs its author", hint="--by NAME")
    if not text.strip():
        raise Refused("an answer needs a text")
    if len(text) > LONGEST:
        raise Refused(f"an answer has at most {LONGEST} characters")
    line = tx.journal.append(
        occurred_at=now,
        actor=by.strip(),
        action=ANSWERED,
        object_id=alert.id,
        payload={"text": text.strip(), "evidence": evidence.strip(), "manager": manager},
    )
    return line.seq


def accept_answer(
    tx: CaseTx, alert_id: str, seq: int, *, by: str, now: datetime
) -> tuple[Fact, ...]:
    """Accept an answer as a business fact about each person of the alert. Raises Refused.

    Whoever gave the answer cannot accept it. The fact holds for the accesses of the alert alone,
    is recorded now, and says so: a replay of an earlier instant does not know it.
    """
    alert = tx.alerts.get(alert_id)
    answer = next((one for one in answers(tx, alert.id) if one.seq == seq), None)
    if answer is None:
        raise Refused(f"this alert has no answer number {seq}")
    if answer.accepted_by:
        raise Refused("this answer is accepted already")
    if not by.strip() or by.strip().casefold() == answer.by.casefold():
        raise Refused("an answer is accepted by somebody else than its author")
    if not answer.evidence:
        raise Refused(
            "an answer without evidence cannot become a fact", hint="--evidence REFERENCE"
        )
    facts = tuple(_fact(alert, subject, answer, now) for subject in alert.subjects)
    tx.facts.put_many(facts)
    tx.state.put(NEWS, msgspec.json.encode([*accepted_news(tx), *facts]))
    tx.journal.append(
        occurred_at=now,
        actor=by.strip(),
        action=ACCEPTED,
        object_id=alert.id,
        payload={"answer": seq, "facts": [fact.id for fact in facts]},
    )
    return facts


def accepted_news(tx: CaseTx) -> list[Fact]:
    """Return the facts of accepted answers that the service does not know yet.

    Whoever accepts may be another process than the service, which learns of them here.
    """
    stored = tx.state.get(NEWS)
    return msgspec.json.decode(stored, type=list[Fact]) if stored else []


def answers(tx: CaseTx, alert_id: str) -> list[StaffAnswer]:
    """Return the answers to an alert, oldest first."""
    lines = tx.journal.lines(object_id=alert_id)
    accepted = {_number(tx, line): line.actor for line in lines if line.action == ACCEPTED}
    return [_answer(tx, line, accepted) for line in lines if line.action == ANSWERED]


def _answer(tx: CaseTx, line: JournalLine, accepted: dict[int, str]) -> StaffAnswer:
    told = tx.journal.opened(line)
    said: dict[str, object] = told if isinstance(told, dict) else {}
    return StaffAnswer(
        seq=line.seq,
        at=line.occurred_at,
        by=line.actor,
        manager=bool(said.get("manager")),
        text=str(said.get("text", "")),
        evidence=str(said.get("evidence", "")),
        accepted_by=accepted.get(line.seq, ""),
    )


def _number(tx: CaseTx, line: JournalLine) -> int:
    told = tx.journal.opened(line)
    return int(told["answer"]) if isinstance(told, dict) and "answer" in told else 0


def _fact(alert: Alert, subject: str, answer: StaffAnswer, now: datetime) -> Fact:
    return Fact(
        kind=KIND,
        id=f"{alert.id}#{answer.seq}",
        subject=subject,
        actor=alert.actor,
        valid_from=alert.first,
        valid_to=alert.last + timedelta(microseconds=1),
        recorded_at=now,
    )
