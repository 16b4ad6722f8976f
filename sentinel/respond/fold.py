"""Folds findings into alerts: one story for an analyst, however many times a rule fires.

Findings of one rule about one actor whose event times lie within the window become one alert; of
accesses to a person's data, those about the same person within a day, too: three hundred look-ups
are one story. A finding that was folded before is ignored, so that a replay after a crash alerts
nobody twice. Only a new alert writes to the outbox and the journal, in the transaction of its row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from sentinel.clock import Clock, isoformat
from sentinel.domain.alert import Alert
from sentinel.domain.deadline import Deadline, Obligation
from sentinel.domain.finding import Finding, Level
from sentinel.domain.outbox import Message
from sentinel.domain.reason import Reason
from sentinel.ids import digest_id, uuid7
from sentinel.legal.rulesets import in_force
from sentinel.store.ports import CaseTx

FOLDER = "sentinel:fold"
MAX_EVENTS = 1_000
MAX_REASONS = 20

SAME_PERSON = timedelta(days=1)

Route = Callable[[Alert], Sequence[str]]


class Gate(Protocol):
    """What may hold a finding back from opening an alert (see `review_gate`)."""

    def holds(self, finding: Finding) -> bool:
        """Tell whether the finding is of a rule that tells of accesses to persons' data."""
        ...

    def waits(self, tx: CaseTx, finding: Finding) -> bool:
        """Tell whether it waits; called once for each finding that would open an alert."""
        ...


class Folder:
    """Folds within ``window`` of event time; ``route`` names the channels of a new alert.

    ``gate``: what may hold a finding back from opening an alert; None = nothing.
    """

    def __init__(
        self, clock: Clock, *, window: timedelta, route: Route, gate: Gate | None = None
    ) -> None:
        self._gate = gate
        self._clock = clock
        self._window = window
        self._route = route

    def fold(self, tx: CaseTx, findings: Sequence[Finding]) -> list[Alert]:
        """Fold ``findings`` and return the alerts that are new or changed, in order of touch."""
        touched: dict[str, Alert] = {}
        homes: dict[str, tuple[Finding, str]] = {}
        opened: list[str] = []
        for finding in findings:
            if finding.id in homes or tx.alerts.has_finding(finding.id):
                continue
            known = self._home(tx, finding, touched)
            if known is None:
                if self._gate is not None and self._gate.waits(tx, finding):
                    continue
                known = new_alert(finding, self._clock.now())
                opened.append(known.id)
            else:
                fresh = known.id not in touched
                known = merged(known, finding)
                known.version += 1 if fresh else 0
            touched[known.id] = known
            homes[finding.id] = (finding, known.id)
        for alert in touched.values():
            tx.alerts.put(alert)
        for finding, alert_id in homes.values():
            tx.alerts.add_finding(finding, alert_id)
        for alert_id in opened:
            self._announce(tx, touched[alert_id])
        return list(touched.values())

    def _home(self, tx: CaseTx, finding: Finding, touched: dict[str, Alert]) -> Alert | None:
        """Return the live alert that ``finding`` belongs to: of this batch first, then stored."""
        since, until = finding.time - self._window, finding.time + self._window
        mark = fingerprint(finding)
        for alert in reversed(touched.values()):
            if alert.fingerprint == mark and alert.last >= since and alert.first <= until:
                return alert
        stored = tx.alerts.open_with_fingerprint(mark, since=since, until=until)
        if stored is None and self._gate is not None and self._gate.holds(finding):
            stored = self._same_person(tx, finding, mark, touched)
        return touched.get(stored.id, stored) if stored else None

    def _same_person(
        self, tx: CaseTx, finding: Finding, mark: str, touched: dict[str, Alert]
    ) -> Alert | None:
        """Return the live alert of the last day that tells of the same actor and persons."""
        since, until = finding.time - SAME_PERSON, finding.time
        persons = set(finding.subjects)
        for alert in reversed(touched.values()):
            near = alert.fingerprint == mark and alert.last >= since and alert.first <= until
            if near and persons and persons <= set(alert.subjects):
                return alert
        while persons:
            stored = tx.alerts.open_with_fingerprint(mark, since=since, until=until)
            if stored is None or persons <= set(stored.subjects):
                return stored
            until = stored.first - timedelta(microseconds=1)
        return None

    def _announce(self, tx: CaseTx, alert: Alert) -> None:
        now = self._clock.now()
        tx.incidents.put_deadline(_acknowledge_by(alert, now))
        channels = list(dict.fromkeys(self._route(alert)))
        for channel in channels:
            tx.outbox.enqueue(_message(alert, channel, now))
        tx.journal.append(
            occurred_at=alert.last,
            actor=FOLDER,
            action="alert.opened",
            object_id=alert.id,
            payload={"rule": alert.rule.slug, "level": alert.rule.level, "channels": channels},
        )


def fingerprint(finding: Finding) -> str:
    """Return what findings of one alert share: the rule and the actor."""
    return digest_id("alert", finding.rule.id, finding.actor)


def new_alert(finding: Finding, now: datetime) -> Alert:
    """Return the alert that a first finding opens."""
    return Alert(
        id=uuid7(),
        fingerprint=fingerprint(finding),
        rule=finding.rule,
        actor=finding.actor,
        subjects=tuple(sorted(set(finding.subjects))),
        categories=tuple(sorted(set(finding.categories))),
        first=finding.time,
        last=finding.time,
        created_at=now,
        count=1,
        event_count=finding.event_count,
        events=finding.events[:MAX_EVENTS],
        refs=finding.refs[:MAX_EVENTS],
        reasons=finding.reasons[:MAX_REASONS],
        score=finding.score,
    )


def merged(alert: Alert, finding: Finding) -> Alert:
    """Return ``alert`` with one more finding. Lists are capped, counts stay true.

    An event that two findings share is counted once, as far as the list of events reaches.
    """
    known = set(alert.events)
    added = [
        pair for pair in zip(finding.events, finding.refs, strict=True) if pair[0] not in known
    ]
    shared = len(finding.events) - len(added)
    room = MAX_EVENTS - len(alert.events)
    return msgspec.structs.replace(
        alert,
        subjects=tuple(sorted({*alert.subjects, *finding.subjects})),
        categories=tuple(sorted({*alert.categories, *finding.categories})),
        first=min(alert.first, finding.time),
        last=max(alert.last, finding.time),
        count=alert.count + 1,
        event_count=alert.event_count + finding.event_count - shared,
        events=(*alert.events, *(event for event, _ in added[:room])),
        refs=(*alert.refs, *(ref for _, ref in added[:room])),
        reasons=_united(alert.reasons, finding.reasons),
        score=max((s for s in (alert.score, finding.score) if s is not None), default=None),
    )


def _united(first: tuple[Reason, ...], second: tuple[Reason, ...]) -> tuple[Reason, ...]:
    new = [reason for reason in second if reason not in first]
    return (*first, *new)[:MAX_REASONS]


def _acknowledge_by(alert: Alert, now: datetime) -> Deadline:
    rule = in_force(now).clock("ACK-CRITICAL" if alert.rule.level is Level.CRITICAL else "ACK")
    clock = rule.start(deadline_id=uuid7(), incident_id=alert.id, anchor=now)
    return msgspec.structs.replace(clock, obligation=Obligation.ACK)


def _message(alert: Alert, channel: str, now: datetime) -> Message:
    titles = alert.rule.titles or {"en": alert.rule.title}
    return Message(
        id=uuid7(),
        key=f"alert:{alert.id}:{channel}",
        channel=channel,
        kind="alert",
        context={
            "alert_id": alert.id,
            "rule": alert.rule.slug,
            "title": {"en": alert.rule.title} | titles,
            "level": alert.rule.level.value,
            "actor": alert.actor,
            "subjects": len(alert.subjects),
            "events": alert.event_count,
            "first": isoformat(alert.first),
            "last": isoformat(alert.last),
        },
        created_at=now,
        next_attempt_at=now,
    )
