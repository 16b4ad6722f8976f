"""Which server takes the next letter: the first, or the second while the first does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

PRIMARY = "primary"
SECOND = "second"
PAUSE = timedelta(seconds=15)
"""How long nothing is tried where no server answers."""


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """The way changed. ``to`` empty: no server answers."""

    at: datetime
    to: str
    why: str


class _Way:
    def __init__(self, name: str) -> None:
        self.name = name
        self.failures = 0
        self.broken_at: datetime | None = None
        self.why = ""


class Ways:
    """A circuit breaker for each server. ``turned`` is told of each change of way."""

    def __init__(
        self,
        names: list[str],
        *,
        switch_after: int,
        switch_back: timedelta,
        turned: Callable[[Turn], None],
        pause: timedelta = PAUSE,
    ) -> None:
        self._ways = {name: _Way(name) for name in names}
        self._after = switch_after
        self._back = switch_back
        self._pause = pause
        self._turned = turned
        self._now_on = names[0] if names else ""

    def choose(self, now: datetime) -> str:
        """Return the way for the next letter; empty: none answers, come back later.

        A way that broke is tried again after its time: ``switch_back`` while another one serves,
        a few seconds where none does.
        """
        fit = [way for way in self._ways.values() if way.broken_at is None]
        for way in self._ways.values():
            wait = self._back if fit else self._pause
            if way.broken_at is not None and now - way.broken_at >= wait:
                way.broken_at, way.failures = None, self._after - 1  # one more failure breaks it
                fit = [one for one in self._ways.values() if one.broken_at is None]
        chosen = fit[0].name if fit else ""
        if chosen != self._now_on:
            why = "; ".join(f"{way.name}: {way.why}" for way in self._ways.values() if way.why)
            self._now_on = chosen
            self._turned(Turn(at=now, to=chosen, why=why))
        return chosen

    def took(self, name: str) -> None:
        """Note that a server answered."""
        way = self._ways[name]
        way.failures, way.broken_at, way.why = 0, None, ""

    def failed(self, name: str, now: datetime, why: str) -> None:
        """Note that a server did not answer, or takes nothing."""
        way = self._ways[name]
        way.failures += 1
        way.why = why
        if way.failures >= self._after and way.broken_at is None:
            way.broken_at = now


class Throttle:
    """Lets so many letters a minute out, evenly. Uses the loop's own clock."""

    def __init__(self, per_minute: int) -> None:
        self._gap = 60.0 / per_minute
        self._next = 0.0

    async def wait(self) -> None:
        """Wait for this letter's turn."""
        loop = asyncio.get_running_loop()
        start = max(self._next, loop.time())
        self._next = start + self._gap
        if (delay := start - loop.time()) > 0:
            await asyncio.sleep(delay)
