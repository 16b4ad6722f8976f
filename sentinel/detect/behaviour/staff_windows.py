"""What each account of staff did in twenty minutes and in a day, in event time, then forgotten.

Windows lie on a fixed grid (UTC), so that any order of arrival within the lateness, a repetition
and a restart give the same windows. A day's acts are gone when the day is over.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from sentinel.detect.behaviour.staff_acts import Act

BURST = timedelta(minutes=20)
DAY = timedelta(days=1)
SPANS = (BURST, DAY)
MOST_ACTS = 50_000  # of an account on a day; what is beyond is counted, not looked at
MOST_ACCOUNTS = 20_000  # accounts with an open day
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Window(msgspec.Struct, frozen=True):
    """The acts of one account in one window, by (time, id); at least one."""

    actor: str
    start: datetime
    span: timedelta
    acts: tuple[Act, ...]

    @property
    def end(self) -> datetime:
        """The instant at which the window is over."""
        return self.start + self.span

    @property
    def role(self) -> str:
        """The role in which most of the acts were done; the first by name of several."""
        roles = [act.role for act in self.acts]
        return min(set(roles), key=lambda role: (-roles.count(role), role))


class Windows:
    """Open windows. ``late``: acts of windows that were over; ``cut``: beyond the bounds."""

    def __init__(self) -> None:
        self._days: dict[tuple[str, datetime], dict[str, Act]] = {}
        self._agenda: list[tuple[datetime, timedelta, str, datetime]] = []  # bursts before days
        self._planned: set[tuple[str, datetime, timedelta]] = set()
        self._watermark = datetime.min.replace(tzinfo=UTC)
        self.late = 0
        self.cut = 0

    def __len__(self) -> int:
        return len(self._days)

    def add(self, acts: Iterable[Act]) -> None:
        """Take in acts, in any order."""
        for act in acts:
            day = floor(act.time, DAY)
            if day + DAY < self._watermark:
                self.late += 1
                continue
            self.late += floor(act.time, BURST) + BURST < self._watermark
            kept = self._days.get((act.actor, day))
            if kept is None:
                if len(self._days) >= MOST_ACCOUNTS:
                    self.cut += 1
                    continue
                kept = self._days[act.actor, day] = {}
            if len(kept) >= MOST_ACTS and act.id not in kept:
                self.cut += 1
                continue
            kept[act.id] = act
            for span in SPANS:
                self._plan(act.actor, floor(act.time, span), span)

    def close(self, watermark: datetime) -> list[Window]:
        """Return the windows over at ``watermark``, by end, start and account."""
        self._watermark = max(self._watermark, watermark)
        closed = []
        while self._agenda and self._agenda[0][0] < self._watermark:
            _, span, actor, start = heapq.heappop(self._agenda)
            self._planned.discard((actor, start, span))
            closed.append(self._window(actor, start, span))
        closed.sort(key=lambda one: (one.end, one.span, one.actor))
        return closed

    def flush(self) -> list[Window]:
        """Close everything: the end of the input."""
        return self.close(datetime.max.replace(tzinfo=UTC))

    def _plan(self, actor: str, start: datetime, span: timedelta) -> None:
        key = (actor, start, span)
        if key not in self._planned and start + span >= self._watermark:
            self._planned.add(key)
            heapq.heappush(self._agenda, (start + span, span, actor, start))

    def _window(self, actor: str, start: datetime, span: timedelta) -> Window:
        day = (actor, floor(start, DAY))
        acts = self._days[day].values()
        if span == DAY:
            del self._days[day]
        within = [act for act in acts if start <= act.time < start + span]
        return Window(actor, start, span, tuple(sorted(within, key=lambda act: (act.time, act.id))))


def floor(at: datetime, span: timedelta) -> datetime:
    """Return the start of the window of the grid that ``at`` lies in."""
    return at - (at - _EPOCH) % span
