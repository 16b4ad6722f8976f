"""Compare effective permissions with the scope model every morning, and tell of what is new."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from sentinel.app.casework import InStore
from sentinel.app.parts import content_of, make_pseudonymiser
from sentinel.app.scope_review import load_pseudo_rule
from sentinel.clock import Clock
from sentinel.config import Settings
from sentinel.detect.scope.drift import DriftItem, find_drift, load_permissions
from sentinel.detect.scope.facts import FactIndex
from sentinel.detect.scope.load import load_scope
from sentinel.domain import event as names
from sentinel.domain.event import Event
from sentinel.domain.finding import Finding, finding_id
from sentinel.domain.scope import Fact
from sentinel.ids import digest_id
from sentinel.obs import log
from sentinel.respond.fold import Folder
from sentinel.store.ports import CaseTx, EventStore

RULE = "permission_drift"
STATE = "scope:drift"


class Known(msgspec.Struct):
    """``day``: of the last comparison; ``open``: digests of the differences that it found."""

    day: str = ""
    open: list[str] = []


class ScopeDrift:
    """The comparison of a running service. Accounts appear under their pseudonyms."""

    def __init__(
        self,
        settings: Settings,
        in_store: InStore,
        events: EventStore,
        folder: Folder,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._in_store = in_store
        self._events = events
        self._folder = folder
        self._clock = clock
        self._rule = load_pseudo_rule(settings, RULE)
        self._pseudonym = make_pseudonymiser(settings).pseudonym
        self._log = log.get("drift")

    async def look(self) -> list[DriftItem]:
        """Compare once a day; return the differences that were not there the day before."""
        path = self._settings.scope.drift.permissions
        now = self._clock.now()
        local = now.astimezone(ZoneInfo(self._settings.timezone))
        if path is None or local.time() < self._settings.scope.drift.at:
            return []
        known = _known(await self._in_store(lambda tx: tx.state.get(STATE)))
        if known.day == local.date().isoformat():
            return []
        facts = await self._in_store(lambda tx: list(tx.facts.all()))
        items = await asyncio.to_thread(self._compare, path, facts, now)
        fresh = [item for item in items if _digest(item) not in known.open]
        after = Known(day=local.date().isoformat(), open=[_digest(item) for item in items])

        def commit(tx: CaseTx) -> None:
            findings = [self._finding(item, after.day, now) for item in fresh]
            self._folder.fold(tx, findings)
            tx.state.put(STATE, msgspec.json.encode(after))
            tx.journal.append(
                occurred_at=now,
                actor="sentinel:drift",
                action="scope.drift_compared",
                object_id=STATE,
                payload={"differences": len(items), "new": len(fresh)},
            )

        await self._in_store(commit)
        self._log.info("permissions compared", differences=len(items), new=len(fresh))
        return fresh

    def _compare(self, path: Path, facts: list[Fact], now: datetime) -> list[DriftItem]:
        permissions = [
            msgspec.structs.replace(one, staff=self._pseudonym("usr", one.staff))
            for one in load_permissions(path)
        ]
        dormant_after = timedelta(days=self._settings.scope.drift.dormant_days)
        accounts = {one.staff for one in permissions}
        seen = self._last_seen(accounts, now - dormant_after)
        return find_drift(
            permissions,
            load_scope(content_of(self._settings, "scopes")),
            FactIndex(facts),
            now=now,
            dormant_after=dormant_after,
            last_access=seen.get,
        )

    def _last_seen(self, accounts: set[str], since: datetime) -> dict[str, datetime]:
        seen: dict[str, datetime] = {}

        def theirs(event: Event) -> bool:
            return event.text(names.USER) in accounts

        for event in self._events.search(since=since, where=theirs):
            seen[event.text(names.USER)] = event.time.astimezone(UTC)
        return seen

    def _finding(self, item: DriftItem, day: str, now: datetime) -> Finding:
        return Finding(
            id=finding_id(self._rule.id, (day, _digest(item))),
            rule=self._rule,
            time=now,
            actor=item.staff,
            subjects=(),
            events=(),
            refs=(),
            event_count=0,
            reasons=(item.reason,),
        )


def _known(stored: bytes | None) -> Known:
    return msgspec.json.decode(stored, type=Known) if stored else Known()


def _digest(item: DriftItem) -> str:
    return digest_id("drift", item.kind.value, item.staff, item.role, item.what)
