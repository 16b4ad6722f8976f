"""Lets go of what lies in the spool and is done with, also where nothing comes any more.

What was judged stays there for a while, for detection that starts again looks at it once more. When
it was judged stands in the case store: a service that is restarted every night prunes all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

import msgspec

from sentinel.app.casework import InStore
from sentinel.clock import Clock
from sentinel.store.ports import CaseTx

MARKS: Final = "spool:marks"


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """Everything up to ``offset`` was judged, ``at`` (UTC) at the latest."""

    at: datetime
    offset: int


class Prunable(Protocol):
    """The spool."""

    def prune(self, upto_offset: int) -> int:
        """Remove whole segments up to an offset."""
        ...


class SpoolPruning:
    """Prunes the spool of a running service. ``judged``: the highest offset that was judged."""

    def __init__(
        self,
        spool: Prunable,
        in_store: InStore,
        clock: Clock,
        *,
        judged: Callable[[], int],
        kept: timedelta,
    ) -> None:
        self._spool = spool
        self._in_store = in_store
        self._clock = clock
        self._judged = judged
        self._kept = kept

    async def look(self) -> None:
        """Remove what was judged longer ago than it is kept. Raises StorageError."""
        now, judged = self._clock.now(), self._judged()
        done = await self._in_store(partial(_done, now=now, judged=judged, kept=self._kept))
        if done >= 0:
            await asyncio.to_thread(self._spool.prune, min(done, judged))


def _done(tx: CaseTx, *, now: datetime, judged: int, kept: timedelta) -> int:
    """Note what is judged now; return up to where nothing is needed any more, -1: nowhere."""
    stored = tx.state.get(MARKS)
    known = msgspec.msgpack.decode(stored, type=list[Mark]) if stored else []
    marks = known if any(one.offset == judged for one in known) else [*known, Mark(now, judged)]
    done = max((one.offset for one in marks if now - one.at > kept), default=-1)
    left = [one for one in marks if one.offset >= done]
    if left != known:
        tx.state.put(MARKS, msgspec.msgpack.encode(left))
    return done
