"""The sightings of the service itself: what it tells the ledger of its own life and work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sentinel.detect.detector import Detector
from sentinel.domain.blind import Cause, Sighting
from sentinel.domain.event import Event


def late_ones(events: Sequence[Event], detector: Detector) -> list[Event]:
    """Return the events of a slice that came too late for correlations."""
    watermark = detector.rules.watermark
    return [event for event in events if event.time < watermark] or list(events)


def kinds(detector: Detector) -> str:
    """Return which kinds of faults were met, at most five."""
    kinds = [*detector.faults.counts, *(e.first for e in detector.rules.rule_errors.values())]
    return ", ".join(sorted(set(kinds))[:5])


def stopped(begin: datetime, seen: datetime, *, ends: bool) -> Sighting:
    """Return the time in which no service ran."""
    return Sighting(cause=Cause.STOPPED, source="", begin=begin, seen=seen, count=0, ends=ends)


def storage(begin: datetime, seen: datetime, *, ends: bool, detail: str) -> Sighting:
    """Return the time in which a store refused."""
    return Sighting(
        cause=Cause.STORAGE, source="", begin=begin, seen=seen, detail=detail, ends=ends
    )


def dark(begin: datetime, seen: datetime, *, ends: bool) -> Sighting:
    """Return the time in which stored events could not be searched."""
    return Sighting(cause=Cause.EVENTS, source="", begin=begin, seen=seen, ends=ends)


def busy(begin: datetime, seen: datetime, count: int) -> Sighting:
    """Return the time in which senders were told to come again."""
    return Sighting(
        cause=Cause.OVERLOAD,
        source="",
        begin=begin,
        seen=seen,
        count=count,
        detail="too much under way",
        ends=True,
    )


def silence(source: str, begin: datetime, seen: datetime, *, ends: bool) -> Sighting:
    """Return the silence of a source."""
    return Sighting(cause=Cause.SILENCE, source=source, begin=begin, seen=seen, ends=ends)
