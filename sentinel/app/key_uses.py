"""Takes what was done with keys into the journal (promise R-32: every use is traced)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from sentinel.app.casework import InStore
from sentinel.clock import Clock, isoformat
from sentinel.store.keys.uses import Uses, forget, left, taken
from sentinel.store.ports import CaseTx

OBJECT: Final = "keys"
USED: Final = "keys.used"
SERVICE: Final = "sentinel:service"


class KeyUses:
    """The counts of a running service, and those that commands left beside it."""

    def __init__(
        self, folder: Path, in_store: InStore, counters: Sequence[Counter[str]], clock: Clock
    ) -> None:
        self._folder = folder
        self._in_store = in_store
        self._counters = counters
        self._clock = clock

    async def look(self) -> None:
        """Journal what was done since the last look. Raises StorageError: told the next time."""
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
