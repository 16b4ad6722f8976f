"""Staff, watched while they work: acts in, findings out, a day's acts forgotten at its end.

The same acts give the same findings in whatever order they arrive within the lateness. An account
is told of once a day at most, within a budget over all accounts; what was cut is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec

from sentinel.detect.behaviour.budget import DailyBudget
from sentinel.detect.behaviour.staff_acts import act_of
from sentinel.detect.behaviour.staff_findings import staff_finding
from sentinel.detect.behaviour.staff_model import StaffModel
from sentinel.detect.behaviour.staff_windows import DAY, Window, Windows
from sentinel.domain.event import Event
from sentinel.domain.finding import Finding, RuleInfo

_TOLD_KEPT = timedelta(days=2)


class StaffHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How the watch is. ``open``: accounts with a day under way; the rest are counts.

    ``without_baseline``: windows of roles that are too small, or unknown. ``cut_findings``: beyond
    the day's budget, not told, by day.
    """

    open: int
    judged: int
    without_baseline: int
    late_acts: int
    cut_acts: int
    cut_by_restart: int
    cut_findings: dict[str, int]


class StaffWatch:
    """Watches acts of staff; not safe for two tasks at once."""

    def __init__(
        self,
        model: StaffModel,
        rule: RuleInfo,
        *,
        lateness: timedelta = timedelta(minutes=10),
        findings_a_day: int = 5,
    ) -> None:
        """Prepare with baselines that are loaded."""
        self._model = model
        self._rule = rule
        self._lateness = lateness
        self._budget = DailyBudget(findings_a_day)
        self._windows = Windows()
        self._newest: datetime | None = None
        self._since: datetime | None = None
        self._told: set[tuple[date, str]] = set()
        self._judged = self._without = self._cut_by_restart = 0
        self._learnt_from = model.manifest.window_from.date().isoformat()

    def process(self, events: Sequence[Event]) -> list[Finding]:
        """Take in events; return the findings of the windows that they ended."""
        acts = [act for event in events if (act := act_of(event)) is not None]
        if not acts:
            return []
        self._windows.add(acts)
        newest = max(act.time for act in acts)
        self._newest = newest if self._newest is None else max(newest, self._newest)
        return self.advance(self._newest)

    def advance(self, watermark: datetime) -> list[Finding]:
        """Let time pass: no act before ``watermark`` (less the lateness) is still to come."""
        return self._judge(self._windows.close(watermark - self._lateness))

    def flush(self) -> list[Finding]:
        """End of the input: judge every window."""
        return self._judge(self._windows.flush())

    def rewind(self, since: datetime | None) -> None:
        """Say that an earlier process saw what comes now, from ``since`` on; None: no more.

        A window that began before ``since`` is seen in part; it was told of as a whole.
        """
        self._since = since

    @property
    def health(self) -> StaffHealth:
        """How the watch is now."""
        return StaffHealth(
            open=len(self._windows),
            judged=self._judged,
            without_baseline=self._without,
            late_acts=self._windows.late,
            cut_acts=self._windows.cut,
            cut_by_restart=self._cut_by_restart,
            cut_findings={day.isoformat(): n for day, n in sorted(self._budget.cut.items())},
        )

    def _judge(self, windows: Sequence[Window]) -> list[Finding]:
        return [found for one in windows if (found := self._finding(one)) is not None]

    def _finding(self, window: Window) -> Finding | None:
        if self._since is not None and window.start < self._since:
            self._cut_by_restart += 1
            return None
        judged = self._model.judge(window)
        if judged is None:
            self._without += 1
            return None
        self._judged += 1
        if judged.score <= judged.threshold or not judged.strongest:
            return None
        day = (window.end - DAY if window.span == DAY else window.start).date()
        if (day, window.actor) in self._told or not self._budget.admit(window.acts[-1].time):
            return None
        self._told = {one for one in self._told if day - one[0] <= _TOLD_KEPT}
        self._told.add((day, window.actor))
        return staff_finding(window, judged, self._rule, self._learnt_from)
