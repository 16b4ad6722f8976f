"""The affected persons of a case: the question, the count over stored events, the frozen set."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from sentinel.clock import Clock
from sentinel.detect.scope.engine import ScopeEngine, access_of
from sentinel.domain.affected import Affected, Extent, Selection
from sentinel.domain.alert import Alert
from sentinel.domain.blind import BlindWindow
from sentinel.domain.event import SCOPE_VERDICT, Event
from sentinel.domain.incident import Actor, Incident
from sentinel.domain.scope import Standing
from sentinel.errors import Refused
from sentinel.respond.affected import before, counted, look_back, selected
from sentinel.respond.affected_doubt import Habits
from sentinel.respond.workflow.affected import freeze_affected, narrow_affected, widen_affected
from sentinel.store.ports import CaseTx, EventStore

if TYPE_CHECKING:
    from sentinel.app.casework import InStore

INSTANT = timedelta(milliseconds=1)  # instants are printed in milliseconds
HABITS = timedelta(days=30)  # of earlier accesses that tell ordinary work
SLICE = 512
MOST_WINDOWS = 500
EXTENTS = {
    "out_of_scope_access": Extent.UNJUSTIFIED,
    "account_takeover": Extent.BEYOND_OWN_WORK,
    "credential_stuffing": Extent.BEYOND_OWN_WORK,
}
"""What is asked first, by kind of case; any other kind: everything."""


PERSONS_COMMANDS = ("freeze_affected", "widen_affected", "narrow_affected")


def selection_of(incident: Incident, alerts: Iterable[Alert]) -> Selection | None:
    """Return the question that a case asks by itself; None where it names no actor or window.

    Its actors in its window, as far as its kind goes, and the events of its alerts.
    """
    since, until = incident.occurred_from, incident.occurred_to
    if since is None or until is None or not incident.actors:
        return None
    return Selection(
        actors=tuple(sorted(incident.actors)),
        since=since,
        until=until + INSTANT,
        extent=EXTENTS.get(incident.kind.replace("-", "_"), Extent.EVERYTHING),
        event_ids=tuple(sorted({event for alert in alerts for event in alert.events})),
    )


def standing_of(engine: ScopeEngine) -> Callable[[Event], Standing | None]:
    """Return what says how well an access is justified by the facts known now.

    None for what the engine does not judge: a customer's own session, staff before they are
    informed, an event without person and category.
    """

    def standing(event: Event) -> Standing | None:
        access = access_of(event)
        if access is None or SCOPE_VERDICT not in engine.judge(event).fields:
            return None
        return engine.standing(access)

    return standing


class AffectedCases:
    """Counts and freezes for one service."""

    def __init__(
        self, in_store: InStore, events: EventStore, clock: Clock, scope: ScopeEngine
    ) -> None:
        self._in_store = in_store
        self._events = events
        self._clock = clock
        self._scope = scope

    async def question(self, incident: Incident) -> Selection | None:
        """Return the question of the frozen set, else the one that the case asks by itself."""
        if incident.affected is not None and incident.affected.selection is not None:
            return incident.affected.selection
        alerts = await self._in_store(lambda tx: tx.alerts.find(incident_id=incident.id))
        return selection_of(incident, alerts)

    async def count(self, selection: Selection) -> Affected:
        """Return the answer by the events stored and the facts known now."""
        found = await asyncio.to_thread(lambda: list(selected(self._events, selection)))
        earlier = await asyncio.to_thread(lambda: list(before(self._events, selection, HABITS)))
        standings = await self._standings([*found, *earlier])
        windows = await self._in_store(lambda tx: _windows(tx, selection))
        return counted(
            found,
            selection,
            standing=lambda event: standings[event.id],
            limits=windows,
            habits=Habits(earlier, lambda event: standings[event.id]),
        )

    async def _standings(self, events: list[Event]) -> dict[str, Standing | None]:
        standing = standing_of(self._scope)
        standings: dict[str, Standing | None] = {}
        for start in range(0, len(events), SLICE):
            standings |= {event.id: standing(event) for event in events[start : start + SLICE]}
            await asyncio.sleep(0)
        return standings

    async def earlier(self, selection: Selection, span: timedelta) -> Affected | None:
        """Return what the same actors did without reason in the ``span`` before the window."""
        question = look_back(selection, span)
        return await self.count(question) if question is not None else None

    async def freeze(
        self, actor: Actor, incident_id: str, selection: Selection | None = None
    ) -> Incident:
        """Count and freeze. Raises Refused where the case asks nothing yet, or another set."""
        incident = await self._in_store(lambda tx: tx.incidents.get(incident_id))
        asked = selection or await self.question(incident)
        if asked is None:
            raise Refused("the case names no actor or no window yet: nothing can be counted")
        found = await self.count(asked)
        now = self._clock.now()
        return await self._in_store(
            lambda tx: freeze_affected(tx, actor, incident.id, affected=found, now=now)
        )

    async def change(
        self, actor: Actor, incident_id: str, selection: Selection, reason: str, *, widen: bool
    ) -> Incident:
        """Count ``selection`` and replace the frozen set by it, with a reason. Raises Refused."""
        found = await self.count(selection)
        command = widen_affected if widen else narrow_affected
        now = self._clock.now()
        return await self._in_store(
            lambda tx: command(tx, actor, incident_id, affected=found, reason=reason, now=now)
        )

    async def run(
        self,
        name: str,
        actor: Actor,
        *,
        incident_id: str,
        extent: str = "",
        persons: Iterable[str] = (),
        reason: str = "",
    ) -> Incident:
        """Run one of `PERSONS_COMMANDS`, as the console and the API ask for it."""
        if name != "freeze_affected":
            widen = name == "widen_affected"
            named = [person for typed in persons for person in typed.split()]  # one a line
            return await self.by_hand(actor, incident_id, named, reason, widen=widen)
        incident = await self._in_store(lambda tx: tx.incidents.get(incident_id))
        asked = await self.question(incident)
        if asked is not None and extent:
            asked = msgspec.structs.replace(asked, extent=Extent(extent))
        return await self.freeze(actor, incident_id, asked)

    async def by_hand(
        self, actor: Actor, incident_id: str, persons: Iterable[str], reason: str, *, widen: bool
    ) -> Incident:
        """Put ``persons`` into the frozen set, or take them out, with a reason. Raises Refused."""
        incident = await self._in_store(lambda tx: tx.incidents.get(incident_id))
        frozen = incident.affected
        if frozen is None or frozen.selection is None:
            raise Refused("the affected persons are not frozen yet")
        asked = with_persons(frozen.selection, persons, widen=widen)
        return await self.change(actor, incident_id, asked, reason, widen=widen)


def with_persons(selection: Selection, persons: Iterable[str], *, widen: bool) -> Selection:
    """Return the question with ``persons`` put in, or taken out, by hand."""
    named = set(persons)
    added, removed = set(selection.added), set(selection.removed)
    added, removed = (added | named, removed - named) if widen else (added - named, removed | named)
    return msgspec.structs.replace(
        selection, added=tuple(sorted(added)), removed=tuple(sorted(removed))
    )


def _windows(tx: CaseTx, selection: Selection) -> list[BlindWindow]:
    return tx.blind.find(since=selection.since, until=selection.until, limit=MOST_WINDOWS)
