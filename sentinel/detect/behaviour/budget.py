"""At most N findings a day, whatever the traffic does; what was cut is counted.

The model's threshold says what is odd. This bounds what people are asked to look at: a site that
was rebuilt overnight, or a flood, must not bury a security team. Days are of the sessions' ends,
in UTC, so that a replay cuts the same.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime

_DAYS_KEPT = 32


class DailyBudget:
    """Counts findings by day. ``cut``: findings above the threshold that were not told, by day."""

    def __init__(self, findings_a_day: int) -> None:
        self._most = findings_a_day
        self._told: Counter[date] = Counter()
        self.cut: Counter[date] = Counter()

    def admit(self, at: datetime) -> bool:
        """Tell whether a finding of the instant ``at`` is within its day's budget, and count it."""
        day = at.astimezone(UTC).date()
        if self._told[day] >= self._most:
            self.cut[day] += 1
            return False
        self._told[day] += 1
        self._forget()
        return True

    def _forget(self) -> None:
        for counter in (self._told, self.cut):
            while len(counter) > _DAYS_KEPT:
                del counter[min(counter)]
