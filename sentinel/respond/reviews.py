"""Keep the daily reviews, sealed, and raise alerts for what they choose.

A review is written once, with its alerts and its journal line, in one transaction: a service that
dies before has written nothing and makes the same review again.
"""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

from sentinel.clock import isoformat
from sentinel.domain.finding import Finding, RuleInfo, finding_id
from sentinel.domain.review import Entry, Review
from sentinel.errors import StorageError
from sentinel.respond.fold import Folder
from sentinel.store.ports import CaseTx, Sealer

DAYS = "scope:reviews"
REVIEWER = "sentinel:review"
LEAST = 0.0  # score from which an entry is an alert: above, it speaks against an ordinary reason
LOOKED_AT = 2_000  # alerts, newest first, among which those of the day are found


def review_name(day: date) -> str:
    """Return the name under which a review is stored."""
    return f"scope:review:{day.isoformat()}"


def review_days(tx: CaseTx) -> list[date]:
    """Return the days that were reviewed, oldest first."""
    stored = tx.state.get(DAYS)
    return msgspec.json.decode(stored, type=list[date]) if stored else []


def load_review(tx: CaseTx, sealer: Sealer, day: date) -> Review | None:
    """Return the review of ``day``; None where there is none. Raises StorageError."""
    name = review_name(day)
    sealed = tx.state.get(name)
    if sealed is None:
        return None
    try:
        return msgspec.json.decode(sealer.open(sealed, context=name), type=Review)
    except msgspec.MsgspecError as error:
        raise StorageError("this review cannot be read", where=name) from error


def chosen_before(
    tx: CaseTx, sealer: Sealer, day: date, within: timedelta
) -> list[tuple[date, list[tuple[str, str]]]]:
    """Return the pairs that the reviews of the days before ``day`` chose."""
    return [
        (at, [(one.actor, one.subject) for one in review.entries])
        for at in review_days(tx)
        if at < day <= at + within and (review := load_review(tx, sealer, at)) is not None
    ]


def keep_review(
    tx: CaseTx, sealer: Sealer, folder: Folder, review: Review, rule: RuleInfo
) -> Review:
    """Store a review once, with an alert for each entry that stands out and has none yet.

    While the ranking is learning, and at or below the score 0, an entry is only listed.
    """
    known = load_review(tx, sealer, review.day)
    if known is not None:
        return known
    told = _told(tx, review)
    entries: list[Entry] = []
    for entry in review.entries:
        alert = next((told[event] for event in entry.events if event in told), "")
        if not alert and not review.learning and entry.score > LEAST:
            raised = folder.fold(tx, [_finding(entry, rule)])
            alert = raised[0].id if raised else ""
        entries.append(msgspec.structs.replace(entry, alert=alert))
    kept = msgspec.structs.replace(review, entries=tuple(entries))
    name = review_name(review.day)
    tx.state.put(name, sealer.seal(msgspec.json.encode(kept), context=name))
    days = sorted({*review_days(tx), review.day})
    tx.state.put(DAYS, msgspec.json.encode(days))
    tx.journal.append(
        occurred_at=review.reviewed_at,
        actor=REVIEWER,
        action="scope.reviewed",
        object_id=name,
        payload=_summary(kept),
    )
    return kept


def _summary(review: Review) -> dict[str, object]:
    return {
        "day": review.day.isoformat(),
        "reviewed_at": isoformat(review.reviewed_at),
        "visits": review.visits,
        "unexplained": review.unexplained,
        "listed": len(review.entries),
        "budget": review.budget,
        "cut": review.cut,
        "highest_cut": review.highest_cut,
        "learning": review.learning,
        "alerts": [entry.alert for entry in review.entries if entry.alert],
    }


def _told(tx: CaseTx, review: Review) -> dict[str, str]:
    """Return, by event, the alerts that already tell of the accesses of the review."""
    since = min((entry.first for entry in review.entries), default=review.reviewed_at)
    alerts = tx.alerts.find(limit=LOOKED_AT)
    return {event: alert.id for alert in alerts if alert.last >= since for event in alert.events}


def _finding(entry: Entry, rule: RuleInfo) -> Finding:
    return Finding(
        id=finding_id(rule.id, (entry.actor, entry.subject, *entry.events)),
        rule=rule,
        time=entry.last,
        actor=entry.actor,
        subjects=(entry.subject,),
        events=entry.events,
        refs=entry.refs,
        event_count=entry.looks,
        reasons=entry.reasons,
        categories=entry.categories,
        score=entry.score,
    )
