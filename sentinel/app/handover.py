"""Hands over what detection judged: events to their store, findings to alerts, then the offset.

Where a store refuses (StorageError) everything is brought again later. Anything else is a fault of
ours that would come back for ever: then the batch is taken apart, and what cannot be handed over
alone is set aside, in the journal and in the counts, so that the rest goes on.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from sentinel.app import revision
from sentinel.app.casework import InStore
from sentinel.clock import Clock
from sentinel.detect.detector import Judged
from sentinel.detect.diary import States
from sentinel.domain.alert import Alert
from sentinel.domain.event import Event
from sentinel.domain.finding import Finding
from sentinel.domain.scope import Fact
from sentinel.errors import StorageError
from sentinel.obs import log
from sentinel.obs.fault import describe
from sentinel.obs.metrics import Metrics
from sentinel.respond.fold import FOLDER, Folder
from sentinel.store.payload import UnstorableEvent, encode
from sentinel.store.ports import CaseTx, EventStore

OFFSET = "consumer:detect"
UNSTORABLE = "sentinel.unstorable"


class Handover:
    """The sink of detection. ``set_aside``: what could not be handed over, by kind."""

    def __init__(
        self,
        events: EventStore,
        in_store: InStore,
        folder: Folder,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self.set_aside: Counter[str] = Counter()
        self._events = events
        self._in_store = in_store
        self._folder = folder
        self._metrics = metrics
        self._clock = clock
        self._log = log.get("handover")

    async def take(self, judged: Judged, last: int) -> None:
        """Store the events, then, in one transaction, facts, alerts and the offset.

        Raises StorageError: then the same batch may be brought again, and nothing doubles.
        """
        await asyncio.to_thread(self._store, judged.events, last)
        findings = (*judged.findings, *judged.navigation)

        def commit(tx: CaseTx) -> list[Alert]:
            if judged.facts:
                tx.facts.put_many(judged.facts)
            revision.note(tx, judged.reach, last)
            touched = self._folder.fold(tx, findings)
            _put_offset(tx, judged, last)
            return touched

        try:
            touched = await self._in_store(commit)
        except StorageError:
            raise
        except Exception as error:
            self._log.error("batch taken apart", fault=describe(error), offset=last)
            await self._take_apart(judged, last)
        else:
            self._count(findings, touched)

    async def fold(self, findings: Sequence[Finding], state: States) -> None:
        """Open alerts for findings that time alone brought, and keep ``state`` with them.

        Raises StorageError.
        """

        def commit(tx: CaseTx) -> list[Alert]:
            _put_state(tx, state)
            return self._folder.fold(tx, findings)

        try:
            touched = await self._in_store(commit)
        except StorageError:
            raise
        except Exception as error:
            self._log.error("findings taken apart", fault=describe(error))
            for finding in findings:
                await self._fold_alone(finding)
            await self._in_store(lambda tx: _put_state(tx, state))
        else:
            self._count(findings, touched)

    async def _take_apart(self, judged: Judged, last: int) -> None:
        for fact in judged.facts:
            await self._keep_alone(fact)
        for finding in (*judged.findings, *judged.navigation):
            await self._fold_alone(finding)

        def close(tx: CaseTx) -> None:
            revision.note(tx, judged.reach, last)
            _put_offset(tx, judged, last)

        await self._in_store(close)

    async def _keep_alone(self, fact: Fact) -> None:
        try:
            await self._in_store(lambda tx: tx.facts.put_many([fact]))
        except StorageError:
            raise
        except Exception as error:
            self._aside("fact", error, of=fact.kind)

    async def _fold_alone(self, finding: Finding) -> None:
        try:
            touched = await self._in_store(lambda tx: self._folder.fold(tx, [finding]))
        except StorageError:
            raise
        except Exception as error:
            self._aside("finding", error, of=finding.rule.slug)
            fault = describe(error)
            await self._in_store(lambda tx: self._note(tx, finding, fault))
        else:
            self._count([finding], touched)

    def _note(self, tx: CaseTx, finding: Finding, fault: str) -> None:
        """Write a finding that no alert tells of into the journal, which a person reads."""
        tx.journal.append(
            occurred_at=self._clock.now(),
            actor=FOLDER,
            action="finding.set_aside",
            object_id=finding.id,
            payload={"rule": finding.rule.slug, "fault": fault, "events": list(finding.events)},
        )

    def _store(self, events: Sequence[Event], last: int) -> None:
        try:
            self._events.append(events, last_offset=last)
        except UnstorableEvent as error:
            self._log.error("events stored without their fields", fault=describe(error))
            self._events.append(list(self._storable(events)), last_offset=last)

    def _storable(self, events: Sequence[Event]) -> Iterator[Event]:
        for event in events:
            try:
                encode([event])
            except UnstorableEvent as error:
                self._aside("event", error, of=event.source)
                yield msgspec.structs.replace(event, fields={UNSTORABLE: True})
            else:
                yield event

    def _aside(self, kind: str, error: Exception, *, of: str) -> None:
        self.set_aside[kind] += 1
        self._metrics.set_aside.labels(kind).inc()
        self._log.error("set aside", kind=kind, of=of, fault=describe(error))

    def _count(self, findings: Sequence[Finding], touched: Sequence[Alert]) -> None:
        for finding in findings:
            self._metrics.findings.labels(finding.rule.slug).inc()
        for alert in touched:
            if alert.version == 1:
                self._metrics.alerts.labels(alert.rule.level.value).inc()


def _put_offset(tx: CaseTx, judged: Judged, last: int) -> None:
    """Store the offset with what detection must find again beside it."""
    if judged.also is not None:
        judged.also(tx)
    _put_state(tx, judged.state)
    tx.state.put(OFFSET, str(last).encode())


def _put_state(tx: CaseTx, state: States) -> None:
    for name, value in state.items():
        tx.state.put(name, value)
