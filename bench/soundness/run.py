"""Hold the engine against the naive interpreter over millions of pairs of event and rule.

    python bench/soundness/run.py --pairs 10000000

Three parts: rules drawn at random and events near them; SigmaHQ's rules and events near them;
every rule of SigmaHQ and of this repository on real events, whatever their log source, so that
rules that match on absence are asked each time. Wherever a rule matches, the index of the fast
path must have named it as a candidate, among all rules on one log source. It prints what differed
and exits with 1 where something did. Data that is not beside the checkout is left out, loudly.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import random
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "property")]

import naive_sigma  # noqa: E402
import sigma_cases  # noqa: E402

from sentinel.detect.fast.index import RuleIndex  # noqa: E402
from sentinel.detect.rules.load import load_rules  # noqa: E402
from sentinel.detect.rules.model import Origin, Rule  # noqa: E402
from sentinel.detect.rules.parse import parse_document  # noqa: E402
from sentinel.domain.event import Event as Occurrence  # noqa: E402
from sentinel.domain.event import LogSource  # noqa: E402

LISTS = ROOT / "tests" / "integration" / "sigmahq_lists"
SHOWN = 20
Event = Mapping[str, Any]
Named = set[str]
SOURCE = LogSource(category="test")
BATCH = 512


@dataclass
class Tally:
    """What one part compared. ``absence``: rules that match an event without any field."""

    name: str
    rules: int = 0
    absence: int = 0
    events: int = 0
    pairs: int = 0
    matches: int = 0
    differences: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def compare(
        self, rule: Rule, naive: naive_sigma.NaiveRule, events: list[Event], named: list[Named]
    ) -> None:
        """Put each event to both; a failure of either is a difference too.

        ``named``: for each event, the rules that the index makes candidates.
        """
        self.rules += 1
        self.absence += rule.match({})
        for event, candidates in zip(events, named, strict=True):
            expected = naive.matches(event)
            self.pairs += 1
            self.matches += expected
            answer = said(rule.match, event)
            if answer is True and rule.info.id not in candidates:
                answer = "no candidate"
            if answer is not expected:
                shown = json.dumps(event, default=repr)[:2000]
                detection = json.dumps(rule.origin.raw["detection"], default=str)[:2000]
                said_so = f"{rule.info.slug}: naive says {expected}, engine {answer}"
                self.differences.append(f"{said_so}\n  {detection}\n  {shown}")


def said(match: Callable[[Event], bool], event: Event) -> bool | str:
    """Return what the engine says, or the error that it raised."""
    try:
        return match(event)
    except Exception as error:
        return type(error).__name__


def compiled(detection: dict[str, Any]) -> Rule:
    """Compile a detection as the loader does."""
    raw = {"title": "drawn", "logsource": {"category": "test"}, "detection": detection}
    rule = parse_document(raw, Origin(path=Path("drawn.yml"), index=0, raw=raw), "drawn", {})
    assert isinstance(rule, Rule)
    return rule


class Candidates:
    """The index over rules that are all put on one log source, so that none is routed away."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._index = RuleIndex([replace(rule, logsource=SOURCE) for rule in rules])

    def of(self, events: list[Event]) -> list[Named]:
        """Return the ids of each event's candidates, asked for batch by batch."""
        named: list[Named] = []
        for start in range(0, len(events), BATCH):
            batch = [occurrence(event) for event in events[start : start + BATCH]]
            named += [{rule.info.id for rule in found} for found in self._index.candidates(batch)]
        return named


def occurrence(fields: Event) -> Occurrence:
    """Return an event with these fields."""
    when = datetime(2026, 1, 5, tzinfo=UTC)
    return Occurrence(id="", time=when, source="", ref="", logsource=SOURCE, fields=dict(fields))


def drawn_rules(tally: Tally, pairs: int, rng: random.Random) -> None:
    """Compare rules drawn at random, 200 events each."""
    while tally.pairs < pairs:
        detection = sigma_cases.detection(rng)
        wanted = sigma_cases.wanted_items(detection)
        events: list[Event] = [sigma_cases.near_event(rng, wanted) for _ in range(200)]
        tally.events += len(events)
        rule = compiled(detection)
        named = Candidates([rule]).of(events)
        tally.compare(rule, naive_sigma.NaiveRule(detection), events, named)


def near_rules(
    tally: Tally, pairs: int, rng: random.Random, rules: list[tuple[Rule, naive_sigma.NaiveRule]]
) -> None:
    """Compare given rules, each on events made for it."""
    each = max(1, pairs // max(1, len(rules)))
    index = Candidates(rule for rule, _naive in rules)
    for rule, naive in rules:
        wanted = sigma_cases.wanted_items(rule.origin.raw["detection"])
        events: list[Event] = [sigma_cases.near_event(rng, wanted) for _ in range(each)]
        tally.events += each
        tally.compare(rule, naive, events, index.of(events))


def real_events(
    tally: Tally,
    pairs: int,
    rng: random.Random,
    rules: list[tuple[Rule, naive_sigma.NaiveRule]],
    events: list[Event],
) -> None:
    """Compare every rule on the same sample of real events."""
    chosen = rng.sample(events, min(len(events), max(1, pairs // max(1, len(rules)))))
    tally.events = len(chosen)
    named = Candidates(rule for rule, _naive in rules).of(chosen)
    for rule, naive in rules:
        tally.compare(rule, naive, chosen, named)


@contextlib.contextmanager
def sigmahq() -> Iterator[Path | None]:
    """Unpack SigmaHQ's rules, with lists for their placeholders, for as long as needed."""
    archive = DATA / "sigma" / "rules.tar.gz"
    if not archive.is_file():
        print(f"LEFT OUT: SigmaHQ's rules ({archive} is not there)", file=sys.stderr)
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        (Path(folder) / "lists").symlink_to(LISTS)
        yield Path(folder)


def with_naive(folder: Path) -> list[tuple[Rule, naive_sigma.NaiveRule]]:
    """Load a folder of rules for both readers."""
    lists = {
        path.stem: [
            line for line in path.read_text("utf-8").splitlines() if line and line[0] != "#"
        ]
        for path in (folder / "lists").glob("*.txt")
    }
    loaded = load_rules(folder)
    for error in loaded.errors:
        print(f"LEFT OUT: {error}", file=sys.stderr)
    return [
        (rule, naive_sigma.NaiveRule(rule.origin.raw["detection"], lists)) for rule in loaded.rules
    ]


def recorded() -> list[Event]:
    """Read real events: web and audit lines, Windows events. The engine lends the time itself."""
    found: list[Event] = []
    for path in sorted((DATA / "bench").glob("*.ndjson.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                event = json.loads(line)
                event.pop("@timestamp", None)
                found.append(event)
    if not found:
        print(f"LEFT OUT: real events ({DATA / 'bench'} is not there)", file=sys.stderr)
    return found


def run(pairs: int, seed: int) -> list[Tally]:
    """Compare about ``pairs`` pairs in all: a quarter drawn, a quarter near, the rest real."""
    tallies = [Tally("drawn rules, near events")]
    work: list[Callable[[Tally, int, random.Random], None]] = [drawn_rules]
    shares = [pairs // 4]
    with sigmahq() as folder:
        rules = with_naive(folder) if folder else []
        rules += with_naive(ROOT / "rules")
        events = recorded()
        tallies.append(Tally("SigmaHQ and own rules, near events"))
        work.append(lambda t, n, r: near_rules(t, n, r, rules))
        shares.append(pairs // 4)
        if events:
            tallies.append(Tally("SigmaHQ and own rules, real events"))
            work.append(lambda t, n, r: real_events(t, n, r, rules, events))
            shares.append(pairs - 2 * (pairs // 4))
        for tally, compare, share in zip(tallies, work, shares, strict=True):
            started = time.process_time()
            compare(tally, share, random.Random(seed))
            tally.seconds = time.process_time() - started
    return tallies


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=20260101)
    options = parser.parse_args()
    tallies = run(options.pairs, options.seed)
    print("| part | rules | of these match {} | events | pairs | matches | differences | CPU s |")
    print("|---|---|---|---|---|---|---|---|")
    for t in tallies:
        print(
            f"| {t.name} | {t.rules:,} | {t.absence:,} | {t.events:,} | {t.pairs:,} "
            f"| {t.matches:,} | {len(t.differences):,} | {t.seconds:,.0f} |"
        )
    print(f"pairs in all: {sum(t.pairs for t in tallies):,}; seed {options.seed}")
    differences = [text for tally in tallies for text in tally.differences]
    print("\n".join(differences[:SHOWN]))
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
