"""What detection asks of behaviour, whichever of the two watches there are: navigation, staff."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sentinel.detect.behaviour.monitor import Behaviour
from sentinel.detect.behaviour.staff_watch import StaffWatch
from sentinel.domain.event import Event
from sentinel.domain.finding import Finding


class Watches(Protocol):
    """One or more watches; see `Behaviour` for what each call means."""

    async def start(self) -> None:
        """Start what runs beside."""
        ...

    async def stop(self) -> None:
        """End it."""
        ...

    async def process(self, events: Sequence[Event]) -> None:
        """Take in events."""
        ...

    def take(self) -> list[Finding]:
        """Return the findings that are ready, each once."""
        ...

    async def advance(self, watermark: datetime) -> list[Finding]:
        """Let time pass."""
        ...

    async def flush(self) -> list[Finding]:
        """End of the input."""
        ...

    def rewind(self, since: datetime | None) -> None:
        """Say that the past is shown again, from ``since`` on; None: no more."""
        ...


class WithStaff:
    """The watch of staff, beside that of navigation where there is one."""

    def __init__(self, staff: StaffWatch, navigation: Behaviour | None = None) -> None:
        self.staff = staff
        self.navigation = navigation
        self._ready: list[Finding] = []

    async def start(self) -> None:
        """Start the navigation model's process."""
        if self.navigation is not None:
            await self.navigation.start()

    async def stop(self) -> None:
        """End it."""
        if self.navigation is not None:
            await self.navigation.stop()

    async def process(self, events: Sequence[Event]) -> None:
        """Take in events; `take` has what they ended."""
        self._ready += self.staff.process(events)
        if self.navigation is not None:
            await self.navigation.process(events)

    def take(self) -> list[Finding]:
        """Return the findings that are ready, each once."""
        found, self._ready = self._ready, []
        return found + (self.navigation.take() if self.navigation is not None else [])

    async def advance(self, watermark: datetime) -> list[Finding]:
        """Let time pass."""
        found = self.staff.advance(watermark)
        return found + (await self.navigation.advance(watermark) if self.navigation else [])

    async def flush(self) -> list[Finding]:
        """End of the input."""
        found = self.staff.flush()
        return found + (await self.navigation.flush() if self.navigation else [])

    def rewind(self, since: datetime | None) -> None:
        """Say that the past is shown again."""
        self.staff.rewind(since)
        if self.navigation is not None:
            self.navigation.rewind(since)
