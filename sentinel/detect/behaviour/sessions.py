"""Sessions of the public site, in event time, and nothing that outlives them.

Promise R-03 forbids profiling: what is kept about a session is dropped the moment it is handed
over, a session lasts 24 hours at most, and no session knows of another. The answers depend on the
events alone, not on their order of arrival (within the allowed lateness) nor on repetitions.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile

import msgspec

from sentinel.domain import event as names
from sentinel.domain.event import Event

WEB = "webserver"
_NEVER = datetime.max.replace(tzinfo=UTC)


class Step(msgspec.Struct, frozen=True, array_like=True):
    """What the model sees of a request. ``at``: seconds since the epoch. ``size``: bytes."""

    at: float
    method: str
    path: str
    status: int
    size: int
    query: str = ""


class Visit(msgspec.Struct, frozen=True):
    """A request of a session, and where its event stands."""

    time: datetime
    id: str
    ref: str
    step: Step
    user: str = ""
    customer: bool = False
    categories: tuple[str, ...] = ()


class Session(msgspec.Struct, frozen=True):
    """A finished session: visits by (time, event id). ``key``: the session's pseudonym."""

    key: str
    visits: tuple[Visit, ...]

    @property
    def user(self) -> str:
        """Who signed in; empty for a visitor."""
        return next((visit.user for visit in self.visits if visit.user), "")

    @property
    def customer(self) -> str:
        """The customer who signed in; empty where the user is somebody else, or nobody."""
        return next((visit.user for visit in self.visits if visit.user and visit.customer), "")

    @property
    def steps(self) -> tuple[Step, ...]:
        """What the model may see."""
        return tuple(visit.step for visit in self.visits)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of sessions: a gap above ``idle`` ends one, so do ``longest`` and ``most_visits``.

    ``most_open``: sessions kept at once; beyond, the one touched least recently is closed early.
    ``most_kept``: visits of one session that wait for the watermark; beyond, they are dropped.
    """

    idle: timedelta = timedelta(minutes=30)
    longest: timedelta = timedelta(hours=24)
    most_visits: int = 1_000
    most_open: int = 50_000
    most_kept: int = 10_000


class _Open(msgspec.Struct):
    """Visits of one key by event id, and when to look whether a session of it is over."""

    due: datetime
    visits: dict[str, Visit]


class Sessions:
    """Open sessions. Counters: ``evicted`` sessions, ``late``, ``doubles`` and ``cut`` events."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._agenda: list[tuple[datetime, str]] = []
        self._closed_early: list[Session] = []
        self._watermark = datetime.min.replace(tzinfo=UTC)
        self.evicted = 0
        self.late = 0
        self.doubles = 0
        self.cut = 0

    def __len__(self) -> int:
        return len(self._open)

    def add(self, events: Iterable[Event]) -> None:
        """Take in the web accesses among ``events``; others are left alone."""
        for event in events:
            if event.logsource.category == WEB and (key := event.text(names.SESSION)):
                self._add(key, event)

    def close(self, watermark: datetime) -> list[Session]:
        """Return the sessions that are over when no event before ``watermark`` is to come.

        They come by the instant of their end, then by key, whatever the order of arrival was: a
        session is over at the first call whose watermark has passed its end.
        """
        self._watermark = max(self._watermark, watermark)
        closed: list[Session] = []
        while self._agenda and self._agenda[0][0] < self._watermark:
            due, key = heapq.heappop(self._agenda)
            state = self._open.get(key)
            if state is not None and state.due == due:
                closed += self._settle(key, state)
        closed.sort(key=lambda one: (self._end(one), one.key))
        early, self._closed_early = self._closed_early, []
        return early + closed

    def flush(self) -> list[Session]:
        """Close everything: the end of the input."""
        closed, self._closed_early = self._closed_early, []
        for key in list(self._open):
            closed += self._split(key, self._open.pop(key).visits)
        self._agenda.clear()
        return closed

    def _add(self, key: str, event: Event) -> None:
        state = self._open.get(key)
        if state is None:
            state = self._open[key] = _Open(due=_NEVER, visits={})
            self._evict()
        self._open.move_to_end(key)
        if event.id in state.visits:
            self.doubles += 1
            return
        if event.time < self._watermark:
            self.late += 1
        if len(state.visits) >= self._limits.most_kept:
            self.cut += 1
            return
        state.visits[event.id] = _visit(event)
        if len(state.visits) >= self._limits.most_visits:
            self._look(key, state, event.time)  # the visit that fills a part may be any of them
        else:
            self._look(key, state, event.time + self._limits.idle)

    def _evict(self) -> None:
        while len(self._open) > self._limits.most_open:
            key, state = self._open.popitem(last=False)
            self._closed_early += self._split(key, state.visits)
            self.evicted += 1

    def _look(self, key: str, state: _Open, at: datetime) -> None:
        """Look at ``key`` once the watermark has passed ``at``, or earlier if so agreed."""
        if at < state.due:
            state.due = at
            heapq.heappush(self._agenda, (at, key))

    def _settle(self, key: str, state: _Open) -> list[Session]:
        """Close what is over of one key's visits, keep the rest."""
        parts = list(self._split(key, state.visits))
        over = list(takewhile(lambda part: self._end(part) < self._watermark, parts))
        rest = parts[len(over) :]
        if not rest:
            del self._open[key]
            return over
        state.visits = {visit.id: visit for part in rest for visit in part.visits}
        state.due = _NEVER
        self._look(key, state, self._end(rest[0]))
        return over

    def _end(self, part: Session) -> datetime:
        """Return the instant from which no event to come can belong to ``part``."""
        first, last = part.visits[0].time, part.visits[-1].time
        if len(part.visits) >= self._limits.most_visits:
            return last
        return min(last + self._limits.idle, first + self._limits.longest)

    def _split(self, key: str, visits: dict[str, Visit]) -> Iterator[Session]:
        """Cut visits into sessions: by silence, by age, by number."""
        part: list[Visit] = []
        for visit in sorted(visits.values(), key=lambda item: (item.time, item.id)):
            if part and (
                visit.time - part[-1].time > self._limits.idle
                or visit.time - part[0].time >= self._limits.longest
                or len(part) >= self._limits.most_visits
            ):
                yield Session(key, tuple(part))
                part = []
            part.append(visit)
        if part:
            yield Session(key, tuple(part))


def _visit(event: Event) -> Visit:
    return Visit(
        time=event.time,
        id=event.id,
        ref=event.ref,
        step=Step(
            at=event.time.timestamp(),
            method=event.text("http.request.method"),
            path=event.text("url.path"),
            status=_number(event, "http.response.status_code"),
            size=_number(event, "http.response.body.bytes"),
            query=event.text("url.query"),
        ),
        user=event.text(names.USER),
        customer=event.text(names.ACTOR_KIND) == "customer",
        categories=tuple(event.items(names.CATEGORY)),
    )


def _number(event: Event, name: str) -> int:
    value = event.get(name)
    return value if isinstance(value, int) else 0
