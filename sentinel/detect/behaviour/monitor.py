"""Navigation, watched while it happens: sessions in, findings out, the model beside.

Detection never waits long for the model: sessions that are over queue up, a task of its own has
them scored, and whoever asks for findings gets those that are ready. Without the model's process
the queue grows up to a bound, and what falls out is counted. What was scored is forgotten.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from sentinel.detect.behaviour.budget import DailyBudget
from sentinel.detect.behaviour.findings import finding_of
from sentinel.detect.behaviour.model import Score
from sentinel.detect.behaviour.scorer import Scorer
from sentinel.detect.behaviour.sessions import WEB, Limits, Session, Sessions
from sentinel.domain.event import Event
from sentinel.domain.finding import Finding, RuleInfo
from sentinel.obs import log
from sentinel.obs.fault import describe

_BATCH = 256
_FLUSH_SECONDS = 60.0


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How the watch is. Sessions: ``open`` now, ``waiting`` for a score; the rest are counts.

    ``cut_by_restart``: ended before a restart, and seen since in part only; told of back then.
    ``cut_findings``: beyond the day's budget, not told; by day (ISO 8601).
    """

    open: int
    waiting: int
    scored: int
    evicted: int
    lost: int
    unscorable: int
    late_events: int
    cut_events: int
    cut_by_restart: int
    cut_findings: dict[str, int]
    restarts: int
    scoring: bool
    last_failure: str


class Behaviour:
    """Watches web sessions. Call `start` first; not safe for two tasks at once."""

    def __init__(
        self,
        scorer: Scorer,
        rule: RuleInfo,
        *,
        limits: Limits | None = None,
        lateness: timedelta = timedelta(minutes=10),
        patience: float = 5.0,
        most_waiting: int = 10_000,
        findings_a_day: int = 20,
    ) -> None:
        """Prepare. ``patience``: seconds that detection waits for a model that answers."""
        self._budget = DailyBudget(findings_a_day)
        self._scorer = scorer
        self._rule = rule
        self._log = log.get("behaviour")
        self._idle_after = (limits or Limits()).idle
        self._sessions = Sessions(limits)
        self._lateness = lateness
        self._patience = patience
        self._waiting: deque[Session] = deque()
        self._most_waiting = most_waiting
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._patient = True
        self._ready: list[Finding] = []
        self._task: asyncio.Task[None] | None = None
        self._newest: datetime | None = None
        self._since: datetime | None = None
        self._scored = self._lost = self._cut_by_restart = 0

    async def start(self) -> None:
        """Start the model's process. Raises MissingExtra, ContentError, UnreadableFile."""
        await self._scorer.start()
        self._task = asyncio.create_task(self._score_for_ever(), name="behaviour")

    async def stop(self) -> None:
        """End scoring; open and waiting sessions are forgotten."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._scorer.stop()

    async def process(self, events: Sequence[Event]) -> None:
        """Take in events; `take` then has the findings of the sessions that they ended.

        The watermark follows the newest web access, less the allowed lateness.
        """
        web = [event for event in events if event.logsource.category == WEB]
        if web:
            self._sessions.add(web)
            newest = max(event.time for event in web)
            self._newest = newest if self._newest is None else max(newest, self._newest)
            self._enqueue(self._sessions.close(self._newest - self._lateness))
            await self._settle(self._patience)

    def rewind(self, since: datetime | None) -> None:
        """Say that an earlier process saw what comes now, from ``since`` on; None: no more.

        A session that ended meanwhile and may have begun before ``since`` was told of as a whole;
        the part of it that is left would be another session, and is not told of.
        """
        self._since = since

    def take(self) -> list[Finding]:
        """Return the findings that are ready, each once."""
        found, self._ready = self._ready, []
        return found

    async def advance(self, watermark: datetime) -> list[Finding]:
        """Let time pass: no event before ``watermark`` (less the lateness) is still to come."""
        self._enqueue(self._sessions.close(watermark - self._lateness))
        await self._settle(self._patience)
        return self.take()

    async def flush(self) -> list[Finding]:
        """End of the input: close every session and wait for the scores.

        As many at a time as may wait; a minute at most where the model does not answer.
        """
        closed = self._sessions.flush()
        self._patient = True
        for begin in range(0, max(len(closed), 1), self._most_waiting):
            self._enqueue(closed[begin : begin + self._most_waiting])
            await self._settle(_FLUSH_SECONDS, even_if_down=self._patient)
        return self.take()

    @property
    def health(self) -> Health:
        """How the watch is now."""
        return Health(
            open=len(self._sessions),
            waiting=len(self._waiting),
            scored=self._scored,
            evicted=self._sessions.evicted,
            lost=self._lost,
            unscorable=self._scorer.unscorable,
            late_events=self._sessions.late,
            cut_events=self._sessions.cut,
            cut_by_restart=self._cut_by_restart,
            cut_findings={day.isoformat(): n for day, n in sorted(self._budget.cut.items())},
            restarts=self._scorer.restarts,
            scoring=self._scorer.up,
            last_failure=self._scorer.last_failure,
        )

    def _enqueue(self, sessions: Sequence[Session]) -> None:
        for session in sessions:
            if self._is_rest(session):
                self._cut_by_restart += 1
                continue
            if len(self._waiting) >= self._most_waiting:
                self._waiting.popleft()
                self._lost += 1
            self._waiting.append(session)
        if self._waiting:
            self._idle.clear()
            self._work.set()

    def _is_rest(self, session: Session) -> bool:
        return self._since is not None and session.visits[0].time <= self._since + self._idle_after

    async def _settle(self, patience: float, *, even_if_down: bool = False) -> None:
        """Wait until all is scored, unless the model is down, or already made us wait in vain."""
        if self._task is None or not (even_if_down or (self._patient and self._scorer.up)):
            return
        try:
            async with asyncio.timeout(patience):
                await self._idle.wait()
        except TimeoutError:
            self._patient = False

    async def _score_for_ever(self) -> None:
        while True:
            await self._work.wait()
            batch = [self._waiting[at] for at in range(min(_BATCH, len(self._waiting)))]
            is_judged = False
            try:
                self._judge(batch, await self._scorer.score(batch))
                is_judged = True
            except Exception as error:  # a bug must not end the watch in silence
                reason = describe(error)
                self._log.error("sessions not scored", sessions=len(batch), reason=reason)
            for session in batch:
                if self._waiting and self._waiting[0] is session:  # not pushed out meanwhile
                    self._waiting.popleft()
                    self._lost += not is_judged
            if not self._waiting:
                self._work.clear()
                self._idle.set()
                self._patient = True

    def _judge(self, batch: Sequence[Session], scores: Sequence[Score | None]) -> None:
        for session, score in zip(batch, scores, strict=True):
            if score is None:
                continue
            self._scored += 1
            finding = finding_of(session, score, self._rule)
            if finding is not None and self._budget.admit(finding.time):
                self._ready.append(finding)
