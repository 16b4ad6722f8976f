"""One run of the purge, from the plan to the certificate; killed anywhere, the next one finishes.

First what must go is written down, with counts and digests: events and files lie where no
transaction reaches. Then they go, which can be done again as often as need be. Last, in one
transaction, the rows go, the certificate is signed and the journal tells of it.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec

from sentinel.app.backup import cycle
from sentinel.app.purge import certificates, files, items
from sentinel.app.purge.copying import Run, bring_up_to_date
from sentinel.app.purge.guard import doubt
from sentinel.app.purge.rows import Moment, Taken, cases_due, stale_drafts, take
from sentinel.clock import Clock
from sentinel.config import Settings
from sentinel.domain import hunt, hunt_match
from sentinel.domain.certificate import (
    NOTHING_BEFORE,
    Certificate,
    Item,
    PurgeRun,
    Stayed,
)
from sentinel.domain.deadline import zone_of
from sentinel.domain.event import Event
from sentinel.domain.hold import Hold
from sentinel.domain.retention import NAVIGATION, NORMAL
from sentinel.errors import Refused
from sentinel.respond.holds import condition, protecting
from sentinel.respond.reclassify import ALL_CASES
from sentinel.store.ports import CaseTx, EventStore
from sentinel.store.signing import AnchorSigner

RUN = "purge:run"
AN_HOUR = timedelta(hours=1)  # a source may be a little ahead of us
CLASSES = (NORMAL, NAVIGATION)
"""Classes of the event store; copies of class ``security_incident`` lie in their cases."""


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What a run would take now, without taking it. ``doubt``: why it would refuse."""

    items: tuple[Item, ...]
    stayed: tuple[Stayed, ...]
    doubt: str


class Purger:
    """Purges one data directory. Synchronous: call it in a thread."""

    def __init__(
        self,
        settings: Settings,
        run: Run,
        events: EventStore,
        signer: AnchorSigner | None,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._run = run
        self._events = events
        self._signer = signer
        self._clock = clock

    def purge(self, *, by: str = "", clock_is_right: bool = False) -> Certificate:
        """Take what must go, and certify it. Raises Refused where the clock is doubtful."""
        doubtful = self.doubt()
        if doubtful and not clock_is_right:
            raise Refused(
                f"purge: {doubtful}: is the clock right?",
                hint="set it right, or confirm it: sentinel purge --clock-is-right",
            )
        known = self._run(certificates.all_certificates)
        certificates.write(self._settings.certificate_path, known[-1:])  # a death kept it back
        bring_up_to_date(self._run, self._events, self._clock.now())
        left = self._run(_pending)
        if left is not None:
            certificate = self._finish(left, by=by, resumed=True)
            if left.day == self._moment().today:
                return certificate
        return self._finish(self._plan(), by=by, resumed=False)

    def begin(self) -> bool:
        """Note that from now on a run is due each day; True where that was new. Raises Refused."""
        if self._run(certificates.last_run) is not None:
            return False
        doubtful = self.doubt()
        if doubtful:
            raise Refused(f"purge: {doubtful}: is the clock right?")
        moment = self._moment()
        self._run(partial(_first, moment=moment))
        return True

    def doubt(self) -> str:
        """Return why the clock is doubtful; empty: it is not."""
        now = self._clock.now()
        last = self._run(certificates.last_run)
        since = now - timedelta(days=self._settings.retention.clock_days)
        newest = next(self._events.search(since=since, until=now + AN_HOUR, limit=1), None)
        return doubt(
            self._settings.retention,
            now,
            last_run=last.at if last else None,
            heard=newest is not None,
            empty=self._events.count() == 0,
        )

    def preview(self) -> Preview:
        """Return what `purge` would take now; nothing changes, though a case may get its copies."""
        moment = self._moment()
        planned, stayed = self._planned(moment, _cutoffs(moment))
        try:
            rows = self._run(partial(_rows_preview, moment=moment))
        except _NotReally as undone:
            rows = undone.taken
        return Preview(
            items=(*planned, *rows.items),
            stayed=(*stayed, *rows.stayed),
            doubt=self.doubt(),
        )

    def _plan(self) -> PurgeRun:
        moment = self._moment()
        cutoffs = _cutoffs(moment)
        planned, _ = self._planned(moment, cutoffs)
        due = self._archives_due(moment)
        last = self._run(certificates.last_run)
        run = PurgeRun(
            number=(last.number if last else 0) + 1,
            started_at=moment.now,
            day=moment.today,
            planned=tuple(planned),
            cutoffs=cutoffs,
            archives=tuple(one.path.name for one in due),
        )
        self._run(lambda tx: tx.state.put(RUN, msgspec.json.encode(run)))
        return run

    def _planned(
        self, moment: Moment, cutoffs: dict[str, datetime]
    ) -> tuple[list[Item], list[Stayed]]:
        """Return the events and the archives that must go, and the events that are held."""
        events, stayed = self._take_events(moment, cutoffs, dry_run=True)
        return [*events, *items.of_archives(self._archives_due(moment))], stayed

    def _finish(self, run: PurgeRun, *, by: str, resumed: bool) -> Certificate:
        moment = self._moment()
        went, stayed = self._take_events(moment, run.cutoffs, dry_run=False)
        folder = self._settings.backup.dir
        if folder is not None:
            files.remove(folder / name for name in run.archives)
        files.remove(self._run(partial(_files_due, moment=moment, settings=self._settings)))
        everywhere = self._gone_everywhere(moment)

        def finish(tx: CaseTx) -> Certificate:
            last = certificates.last_run(tx)
            rows = take(tx, moment, certificate=run.number, after=last.seq if last else 0)
            draft = certificates.draft(
                number=run.number,
                day=run.day,
                started_at=run.started_at,
                finished_at=self._clock.now(),
                previous=last.digest if last else NOTHING_BEFORE,
            )
            made = msgspec.structs.replace(
                draft,
                items=(*items.merged(run.planned, went), *rows.items),
                stayed=(*stayed, *rows.stayed),
                gone_everywhere=everywhere,
                resumed=resumed,
                by=by,
            )
            tx.state.put(RUN, b"")
            return certificates.certify(tx, made, self._signer)

        certificate = self._run(finish)
        certificates.write(self._settings.certificate_path, [certificate])
        return certificate

    def _take_events(
        self, moment: Moment, cutoffs: dict[str, datetime], *, dry_run: bool
    ) -> tuple[list[Item], list[Stayed]]:
        taken: list[Item] = []
        keep = self._keep(moment.holds, max(cutoffs.values()))
        for kind, before in cutoffs.items():
            went = self._events.purge(before=before, kind=kind, keep=keep, dry_run=dry_run)
            taken += [items.of_events(gone) for gone in went if gone.count]
        kept = self._kept(cutoffs, keep)
        names = ", ".join(sorted(hold.name for hold in moment.holds))
        stayed = [Stayed(what="events", why="hold", name=names, count=kept)] if kept else []
        return taken, stayed

    def _kept(self, cutoffs: dict[str, datetime], keep: hunt.Condition | None) -> int:
        """Return how many events were due and are held."""
        if keep is None:
            return 0

        def due(event: Event) -> bool:
            cutoff = cutoffs.get(hunt_match.class_of(event))
            return cutoff is not None and event.time < cutoff and hunt_match.holds(keep, event)

        return sum(1 for _ in self._events.search(until=max(cutoffs.values()), where=due))

    def _keep(self, holds: tuple[Hold, ...], before: datetime) -> hunt.Condition | None:
        """Return which events are held."""
        parts = [part for hold in holds if (part := self._held(hold, before)) is not None]
        return hunt.Any_(tuple(parts)) if parts else None

    def _held(self, hold: Hold, before: datetime) -> hunt.Condition | None:
        scope = hold.scope
        asked = condition(scope)
        ids: set[str] = set()
        if scope.case:
            alerts = self._run(lambda tx: tx.alerts.find(incident_id=scope.case, limit=100_000))
            ids = {event_id for alert in alerts for event_id in alert.events}
        elif scope.since or scope.until:
            until = min(scope.until, before) if scope.until else before
            found = self._events.search(
                since=scope.since, until=until, where=lambda one: hunt_match.holds(asked, one)
            )
            ids = {event.id for event in found}
        else:
            return asked
        return hunt.In(hunt.ID, tuple(sorted(ids))) if ids else None

    def _archives_due(self, moment: Moment) -> list[cycle.Archive]:
        folder = self._settings.backup.dir
        if folder is None:
            return []
        return cycle.overdue(cycle.archives(folder), moment.today, moment.zone)

    def _gone_everywhere(self, moment: Moment) -> date | None:
        folder = self._settings.backup.dir
        if folder is None:
            return None
        return cycle.gone_everywhere(cycle.archives(folder), moment.today, moment.zone)

    def _moment(self) -> Moment:
        now, zone = self._clock.now(), self._settings.timezone
        holds = self._run(lambda tx: protecting(tx, now))
        today = now.astimezone(zone_of(zone)).date()
        return Moment(now=now, today=today, zone=zone, holds=tuple(holds))


class _NotReally(Exception):
    """Undoes the transaction in which it is raised, and carries what it would have done."""

    def __init__(self, taken: Taken) -> None:
        super().__init__()
        self.taken = taken


def _rows_preview(tx: CaseTx, moment: Moment) -> Taken:
    last = certificates.last_run(tx)
    raise _NotReally(take(tx, moment, certificate=0, after=last.seq if last else 0))


def _cutoffs(moment: Moment) -> dict[str, datetime]:
    return {kind: moment.cutoff(kind) for kind in CLASSES}


def _pending(tx: CaseTx) -> PurgeRun | None:
    stored = tx.state.get(RUN)
    return msgspec.json.decode(stored, type=PurgeRun) if stored else None


def _first(tx: CaseTx, moment: Moment) -> None:
    certificates.keep_last(tx, moment.now, moment.today)


def _files_due(tx: CaseTx, moment: Moment, settings: Settings) -> list[Path]:
    root = settings.data_dir
    cases, _ = cases_due(tx, moment)
    known = [one.id for one in tx.incidents.find(limit=ALL_CASES)]
    return [
        *(path for case in cases for path in files.of_case(tx, root, case.id)),
        *(root / draft.path for draft in stale_drafts(tx, moment)),
        *files.orphans(tx, root, known, moment.now),
    ]
