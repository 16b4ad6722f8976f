"""Events per core-second of the rule engine, JSON parse included, beside others.

    python bench/rules/run.py [--mix web,win20k,winpc] [--rules 10,100,500,0] [--no-peers]

CPU time counts, so that a shared machine disturbs less. 0 rules stands for all of them. The matcher
of `sentinel match` is timed in this process, the command and the service's engine beside it (see
product.py), then `orjson.loads` alone, RSigma (see get_rsigma.sh) and SQLite (see peer.py). What is
missing is said, and skipped.
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
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import orjson
import peer
import product

from sentinel.detect.fast.lines import LineMatcher
from sentinel.detect.rules.load import load_rules
from sentinel.detect.rules.model import Rule
from sentinel.domain.event import LogSource

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
BATCH = 4096
WARMING = 5  # passes at most until no plan changes any more
ROUNDS = 2
OTHER = {"windows", "linux", "macos"}
SOURCE = ("category", "product", "service")
CHECKED = 1_500  # events on which every closure is run, to compare
SQL_RULES = 100  # SQLite runs each rule over all rows: no more rules than that


def main() -> int:
    arguments = _arguments()
    archive = DATA / "sigma" / "rules.tar.gz"
    if not archive.is_file():
        print(f"NOT RUN: no snapshot of SigmaHQ's rules ({archive})", file=sys.stderr)
        return 2
    program = None if arguments.no_peers else peer.find_rsigma()
    if program is None:
        print("RSIGMA IS NOT MEASURED: sh bench/rules/get_rsigma.sh brings it", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        started = time.process_time()
        rules = load_rules(Path(folder)).rules
        print(f"corpus sha256 {_digest(archive)}, {len(rules)} rules, loaded in "
              f"{time.process_time() - started:.1f} CPU seconds; {peer.environment()}")  # fmt: skip
        if program is not None:
            print(peer.rsigma_version(program))
        for mix in arguments.mix.split(","):
            events = DATA / "bench" / f"{mix}.ndjson.gz"
            if not events.is_file():
                print(f"NOT RUN: no {events}", file=sys.stderr)
                continue
            lines = gzip.decompress(events.read_bytes()).splitlines()
            print(f"\n{mix}: {len(lines)} events, sha256 {_digest(events)}")
            _mix(lines, list(_of_mix(rules, mix)), arguments, program)
    return 0


def _mix(
    lines: Sequence[bytes],
    rules: Sequence[Rule],
    arguments: argparse.Namespace,
    program: Path | None,
) -> None:
    for wanted in map(int, arguments.rules.split(",")):
        chosen = _spread(rules, wanted or len(rules))
        parse = min(_cpu(lambda: [orjson.loads(line) for line in lines]) for _ in range(5))
        seconds, found = _ours(chosen, lines)
        parse = min(parse, _cpu(lambda: [orjson.loads(line) for line in lines]))
        base, rate = len(lines) / parse, len(lines) / min(seconds[1:])
        print(f"{len(chosen)} rules, {len(found)} matches")
        print(f"  orjson.loads alone {base:>10,.0f}/s")
        print(f"  Sentinel           {rate:>10,.0f}/s  {rate / base:5.2f} of orjson  "
              f"(first pass, learning {len(lines) / seconds[0]:,.0f}/s; "
              f"lines not seen before {_unseen(chosen, lines):,.0f}/s)")  # fmt: skip
        _as_product(chosen, lines, set(found))
        if program is not None:
            _beside_rsigma(program, chosen, lines, rate, set(found))
        if not arguments.no_peers and len(chosen) <= SQL_RULES:
            _beside_sqlite(chosen, lines, rate, set(found))


def _ours(rules: Sequence[Rule], lines: Sequence[bytes]) -> tuple[list[float], peer.Matches]:
    """Return the seconds of the first pass and of warm ones, and the matches, checked."""
    matcher = LineMatcher(rules)
    seconds, found = [], []
    for number in range(WARMING + ROUNDS):
        choices = _choices(matcher)
        started = time.process_time()
        found.append(_run(matcher, lines))
        if number == 0 or number >= WARMING or choices == _choices(matcher):
            seconds.append(time.process_time() - started)
        if len(seconds) > ROUNDS:
            break
    assert all(one == found[0] for one in found)
    _check(found[0], rules, lines)
    return seconds, set(found[0])


def _choices(matcher: LineMatcher) -> int:
    return sum(route.plan.choices for route in matcher._routes.values())


def _unseen(rules: Sequence[Rule], lines: Sequence[bytes]) -> float:
    """Return the rate on the second half of the lines after learning on the first."""
    half = len(lines) // 2
    matcher = LineMatcher(rules)
    for _pass in range(3):
        _run(matcher, lines[:half])
    return half / _cpu(lambda: _run(matcher, lines[half:]))


def _as_product(rules: Sequence[Rule], lines: Sequence[bytes], ours: peer.Matches) -> None:
    """Show the command and the service's engine. Their matches must be the same."""
    with peer.rule_folder(rules) as folder:
        once, often, found = product.command_rates(folder, lines)
    assert found == ours
    print(f"  sentinel match     {once:>10,.0f}/s from a cold start, {often:,.0f}/s over the "
          f"same lines {product.TIMES} times")  # fmt: skip
    rate, found = product.engine_rate(rules, lines)
    assert found == ours
    print(f"  service's engine   {rate:>10,.0f}/s warm")


def _beside_rsigma(
    program: Path, rules: Sequence[Rule], lines: Sequence[bytes], rate: float, ours: peer.Matches
) -> None:
    with peer.rule_folder(rules) as folder:
        theirs = peer.rsigma_rate(program, folder, lines)
        found = peer.rsigma_matches(program, folder, lines)
    print(f"  RSigma             {theirs:>10,.0f}/s  Sentinel is {rate / theirs:.1f} times as fast")
    _differences(rules, ours, found)


def _beside_sqlite(
    rules: Sequence[Rule], lines: Sequence[bytes], rate: float, ours: peer.Matches
) -> None:
    measured = peer.sqlite_rate(rules, lines)
    if measured is None:
        print("  SQLITE IS NOT MEASURED: pip install pysigma-backend-sqlite", file=sys.stderr)
        return
    theirs, found, refused = measured
    print(f"  SQLite             {theirs:>10,.0f}/s  Sentinel is {rate / theirs:.1f} times as fast "
          f"({refused} rules it cannot translate)")  # fmt: skip
    _differences(rules, ours, found)


def _differences(rules: Sequence[Rule], ours: peer.Matches, theirs: peer.Matches) -> None:
    """Name every rule on which another engine says something else."""
    only_ours = Counter(rule for _row, rule in ours - theirs)
    only_theirs = Counter(rule for _row, rule in theirs - ours)
    print(f"    the same matches: {len(ours & theirs)}")
    for rule in rules:
        if more := only_ours[rule.info.id] or only_theirs[rule.info.id]:
            side = "only Sentinel" if only_ours[rule.info.id] else "only the other"
            print(f"    {side}: {more} matches of {rule.origin.path.stem}")


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
    parser.add_argument("--no-peers", action="store_true", help="measure Sentinel and orjson only")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
