"""Rules that change while the service runs: read, tested, then swapped between two batches.

A set with an error, or with a test that fails, changes nothing: the old set stays in force, and
log and status say so until the folder is mended. The folder is looked at when the system reports a
change and every minute besides, for not every file system reports, and exceptions come to an end.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from watchfiles import awatch

from sentinel.clock import Clock, isoformat
from sentinel.detect.engine import RuleEngine
from sentinel.detect.exceptions import RuleException, load_exceptions, with_exceptions
from sentinel.detect.rules.load import load_rules
from sentinel.detect.rules.model import RuleSet
from sentinel.detect.rules.rule_tests import run_rule_tests
from sentinel.errors import ContentError, SentinelError, UnreadableFile
from sentinel.obs import log
from sentinel.obs.fault import describe

# Content below the rules that is read at start only.
NOT_RULES: Final = frozenset({"sources", "scopes", "models", "deprecated"})
SUFFIXES: Final = frozenset({".yml", ".yaml", ".txt"})

MakeEngine = Callable[[RuleSet], RuleEngine]
Swap = Callable[[RuleEngine], Awaitable[tuple[str, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A usable set: ``ruleset`` with the exceptions of ``since`` in it."""

    ruleset: RuleSet
    exceptions: tuple[RuleException, ...]
    digest: str
    since: datetime

    def expired(self, now: datetime) -> list[RuleException]:
        """Return the exceptions that are over at ``now`` and should be looked at."""
        return [exception for exception in self.exceptions if not exception.applies(now)]

    def outlived(self, now: datetime) -> bool:
        """Tell whether an exception that is in the set came to its end before ``now``."""
        return len(self.expired(now)) != len(self.expired(self.since))


def rules_in_force(
    directory: Path, now: datetime, *, tested: bool = False, cache: Path | None = None
) -> InForce:
    """Load rules and exceptions. ``tested``: the tests beside the rules must pass too.

    ``cache``: where parsed rules are kept.

    Raises the first ContentError, or UnreadableFile where there is no such folder.
    """
    digest = content_digest(directory)
    ruleset = load_rules(directory, cache=cache).require_clean()
    exceptions, errors = load_exceptions(directory, ruleset)
    if errors:
        raise errors[0]
    if tested:
        _require_tests(directory, ruleset)
    return InForce(
        ruleset=with_exceptions(ruleset, exceptions, now),
        exceptions=tuple(exceptions),
        digest=digest,
        since=now,
    )


def content_digest(directory: Path) -> str:
    """Return a hash of the names and bytes of everything that rules are made of."""
    whole = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        inner = path.relative_to(directory)
        if path.suffix in SUFFIXES and NOT_RULES.isdisjoint(inner.parts) and path.is_file():
            try:
                content = path.read_bytes()
            except OSError as error:
                raise UnreadableFile(error.strerror or "unreadable", where=str(path)) from error
            whole.update(f"{inner.as_posix()}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()


def _require_tests(directory: Path, ruleset: RuleSet) -> None:
    failed = [result for result in run_rule_tests(directory, ruleset) if not result.passed]
    if failed:
        first = failed[0]
        raise ContentError(
            f"{first.rule}: {first.case}: {first.detail}",
            where=first.where,
            hint=f"{len(failed)} test(s) fail; see `sentinel test`",
        )


class RuleWatch:
    """Keeps the rules of one service up to date. One task uses it."""

    def __init__(
        self,
        directory: Path,
        first: InForce,
        *,
        make_engine: MakeEngine,
        swap: Swap,
        clock: Clock,
        cache: Path | None = None,
    ) -> None:
        self._directory = directory
        self._make_engine = make_engine
        self._swap = swap
        self._clock = clock
        self._cache = cache
        self._log = log.get("rules")
        self._looking = asyncio.Lock()
        self._listening: asyncio.Task[None] | None = None
        self._tried = first.digest
        self.in_force = first
        self.error = ""

    def status(self) -> dict[str, object]:
        """Return what is in force, since when (UTC), and why a newer set is not."""
        return {
            "rules": len(self.in_force.ruleset.items),
            "since": isoformat(self.in_force.since),
            "error": self.error,
            "cache": use._asdict() if (use := self.in_force.ruleset.cache) else {},
            "expired_exceptions": [
                f"{one.slug} ({one.owner}, {one.expires})"
                for one in self.in_force.expired(self._clock.now())
            ],
        }

    def start(self) -> None:
        """Begin to listen for changes that the system reports."""
        self._listening = asyncio.create_task(self._listen(), name="rules")

    async def stop(self) -> None:
        """Listen no more."""
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening

    async def _listen(self) -> None:
        try:
            async for _changes in awatch(self._directory):
                await self.look()
        except Exception as error:  # `look` is asked from time to time as well
            self._log.warning("changes are not reported", reason=describe(error))

    async def look(self) -> bool:
        """Take over what changed; return whether another set is in force now. Never raises."""
        async with self._looking:
            try:
                return await self._look()
            except Exception as error:  # a bug in reading must not end the watch
                self._keep_old(f"{type(error).__name__} while reading the rules", error)
                return False

    async def _look(self) -> bool:
        now = self._clock.now()
        try:
            digest = await asyncio.to_thread(content_digest, self._directory)
            if digest == self._tried and not self.in_force.outlived(now):
                return False
            self._tried = digest
            found = await asyncio.to_thread(
                rules_in_force, self._directory, now, tested=True, cache=self._cache
            )
            engine = await asyncio.to_thread(self._make_engine, found.ruleset)
        except SentinelError as error:
            self._keep_old(str(error), error)
            return False
        kept = await self._swap(engine)
        self.in_force, self.error = found, ""
        self._log.info("swapped", rules=len(found.ruleset.items), windows_kept=len(kept))
        for exception in found.expired(now):
            self._log.warning("an exception is over", where=exception.where, rule=exception.slug)
        return True

    def _keep_old(self, reason: str, error: Exception) -> None:
        if reason != self.error:
            kind = type(error).__name__
            self._log.error("the old rules stay in force", reason=reason, kind=kind)
        self.error = reason
