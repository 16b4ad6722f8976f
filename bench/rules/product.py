"""Sentinel itself on the same rules and lines: the command, and the engine of the service.

`sentinel match` runs as a process of its own, as its peer does: start and loading, measured on
empty input, are taken away. The engine of the service gets events made of decoded lines; its rate
holds the decoding, the making of events and of findings.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import orjson
from peer import Matches, timed

from sentinel.detect.engine import RuleEngine
from sentinel.detect.rules.model import Rule, RuleSet
from sentinel.domain.event import Event, LogSource

ROUNDS = 2
BATCH = 4096
LEAST = 0.2  # CPU seconds above those of the start
TIMES = 10  # how often the lines are repeated in the long run of the command
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def command_rates(folder: Path, lines: Sequence[bytes]) -> tuple[float, float, Matches]:
    """Return events per CPU second: of the lines once, of them repeated; and the matches.

    Zero: too short to be told from the start of the process.
    """
    empty = min(_command(folder, b"")[0] for _ in range(ROUNDS))
    once, output = _command(folder, b"\n".join(lines) + b"\n")
    often, _output = _command(folder, b"\n".join(lines * TIMES) + b"\n")
    found = map(orjson.loads, output.splitlines())
    matches = {(int(one["event_ref"].rpartition(":")[2]) - 1, one["rule_id"]) for one in found}
    return _rate(len(lines), once - empty), _rate(len(lines) * TIMES, often - empty), matches


def engine_rate(rules: Sequence[Rule], lines: Sequence[bytes]) -> tuple[float, Matches]:
    """Return warm events per CPU second of what the service runs, and the matches."""
    engine = RuleEngine(RuleSet(rules=tuple(rules)), lateness=timedelta())
    seconds: list[float] = []
    for _round in range(2 + ROUNDS):  # it learns meanwhile
        started = time.process_time()
        found = _judged(engine, lines)
        seconds.append(time.process_time() - started)
    return len(lines) / min(seconds), found


def _judged(engine: RuleEngine, lines: Sequence[bytes]) -> Matches:
    found: Matches = set()
    source = cache(lambda *parts: LogSource(category=parts[0], product=parts[1], service=parts[2]))
    for at in range(0, len(lines), BATCH):
        events = []
        for row, line in enumerate(lines[at : at + BATCH], start=at):
            fields = orjson.loads(line)
            parts = [fields.get(name) or "" for name in ("category", "product", "service")]
            events.append(
                Event(id=str(row), time=WHEN, source="s", ref="", logsource=source(*parts),
                      fields=fields)
            )  # fmt: skip
        found |= {(int(one.events[0]), one.rule.id) for one in engine.process(events)}
    return found


def _rate(events: int, seconds: float) -> float:
    return events / seconds if seconds > LEAST else 0.0


def _command(folder: Path, lines: bytes) -> tuple[float, bytes]:
    start = "from sentinel.cli.main import main; main()"
    return timed([sys.executable, "-c", start, "match", "--rules", str(folder), "-"], lines)
