"""The rounds of the mail worker: reports in, unknown letters settled, letters out, states moved on.

One process at a time sends, under a lock on the data directory that the system takes back when the
process dies: what the dead one left half done is then known to be nobody's, and named unknown.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any, Protocol, TypeVar

from sentinel.app.campaign.desk import fail_waiting, progress
from sentinel.app.campaign.house import House
from sentinel.clock import Clock
from sentinel.config import Settings
from sentinel.domain.approval import ApprovalState
from sentinel.domain.campaign import COVERAGE_AFTER, Campaign, CampaignState
from sentinel.domain.directory import DirectoryEntry
from sentinel.domain.dispatch import DispatchState
from sentinel.errors import Conflict, NotFound, Refused, StorageError
from sentinel.notify.campaign.batch import Batch, Sent
from sentinel.notify.campaign.intake import drain_maildir
from sentinel.notify.campaign.mailer import Mailer
from sentinel.notify.campaign.settle import Settler
from sentinel.notify.campaign.ways import PRIMARY, SECOND, Turn, Ways
from sentinel.notify.egress import EgressPolicy
from sentinel.obs import log
from sentinel.respond import campaign as commands
from sentinel.store.ports import CaseTx, Sealer

T = TypeVar("T")
LOCK = "campaigns.lock"
LONGEST_GOODBYE = 30.0


class InStore(Protocol):
    """Runs a function in one transaction, off the event loop."""

    def __call__(self, function: Callable[[CaseTx], T], /) -> Awaitable[T]:
        """Return what ``function`` returns; commit, or roll back where it raises."""
        ...


class Rounds:
    """The mail worker of one process. `look` is called every few seconds; `stop` once."""

    def __init__(self, settings: Settings, in_store: InStore, sealer: Sealer, clock: Clock) -> None:
        self._settings = settings
        self._in_store = in_store
        self._sealer = sealer
        self._clock = clock
        self._log = log.get("letters")
        self._stop = asyncio.Event()
        self._lock: int | None = None
        self._open: tuple[House, Mailer] | None = None
        self._turns: list[Turn] = []
        self._looking = asyncio.Lock()

    async def look(self) -> bool:
        """Do one round; return whether anything is still to be sent or settled.

        Does nothing where no server is set, and where another process sends.
        """
        if not self._settings.mail.primary.host or self._stop.is_set():
            return False
        async with self._looking:
            campaigns = [
                one
                for one in await self._in_store(lambda tx: tx.records.find(Campaign))
                if one.started_at is not None
            ]
            opened = await self._opened() if campaigns else None
            if opened is None:
                return False
            house, mailer = opened
            await self._take_in(house)
            return any([await self._one(campaign, house, mailer) for campaign in campaigns])

    async def stop(self) -> None:
        """Finish the letters that are on the wire, hang up, give the lock back."""
        self._stop.set()
        try:
            await asyncio.wait_for(self._looking.acquire(), LONGEST_GOODBYE)
        except TimeoutError:
            return  # a server does not answer: the letter on the wire is unknown at the next start
        try:
            if self._open is not None:
                house, mailer = self._open
                await mailer.close()
                house.close()
            if self._lock is not None:
                os.close(self._lock)
            self._open = self._lock = None
        finally:
            self._looking.release()

    async def _opened(self) -> tuple[House, Mailer] | None:
        """Take the lock and open the stores; None where another process holds it."""
        if self._open is not None:
            return self._open
        if self._lock is None:
            path = self._settings.data_dir / LOCK
            held = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(held)
                return None
            self._lock = held
        house = await asyncio.to_thread(House, self._settings, self._sealer)
        mail = self._settings.mail
        names = [PRIMARY, *([SECOND] if mail.second.host else [])]
        ways = Ways(
            names,
            switch_after=mail.switch_after,
            switch_back=timedelta(minutes=mail.switch_back_minutes),
            turned=self._turns.append,
        )
        egress = EgressPolicy(self._settings.notify.egress_allow)
        mailer = Mailer(mail, egress, house.ledger, ways, self._clock)
        if unknown := await asyncio.to_thread(mailer.recover):
            self._log.warning("letters were on the wire when a process ended", count=unknown)
        self._open = house, mailer
        return self._open

    async def _take_in(self, house: House) -> None:
        path = self._settings.mail.bounce_maildir
        if path is None:
            return
        told = await asyncio.to_thread(drain_maildir, house.ledger, path, self._clock.now())
        for kind in ("answer", "unreadable", "stranger"):
            if told[kind]:
                self._log.warning(
                    "mail came back that is no report of ours", kind=kind, n=told[kind]
                )

    async def _one(self, campaign: Campaign, house: House, mailer: Mailer) -> bool:
        if campaign.list_destroyed_at is not None:
            return False
        settler = Settler(self._settings.mail, house.ledger)
        await asyncio.to_thread(settler.settle, campaign.id, self._clock.now())
        if campaign.state is CampaignState.STOPPED:  # what was on the wire then, and was put off
            await asyncio.to_thread(fail_waiting, house, campaign, self._clock.now())
        if campaign.state.sends:
            await self._send(campaign, house, mailer)
        counts = await asyncio.to_thread(house.ledger.counts, campaign.id)
        await self._coverage(campaign, house)
        waits = counts[DispatchState.QUEUED] + counts[DispatchState.HANDING_OVER]
        return bool((waits and campaign.state.sends) or counts[DispatchState.UNKNOWN])

    async def _send(self, campaign: Campaign, house: House, mailer: Mailer) -> None:
        try:
            batch = await self._batch(campaign, house)
        except (Refused, StorageError, NotFound) as error:
            await self._pause(campaign, house, str(error))
            return
        open_to = batch.open_to
        if not await asyncio.to_thread(
            house.ledger.gate, campaign.id, version=campaign.version, open_to=open_to
        ):
            return  # somebody has just shut it
        sent = await mailer.send(batch, self._stop)
        await self._tell(campaign, sent)
        if sent.suspicious:
            why = f"many letters were refused, and not for the persons’ sake: {sent.suspicious}"
            await self._pause(campaign, house, why)
        elif not sent.stops and not self._stop.is_set():
            await self._move_on(campaign, house, open_to)

    async def _batch(self, campaign: Campaign, house: House) -> Batch:
        """Return what may leave now. Raises Refused where the approval or a file is not intact."""

        def approved(tx: CaseTx) -> ApprovalState:
            return house.approvals.intact(tx, campaign.approval_id).state

        if await self._in_store(approved) is not ApprovalState.APPROVED:
            raise Refused("the approval was withdrawn")
        texts = await asyncio.to_thread(house.texts, campaign)

        def open_person(pseudonym: str) -> DirectoryEntry | None:
            return house.directory.opened([pseudonym]).get(pseudonym)

        return Batch(
            campaign=campaign.id,
            open_to=campaign.canary
            if campaign.state is CampaignState.CANARY
            else commands.EVERYBODY,
            texts=texts,
            default=self._settings.language,
            open_person=open_person,
            mail_key=house.mail_key,
        )

    async def _move_on(self, campaign: Campaign, house: House, open_to: int) -> None:
        """Write the next state where no letter up to ``open_to`` waits any more."""
        counts = await asyncio.to_thread(house.ledger.counts, campaign.id, up_to=open_to)
        waits = counts[DispatchState.QUEUED] + counts[DispatchState.HANDING_OVER]
        told = {state.value: count for state, count in counts.items()}
        now = self._clock.now()
        if campaign.state is CampaignState.CANARY:
            tried = all(
                one.attempts
                for one in await asyncio.to_thread(
                    lambda: list(house.ledger.letters(campaign.id, DispatchState.QUEUED))
                )
                if one.number <= open_to
            )
            if not waits or tried:
                await self._step(campaign, lambda tx, one: commands.canary_done(tx, one, told, now))
        elif not waits and not counts[DispatchState.UNKNOWN]:
            await self._step(campaign, lambda tx, one: commands.sent(tx, one, told, now))

    async def _pause(self, campaign: Campaign, house: House, why: str) -> None:
        await asyncio.to_thread(
            house.ledger.gate, campaign.id, version=campaign.version + 1, open_to=0
        )
        now = self._clock.now()
        pause = partial(commands.pause, reason=why, now=now)
        await self._step(campaign, lambda tx, one: pause(tx, commands.SYSTEM, one))
        self._log.error("letters are held back", campaign=campaign.id, reason=why)

    async def _coverage(self, campaign: Campaign, house: House) -> None:
        now, started = self._clock.now(), campaign.started_at
        if started is None or campaign.coverage_asked_at or now - started < COVERAGE_AFTER:
            return
        coverage = (await asyncio.to_thread(progress, house, campaign)).coverage
        language = self._settings.language
        await self._step(
            campaign,
            partial(commands.ask_for_publicity, coverage=coverage, language=language, now=now),
        )

    async def _step(self, campaign: Campaign, change: Callable[[CaseTx, Campaign], Any]) -> None:
        """Change the record, unless a person has changed it meanwhile: the next round sees it."""

        def step(tx: CaseTx) -> None:
            now = tx.records.get(Campaign, campaign.id)
            if now.state is campaign.state:
                change(tx, now)

        try:
            await self._in_store(step)
        except Conflict:
            self._log.info("somebody else changed the campaign", campaign=campaign.id)

    async def _tell(self, campaign: Campaign, sent: Sent) -> None:
        turns, self._turns[:] = list(self._turns), []
        if turns:
            await self._in_store(lambda tx: _journal_turns(tx, campaign, turns))
        for turn in turns:
            self._log.warning("letters take another way", to=turn.to or "none", why=turn.why)
        counts: Counter[str] = +sent.counts
        if counts:
            self._log.info("letters", campaign=campaign.id, **counts)


def _journal_turns(tx: CaseTx, campaign: Campaign, turns: list[Turn]) -> None:
    for turn in turns:
        commands.note(
            tx,
            commands.SYSTEM,
            campaign,
            "campaign.way_changed",
            turn.at,
            to=turn.to or "none",
            why=turn.why,
        )
