"""What a house holds after its last life: events, alerts, ledger; and what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from crash_life import ask, settings_in
from crash_sender import Sender, now

from sentinel.app import parts
from sentinel.clock import SystemClock
from sentinel.domain.blind import spans, uncovered

Interval = tuple[datetime, datetime]


@dataclass
class Figures:
    """What the suite prints, summed over its houses."""

    runs: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    lost: int = 0
    stored_twice: int = 0
    out_of_order: int = 0
    resent_batches: int = 0
    alerts_due: int = 0
    alerts_lost: int = 0
    alerts_doubled: int = 0
    alerts_unexplained: int = 0
    blind_intervals: int = 0
    blind_seconds: float = 0.0
    blind_uncovered_seconds: float = 0.0
    ledger_seconds: float = 0.0
    ledger_windows: Counter[str] = field(default_factory=Counter)
    open_windows: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    without_retry_after: int = 0
    torn_tails_made: int = 0
    rotations: int = 0
    truncations: int = 0
    injected_errors: int = 0
    powers_lost: int = 0
    broken_houses: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def faults(self) -> int:
        """Everything that must be nought."""
        return (
            self.lost
            + self.stored_twice
            + self.out_of_order
            + self.alerts_lost
            + self.alerts_doubled
            + self.alerts_unexplained
            + self.without_retry_after
            + self.broken_houses
            + (self.blind_uncovered_seconds > 0)
        )


def judge(house: Path, senders: Sequence[Sender], blind: list[Interval], figures: Figures) -> None:
    """Add what ``house`` holds, against what its senders were told, to ``figures``."""
    found = ask(house, lambda: _contents(house))
    for sender in senders:
        _judge_events(found, sender, figures)
        figures.resent_batches += sender.resent
        for status, count in sender.statuses.items():
            figures.answers[str(status)] += count
        figures.without_retry_after += sender.without_retry_after
    _judge_alerts(found, senders, figures)
    _judge_ledger(found, [one for sender in senders for one in sender.blind] + blind, figures)


def _judge_events(found: dict[str, Any], sender: Sender, figures: Figures) -> None:
    stored = _numbers(found["events"], sender.source)
    lost = sender.acknowledged - set(stored)
    figures.acknowledged += len(sender.acknowledged)
    figures.lost += len(lost)
    figures.stored_twice += len(stored) - len(set(stored))
    first_seen = list(dict.fromkeys(_numbers(found["spool"], sender.source)))
    turned = [(a, b) for a, b in pairwise(first_seen) if a > b]
    figures.out_of_order += len(turned)
    figures.notes += [f"{sender.source}: {a} came before {b}" for a, b in turned[:3]]
    if lost:
        figures.notes.append(f"lost of {sender.source}: {sorted(lost)[:5]}")


def _numbers(refs: Sequence[str], source: str) -> list[int]:
    start = f"{source}#{source}-"
    return [int(ref.removeprefix(start)) for ref in refs if ref.startswith(start)]


def _judge_alerts(found: dict[str, Any], senders: Sequence[Sender], figures: Figures) -> None:
    """Each marked line is one alert of its own, and so is each burst."""
    marked = [refs[0] for slug, refs in found["alerts"] if slug == "marked_line"]
    bursts = [refs[0] for slug, refs in found["alerts"] if slug == "many_sign_ins"]
    due = {_ref(one.source, number) for one in senders for number in one.marked}
    due_bursts = {
        _ref(one.source, int(name.rpartition(".")[2])) for one in senders for name in one.bursts
    }
    for got, wanted in ((marked, due), (bursts, due_bursts)):
        figures.alerts_due += len(wanted)
        figures.alerts_lost += len(wanted - set(got))
        figures.alerts_doubled += len(got) - len(set(got))
        figures.alerts_unexplained += len(set(got) - wanted)
        figures.notes += [f"no alert: {ref}" for ref in sorted(wanted - set(got))[:3]]
    others = {slug for slug, _ in found["alerts"]} - {"marked_line", "many_sign_ins"}
    figures.alerts_unexplained += sum(not slug.startswith("blind_") for slug in others)


def _ref(source: str, number: int) -> str:
    return f"{source}#{source}-{number:08d}"


def _judge_ledger(found: dict[str, Any], blind: list[Interval], figures: Figures) -> None:
    ledger = [
        (datetime.fromisoformat(begin), datetime.fromisoformat(end))
        for begin, end in found["spans"]
    ]
    missing = uncovered(blind, ledger)
    figures.blind_intervals += len(blind)
    figures.blind_seconds += sum((end - begin).total_seconds() for begin, end in blind)
    figures.blind_uncovered_seconds += sum((end - begin).total_seconds() for begin, end in missing)
    figures.ledger_seconds += sum((end - begin).total_seconds() for begin, end in ledger)
    figures.ledger_windows.update(found["causes"])
    figures.open_windows += found["open"]
    figures.notes += [f"not in the ledger: {begin} to {end}" for begin, end in missing][:3]


def _contents(house: Path) -> dict[str, Any]:
    settings = settings_in(house)
    sealer = parts.open_sealer(settings)
    events = parts.open_events(settings, sealer)
    spool = parts.open_spool(settings, sealer)
    cases = parts.open_cases(settings, sealer, SystemClock())
    with cases.begin() as tx:
        alerts = tx.alerts.find(limit=1_000_000)
        windows = tx.blind.find(limit=1_000_000)
    in_spool: list[str] = []
    offset = -1
    while batch := spool.read(offset):
        in_spool += [event.ref for _, event in batch]
        offset = batch[-1][0]
    return {
        "events": [event.ref for event in events.search()],
        "spool": in_spool,
        "alerts": [(alert.rule.slug, list(alert.refs) or [""]) for alert in alerts],
        "spans": [(b.isoformat(), e.isoformat()) for b, e in spans(windows, now())],
        "causes": [window.cause.value for window in windows],
        "open": sum(window.end is None for window in windows),
    }
