"""The rows that a purge takes from the case store, in one transaction with its certificate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date, datetime

import msgspec

from sentinel.domain.alert import Alert
from sentinel.domain.calendar import midnight
from sentinel.domain.certificate import Item, Stayed, digest_of
from sentinel.domain.hold import Hold, HoldScope
from sentinel.domain.incident import Document, Incident, Legal
from sentinel.domain.retention import INCIDENT, NORMAL, PERIODS
from sentinel.errors import Refused
from sentinel.respond import anchoring
from sentinel.respond.holds import holds_case
from sentinel.respond.reclassify import ALL_CASES, KEEPER, due_of, purged_cases, take_away
from sentinel.store.ports import CaseTx
from sentinel.store.ports_retention import Gone

JOURNAL_REASON = "purge of the day: payloads recorded more than 36 months ago"
AT_THE_END = "at their end"


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """When a run runs: the instant, the day in ``zone``, what is held."""

    now: datetime
    today: date
    zone: str
    holds: tuple[Hold, ...]

    def cutoff(self, kind: str) -> datetime:
        """Return the first instant that stays, of a retention class."""
        return midnight(PERIODS[kind].cutoff(self.today), self.zone)


class Taken(msgspec.Struct, kw_only=True):
    """What a run took, and what was due and stayed."""

    items: list[Item] = []
    stayed: list[Stayed] = []

    def add(self, what: str, kind: str, gone: Sequence[Gone], rule: str) -> None:
        """Note rows that went; none is no item."""
        if gone:
            self.items.append(
                Item(
                    what=what,
                    kind=kind,
                    count=len(gone),
                    rule=rule,
                    digest=digest_of([one.id for one in gone]),
                    first=min(one.at for one in gone),
                    last=max(one.at for one in gone),
                )
            )


def cases_due(tx: CaseTx, moment: Moment) -> tuple[list[Incident], list[Stayed]]:
    """Return the cases whose time is over, and those that stay all the same."""
    found, stayed, purged = [], [], purged_cases(tx)
    for incident in tx.incidents.find(limit=ALL_CASES):
        if incident.id in purged:
            continue
        answer = due_of(incident, moment.today, moment.zone)
        if answer.purge_not_before > moment.today:
            continue
        hold = holds_case(moment.holds, incident.id)
        if hold is not None:
            stayed.append(Stayed(what="cases", why="hold", name=hold.name, count=1))
        elif answer.held:
            stayed.append(Stayed(what="cases", why="open_case", name=incident.reference, count=1))
        else:
            found.append(incident)
    return found, stayed


def stale_drafts(tx: CaseTx, moment: Moment) -> list[Document]:
    """Return the drafts of closed cases that nobody filed, 12 months after they were drawn up."""
    before = moment.cutoff(NORMAL)
    return [
        document
        for incident in tx.incidents.find(limit=ALL_CASES)
        if incident.legal is Legal.CLOSED and holds_case(moment.holds, incident.id) is None
        for document in tx.incidents.documents(incident.id)
        if document.state == "draft" and document.created_at < before
    ]


def take(tx: CaseTx, moment: Moment, *, certificate: int, after: int) -> Taken:
    """Remove the rows whose time is over. ``after``: line of the journal at the last run."""
    taken = Taken()
    _cases(tx, moment, taken, certificate)
    _alerts(tx, moment, taken)
    normal = str(PERIODS[NORMAL])
    drafts = stale_drafts(tx, moment)
    for document in drafts:
        tx.retention.drop_document(document.id)
    taken.add("drafts", NORMAL, [Gone(one.id, one.created_at) for one in drafts], normal)
    living = {one.id for one in tx.incidents.find(limit=ALL_CASES)} - purged_cases(tx)
    messages = tx.retention.drop_messages(moment.cutoff(NORMAL), living)
    taken.add("messages", NORMAL, messages, normal)
    taken.add("facts", NORMAL, tx.retention.drop_facts(moment.cutoff(NORMAL)), normal)
    sessions, tokens = tx.retention.drop_sessions(moment.now, moment.cutoff(NORMAL))
    taken.add("sessions", NORMAL, sessions, AT_THE_END)
    taken.add("tokens", NORMAL, tokens, f"{PERIODS[NORMAL].months} months after their end")
    _letters(tx, taken, after)
    _journal(tx, moment, taken)
    return taken


def _cases(tx: CaseTx, moment: Moment, taken: Taken, certificate: int) -> None:
    cases, stayed = cases_due(tx, moment)
    taken.stayed += stayed
    gathered: list[Gone] = []
    for incident in cases:
        gathered += take_away(tx, incident, certificate, moment.now)
    rule = f"{PERIODS[INCIDENT]}; a false positive: {PERIODS[NORMAL]}"
    told = [Gone(one.id, one.detected_at or one.created_at) for one in cases]
    taken.add("cases", INCIDENT, told, rule)
    taken.add("case_files", INCIDENT, gathered, rule)


def _alerts(tx: CaseTx, moment: Moment, taken: Taken) -> None:
    purged = purged_cases(tx)
    gone: list[Gone] = []
    held: dict[str, int] = {}
    for loose in tx.retention.alerts_before(moment.cutoff(NORMAL)):
        if loose.incident_id and loose.incident_id not in purged:
            continue  # it goes with its case
        hold = _holding(tx.alerts.get(loose.id), moment.holds) if moment.holds else None
        if hold is None:
            gone.append(Gone(loose.id, loose.at))
        else:
            held[hold.name] = held.get(hold.name, 0) + 1
    tx.retention.drop_alerts([one.id for one in gone])
    taken.add("alerts", NORMAL, gone, f"{PERIODS[NORMAL].months} months after their last event")
    taken.stayed += [
        Stayed(what="alerts", why="hold", name=name, count=count) for name, count in held.items()
    ]


def _holding(alert: Alert, holds: Iterable[Hold]) -> Hold | None:
    return next((hold for hold in holds if _about(alert, hold.scope)), None)


def _about(alert: Alert, scope: HoldScope) -> bool:
    """Tell whether a hold is about an alert; a source is not known of one, so it is held."""
    if scope.case:
        return alert.incident_id == scope.case
    if scope.person and scope.person not in (alert.actor, *alert.subjects):
        return False
    before_it = scope.until is not None and alert.first >= scope.until
    after_it = scope.since is not None and alert.last < scope.since
    return not before_it and not after_it


def _letters(tx: CaseTx, taken: Taken, after: int) -> None:
    """Tell of the dead letters that the hourly sweep erased since the last run."""
    lines = tx.journal.lines(object_id="dead_letters", after=after)
    swept = [one for one in lines if one.action == "dead_letters.expired"]
    count = sum(_letters_of(tx.journal.opened(one)) for one in swept)
    if count:
        taken.items.append(
            Item(
                what="dead_letters",
                kind=NORMAL,
                count=count,
                rule="blind.dead_letter_days after they came",
                digest=digest_of([one.hash for one in swept]),
                first=swept[0].occurred_at,
                last=swept[-1].occurred_at,
            )
        )


def _letters_of(payload: object) -> int:
    sources = payload.get("sources", {}) if isinstance(payload, dict) else {}
    return sum(int(count) for count in sources.values())


def _journal(tx: CaseTx, moment: Moment, taken: Taken) -> None:
    """Drop old payloads, but none of the time of a case that is still kept."""
    purged = purged_cases(tx)
    kept = [one for one in tx.incidents.find(limit=ALL_CASES) if one.id not in purged]
    before = min([moment.cutoff(INCIDENT), *(one.created_at for one in kept)])
    dropped = 0
    with suppress(Refused):  # nothing is anchored so far
        dropped = anchoring.purge(
            tx, recorded_before=before, actor=KEEPER, reason=JOURNAL_REASON, now=moment.now
        )
    if dropped:
        taken.items.append(
            Item(
                what="journal_payloads",
                kind=INCIDENT,
                count=dropped,
                rule="36 months after they were recorded",
                digest=digest_of([f"journal before {before.isoformat()}"]),
                last=before,
            )
        )
