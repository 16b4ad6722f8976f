"""Events per core-second of the rule engine, JSON parse included, beside `orjson.loads` alone.

    python bench/rules/run.py [--mix web,win20k,winpc] [--rules 10,100,500,0]

CPU time of this process counts, so that a shared machine disturbs less. 0 rules stands for all of
them. What is missing is said, and skipped.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import orjson

from sentinel.detect.fast.lines import LineMatcher
from sentinel.detect.rules.load import load_rules
from sentinel.detect.rules.model import Rule
from sentinel.domain.event import LogSource

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
BATCH = 4096
ROUNDS = 3  # the first one makes plans and learns frequencies; the best of the others counts
OTHER = {"windows", "linux", "macos"}
SOURCE = ("category", "product", "service")
CHECKED = 1_500  # events on which every closure is run, to compare


def main() -> int:
    arguments = _arguments()
    archive = DATA / "sigma" / "rules.tar.gz"
    if not archive.is_file():
        print(f"NOT RUN: no snapshot of SigmaHQ's rules ({archive})", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        started = time.process_time()
        rules = load_rules(Path(folder)).rules
        print(f"corpus sha256 {_digest(archive)}, {len(rules)} rules, "
              f"loaded in {time.process_time() - started:.1f} CPU seconds")  # fmt: skip
        for mix in arguments.mix.split(","):
            events = DATA / "bench" / f"{mix}.ndjson.gz"
            if not events.is_file():
                print(f"NOT RUN: no {events}", file=sys.stderr)
                continue
            lines = gzip.decompress(events.read_bytes()).splitlines()
            print(f"\n{mix}: {len(lines)} events, sha256 {_digest(events)}")
            _mix(lines, list(_of_mix(rules, mix)), arguments)
    return 0


def _mix(lines: Sequence[bytes], rules: Sequence[Rule], arguments: argparse.Namespace) -> None:
    base = len(lines) / min(_cpu(lambda: [orjson.loads(line) for line in lines]) for _ in range(3))
    print(f"{'orjson.loads alone':>24} {base:>10,.0f}/s")
    for wanted in map(int, arguments.rules.split(",")):
        chosen = _spread(rules, wanted or len(rules))
        matcher = LineMatcher(chosen)
        found, seconds = [], []
        for _ in range(ROUNDS):
            started = time.process_time()
            found.append(_run(matcher, lines))
            seconds.append(time.process_time() - started)
        assert all(one == found[0] for one in found)
        _check(found[0], chosen, lines)
        rate = len(lines) / min(seconds[1:])
        first = len(lines) / seconds[0]
        print(f"{len(chosen):>18} rules {rate:>10,.0f}/s  {rate / base:5.2f} of orjson  ", end="")
        print(f"(first pass {first:,.0f}/s)  {len(found[0])} matches")


def _run(matcher: LineMatcher, lines: Sequence[bytes]) -> list[tuple[int, str]]:
    return [
        (at + match.row, match.rule.info.id)
        for at in range(0, len(lines), BATCH)
        for match in matcher.match_lines(lines[at : at + BATCH])
    ]


def _check(found: Sequence[tuple[int, str]], rules: Sequence[Rule], lines: Sequence[bytes]) -> None:
    """Run every closure on some of the events; the matches must be the same."""
    step = max(1, len(lines) // CHECKED)
    expected = []
    routes: dict[tuple[str, str, str], list[Rule]] = {}
    for row in range(0, len(lines), step):
        fields = json.loads(lines[row])
        category, product, service = (fields.get(name) or "" for name in SOURCE)
        key = (category, product, service)
        if key not in routes:
            source = LogSource(category=category, product=product, service=service)
            routes[key] = [rule for rule in rules if rule.applies_to(source)]
        expected += [(row, rule.info.id) for rule in routes[key] if rule.match(fields)]
    assert [one for one in found if one[0] % step == 0] == expected


def _cpu(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _of_mix(rules: Sequence[Rule], mix: str) -> Iterator[Rule]:
    for rule in rules:
        windows = rule.logsource.product == "windows"
        if windows if mix.startswith("win") else rule.logsource.product not in OTHER:
            yield rule


def _spread(rules: Sequence[Rule], count: int) -> list[Rule]:
    """Return ``count`` rules spread evenly over the folders."""
    return [rules[at * len(rules) // count] for at in range(min(count, len(rules)))]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mix", default="web,win20k,winpc")
    parser.add_argument("--rules", default="10,100,500,0")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
