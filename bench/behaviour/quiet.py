"""Findings on ordinary days of other sites: what a security team would be told for nothing.

    python bench/behaviour/quiet.py [--findings-per-day 20]

Each row trains on ordinary days and judges days that it has not seen, of the same site or, harder,
of another one. Sites: the open Apache log beside the checkout (four days of a real public blog,
robots included), two attack-free days of an intranet (AIT-LDS v2), and seven days of the demo's
invented company. Printed: days judged, sessions, those above the threshold (told and cut), and the
most that was told in one day.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sentinel.app import parts
from sentinel.collect.intake import UnparsedLine
from sentinel.collect.offline import OfflineReader
from sentinel.config import Settings
from sentinel.content import content_dir
from sentinel.demo.story import tell_normal
from sentinel.detect.behaviour.findings import load_model_rule
from sentinel.detect.behaviour.monitor import Behaviour
from sentinel.detect.behaviour.offline import findings_in
from sentinel.detect.behaviour.scorer import Scorer
from sentinel.detect.behaviour.train import train
from sentinel.domain.event import Event

WEB = Path(__file__).resolve().parents[3] / "shared" / "data" / "web"
DAY = timedelta(days=1)
HALF = datetime(2015, 5, 19, tzinfo=UTC)
END = datetime(2026, 3, 2, 18, tzinfo=UTC)

Read = Callable[[], Sequence[Event]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--findings-per-day", type=int, default=20)
    budget = parser.parse_args().findings_per_day
    if not WEB.is_dir():
        print(f"NOT RUN: no open data ({WEB})", file=sys.stderr)
        return 2
    blog = _log(WEB / "elastic" / "apache_combined.log.gz")
    first = _log(WEB / "ait_russellmitchell" / "access4.log.gz")
    second = _log(WEB / "ait_russellmitchell" / "access3.log.gz")
    early = [event for event in blog if event.time < HALF]
    late = [event for event in blog if event.time >= HALF]
    company = [event for day in range(7) for event in _company(day)]
    learnt = [event for day in range(100, 102) for event in _company(day)]
    print("| Learnt from | Judged | Days | Sessions | Above | Told | Cut | Most in a day |")
    print("|---|---|---|---|---|---|---|---|")
    for train_name, known, name, judged in (
        ("the same blog, two days before", early, "blog, 19 and 20 May", late),
        ("intranet, two days", [*first, *second], "blog, four days", blog),
        ("the same intranet, a day before", first, "intranet, second day", second),
        ("blog, four days", blog, "intranet, two days", [*first, *second]),
        ("the same company, two other days", learnt, "company, seven days", company),
        ("blog, four days", blog, "company, seven days", company),
    ):
        print(f"| {train_name} | {name} | {_judged(known, judged, budget)} |", flush=True)
    return 0


def _judged(known: Sequence[Event], judged: Sequence[Event], budget: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        train(known, Path(folder))
        return asyncio.run(_told(Path(folder), judged, budget))


async def _told(model: Path, judged: Sequence[Event], budget: int) -> str:
    rule = load_model_rule(content_dir("rules"))
    watch = Behaviour(Scorer(model), rule, findings_a_day=budget)
    days: Counter[str] = Counter()
    async for finding in findings_in(sorted(judged, key=lambda event: event.time), watch):
        days[finding.time.date().isoformat()] += 1
    times = [event.time for event in judged]
    told, cut = days.total(), sum(watch.health.cut_findings.values())
    span = max((max(times) - min(times)) / DAY, 0.0)
    most = max(days.values(), default=0)
    return f"{span:.1f} | {watch.health.scored} | {told + cut} | {told} | {cut} | {most}"


def _log(path: Path) -> list[Event]:
    reader = OfflineReader(parts.load_sources(Settings()))
    return [item for item in reader.read([path]) if not isinstance(item, UnparsedLine)]


def _company(day: int) -> Iterator[Event]:
    """Yield the site's accesses of one invented day; ``day`` is also its seed."""
    lines = tell_normal(day, END + day * DAY).lines("www")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "access.log"
        path.write_text("".join(f"{line}\n" for line in lines))
        yield from _log(path)


if __name__ == "__main__":
    sys.exit(main())
