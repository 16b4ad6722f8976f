"""Writes the blind-window ledger: what watchers tell becomes intervals, and each interval an alert.

Sightings of one cause and source that follow one another are one window, which alerts once
however long it lasts and however often it is told of.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from sentinel.domain.alert import Alert
from sentinel.domain.blind import ADJACENT, ALERT_AFTER, BlindWindow, Cause, Sighting, adjoins
from sentinel.domain.blind_words import ALL_SOURCES, TITLES
from sentinel.domain.finding import Finding, Level, RuleInfo, finding_id
from sentinel.domain.reason import Reason
from sentinel.ids import digest_id, uuid7
from sentinel.respond.fold import Folder
from sentinel.store.ports import CaseTx

LEDGER = "sentinel:blind-ledger"
QUIET: Final = timedelta(minutes=10)
LEVELS: Final = {
    Cause.SILENCE: Level.MEDIUM,
    Cause.GAP: Level.HIGH,
    Cause.UNPARSED: Level.MEDIUM,
    Cause.SKEW: Level.LOW,
    Cause.OVERLOAD: Level.MEDIUM,
    Cause.LATE: Level.LOW,
    Cause.FAULT: Level.HIGH,
    Cause.STOPPED: Level.MEDIUM,
    Cause.DISK_FULL: Level.HIGH,
    Cause.STORAGE: Level.HIGH,
    Cause.EVENTS: Level.MEDIUM,
}
_ENDS_BY_ITSELF = (Cause.UNPARSED, Cause.SKEW)
_ENDS_WITH_THE_PROCESS = (Cause.OVERLOAD, Cause.DISK_FULL, Cause.STORAGE, Cause.EVENTS)


class Ledger:
    """The ledger, and the alerts that it raises through ``folder``."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def record(self, tx: CaseTx, sightings: Iterable[Sighting], now: datetime) -> list[Alert]:
        """Write down what was told; return the alerts that it opened."""
        touched: dict[str, BlindWindow] = {}
        for sighting in sightings:
            window = self._window(tx, sighting)
            tx.blind.put(window)
            touched[window.id] = window
        return [alert for window in touched.values() for alert in self._tell(tx, window, now)]

    def settle(self, tx: CaseTx, now: datetime) -> list[BlindWindow]:
        """End what nobody has told of for a while; return what still goes on."""
        going_on: list[BlindWindow] = []
        for window in tx.blind.find(open_only=True):
            if window.cause in _ENDS_BY_ITSELF and now - window.seen >= QUIET:
                tx.blind.put(msgspec.structs.replace(window, end=window.seen))
            else:
                going_on.append(window)
        return going_on

    def begin(self, tx: CaseTx, now: datetime) -> None:
        """End what only the last process knew the end of; it is over or will be told again."""
        for window in tx.blind.find(open_only=True):
            if window.cause in _ENDS_WITH_THE_PROCESS:
                tx.blind.put(msgspec.structs.replace(window, seen=now, end=now))

    def _window(self, tx: CaseTx, sighting: Sighting) -> BlindWindow:
        """Return the window of ``sighting``: a new one, or those that it joins, as one."""
        near = tx.blind.find(
            cause=sighting.cause,
            source=sighting.source,
            since=sighting.begin - ADJACENT,
            until=sighting.seen + ADJACENT,
        )
        joined = [window for window in reversed(near) if adjoins(window, sighting)]
        if not joined:
            return _new(sighting)
        window = joined[0].grown(sighting)
        for other in joined[1:]:
            window = msgspec.structs.replace(
                window, seen=max(window.seen, other.seen), count=window.count + other.count
            )
            tx.blind.drop(other.id)
        if window.end is not None:
            window = msgspec.structs.replace(window, end=window.seen)
        return window

    def _tell(self, tx: CaseTx, window: BlindWindow, now: datetime) -> list[Alert]:
        level = LEVELS.get(window.cause)
        long_enough = window.until(now) - window.begin >= ALERT_AFTER.get(window.cause, timedelta())
        if level is None or not long_enough:
            return []
        finding = _finding(window, level)
        if tx.alerts.has_finding(finding.id):
            return []
        tx.journal.append(
            occurred_at=window.begin,
            actor=LEDGER,
            action="blind.window",
            object_id=window.id,
            payload={"cause": window.cause.value, "source": window.source},
        )
        return self._folder.fold(tx, [finding])


def _new(sighting: Sighting) -> BlindWindow:
    return BlindWindow(
        id=uuid7(),
        cause=sighting.cause,
        source=sighting.source,
        begin=sighting.begin,
        seen=sighting.seen,
        end=sighting.seen if sighting.ends else None,
        count=sighting.count,
        detail=sighting.detail,
    )


def _finding(window: BlindWindow, level: Level) -> Finding:
    titles = TITLES[window.cause]
    if window.source:
        titles = {
            "en": f"{titles['en']}: {window.source}",
            "fr": f"{titles['fr']}\u00a0: {window.source}",
        }
    rule = RuleInfo(
        id=digest_id("blind", window.cause.value, window.source),
        slug=f"blind_{window.cause.value}",
        title=titles["en"],
        titles=titles,
        level=level,
        promises=("R-15",),
    )
    since = f"{window.begin:%Y-%m-%d %H:%M:%S} UTC"
    source = window.source or " / ".join(ALL_SOURCES[language] for language in ("fr", "en"))
    return Finding(
        id=finding_id(rule.id, (window.id,)),
        rule=rule,
        time=window.begin,
        actor="",
        subjects=(),
        events=(),
        refs=(),
        event_count=window.count,
        reasons=(Reason(f"blind.{window.cause.value}", {"source": source, "since": since}),),
    )
