"""What the inputs counted as lost or spoilt, told to the ledger as blind time.

A sender over syslog is never told that its message was dropped, so the ledger is where it shows.
Who was turned away on purpose (a wrong address, no TLS 1.3) is a count, and no blindness.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sentinel.domain.blind import Cause, Sighting
from sentinel.obs.metrics import Metrics

DROPPED: Final = "datagrams dropped by the kernel"
CAUSES: Final = {
    DROPPED: Cause.OVERLOAD,
    "too many connections": Cause.OVERLOAD,
    "messages lost at stop": Cause.OVERLOAD,
    "message too long": Cause.UNPARSED,
    "no message length where one is due": Cause.UNPARSED,
    "the connection ended within the message": Cause.UNPARSED,
    "otlp record rejected": Cause.UNPARSED,
    "message set aside": Cause.FAULT,
    "file cut, rest not found": Cause.GAP,
    "compressed file cut short": Cause.GAP,
    "file not readable": Cause.GAP,
}
"""What an input counts, and why it is that we did not see."""


class InputWatch:
    """Compares the counters of the inputs with what they were at the last look."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._told: dict[tuple[str, str], float] = {}

    def take(self, since: datetime, now: datetime) -> list[Sighting]:
        """Return what was lost between two looks, by source and fault."""
        counted = self._metrics.by_source_and_fault(DROPPED)
        told = [
            Sighting(
                cause=CAUSES[fault],
                source=source,
                begin=since,
                seen=now,
                count=int(count - self._told.get((source, fault), 0.0)),
                detail=fault,
                ends=True,
            )
            for (source, fault), count in sorted(counted.items())
            if fault in CAUSES and count > self._told.get((source, fault), 0.0)
        ]
        self._told = counted
        return told
