"""One rule over what is stored, also while the service runs: the material of a backtest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sentinel.app import hunt_journal
from sentinel.app.hunting import stored
from sentinel.app.parts import make_engine, open_sealer
from sentinel.config import Settings
from sentinel.detect.rules.model import RuleSet
from sentinel.domain.event import Event
from sentinel.domain.finding import Finding


def stored_events(settings: Settings, since: datetime, *, rule: str) -> Iterator[Event]:
    """Yield the stored events from ``since`` on, by time; who asks is journalled before.

    ``rule``: slug of the rule that judges them. Raises StorageError where they cannot be read,
    UnreadableFile where nothing was stored.
    """
    sealer = open_sealer(settings)
    with stored(settings, sealer) as events:
        asked = hunt_journal.Asked(shows="findings", rule=rule, since=since)
        hunt_journal.journal(settings, sealer, asked)
        yield from events.search(since=since)


class Replay:
    """Judges stored events by rules alone: they carry the verdict of their day on the scope."""

    def __init__(self, settings: Settings, rules: RuleSet) -> None:
        self._engine = make_engine(settings, rules)

    async def process(self, events: Sequence[Event]) -> list[Finding]:
        """Judge a slice, in the order of time."""
        return self._engine.process(events)

    async def flush(self) -> list[Finding]:
        """Judge what is still open at the end."""
        return self._engine.flush()
