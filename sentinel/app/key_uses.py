"""Takes what was done with keys into the journal (promise R-32), and lets old ones go (R-55)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sentinel.app import parts
from sentinel.app.casework import InStore
from sentinel.clock import Clock, isoformat
from sentinel.config import Settings
from sentinel.store.keys.uses import Uses, forget, left, taken
from sentinel.store.ports import CaseTx
from sentinel.store.seal import AesGcmSealer

OBJECT: Final = "keys"
USED: Final = "keys.used"
SERVICE: Final = "sentinel:service"


class KeyUses:
    """The counts of a running service, and those that commands left beside it."""

    def __init__(
        self, settings: Settings, in_store: InStore, sealer: AesGcmSealer, clock: Clock
    ) -> None:
        self._settings = settings
        self._folder = settings.data_dir
        self._sealer = sealer
        self._in_store = in_store
        self._counters = [sealer.uses]
        self._clock = clock

    async def look(self) -> None:
        """Forget whom nobody names any more; journal what was done since the last look.

        Raises StorageError: it is told the next time.
        """
        now = self._clock.now()
        gone = await asyncio.to_thread(self._forget, now)
        if gone:
            await self._in_store(lambda tx: _forgotten(tx, gone, now))
        await self._tell()

    def _forget(self, now: datetime) -> int:
        keys = parts.open_persons(self._settings, self._sealer)
        try:
            return keys.forget_unseen(now, timedelta(self._settings.keys.persons_kept_days))
        finally:
            keys.close()

    async def _tell(self) -> None:
        counts = taken(self._counters)
        found = left(self._folder)
        told = [one for _, one in found]
        if counts:
            told.append(Uses(at=self._clock.now(), by=SERVICE, counts=counts))
        if not told:
            return
        try:
            await self._in_store(lambda tx: journal(tx, told))
        except BaseException:
            self._counters[0].update(counts)
            raise
        forget([path for path, _ in found])


def _forgotten(tx: CaseTx, gone: int, now: datetime) -> None:
    tx.journal.append(
        occurred_at=now,
        actor=SERVICE,
        action="persons.forgotten",
        object_id="persons",
        payload={"keys": gone},
    )


def journal(tx: CaseTx, told: Sequence[Uses]) -> None:
    """Write a line for each process. A death before the files are gone writes them again, known.

    A line that is there already, by its instant and who ran the process, is not written twice.
    """
    known = {
        (line.occurred_at, line.actor)
        for line in tx.journal.lines(object_id=OBJECT, limit=1_000_000)[-len(told) - 1000 :]
    }
    for one in told:
        if (one.at, one.by) not in known:
            tx.journal.append(
                occurred_at=one.at,
                actor=one.by,
                action=USED,
                object_id=OBJECT,
                payload={"until": isoformat(one.at), "counts": one.counts},
            )


def since(tx: CaseTx, begin: datetime | None) -> list[Uses]:
    """Return what the journal tells of uses from ``begin`` (UTC) on, oldest first."""
    found = []
    for line in tx.journal.lines(object_id=OBJECT, limit=1_000_000):
        payload = tx.journal.opened(line) if line.action == USED else None
        if isinstance(payload, dict) and (begin is None or line.occurred_at >= begin):
            found.append(Uses(at=line.occurred_at, by=line.actor, counts=payload["counts"]))
    return found
