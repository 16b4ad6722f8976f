"""Detection on files: the same scope and rules as in the service, without stores or behaviour."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sentinel.app.parts import make_detector
from sentinel.clock import SystemClock
from sentinel.config import Settings
from sentinel.detect.reload import rules_in_force
from sentinel.detect.rules.cache import user_cache
from sentinel.detect.rules.model import RuleSet
from sentinel.detect.scope.fact_files import load_facts
from sentinel.domain.event import Event
from sentinel.domain.finding import Finding
from sentinel.errors import UnreadableFile


class Offline:
    """Judges events that a file holds."""

    def __init__(
        self,
        settings: Settings,
        *,
        rules: Path | None = None,
        facts: Path | None = None,
        only: RuleSet | None = None,
    ) -> None:
        """Load rules (``rules``, else those in force) and facts. Raises ContentError.

        ``only``: these rules instead, already loaded.
        """
        folder = rules or settings.rules_path
        if not folder.exists():
            raise UnreadableFile("no such folder", where=str(folder))
        self._detector = make_detector(
            settings,
            only or rules_in_force(folder, SystemClock().now(), cache=user_cache()).ruleset,
            load_facts(facts) if facts is not None else [],
        )

    def judge(self, event: Event) -> Event:
        """Return the event with the verdict on its scope."""
        return self._detector.scope.judge(event)

    async def process(self, events: Sequence[Event]) -> list[Finding]:
        """Judge a slice, in the order of the file."""
        now = SystemClock().now()
        return list((await self._detector.process(events, now=now)).findings)

    async def flush(self) -> list[Finding]:
        """Judge what is still open at the end of the input."""
        return await self._detector.flush()
