"""Our mixture beside each single PyOD detector and the Markov chain: same split, same seeds.

    python bench/behaviour/compare.py [--seeds 0,1,2,3,4] [--sets ait,csic2010,crs]

A Markdown table: mean over the seeds, and the spread (± half of highest less lowest), of the
ROC-AUC and PR-AUC by line and by session. A seed draws the split where the set has no time, the
folds and the detectors that draw.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import msgspec
from datasets import DATA, SETS, build

from sentinel.app import parts
from sentinel.collect.intake import UnparsedLine
from sentinel.collect.offline import OfflineReader
from sentinel.collect.profile import Profile
from sentinel.config import Settings
from sentinel.detect.behaviour.evaluate import Evaluation
from sentinel.detect.behaviour.labelled import open_dataset
from sentinel.domain.event import Event

WINDOWS = {"ait": (None, 5.0)}  # minutes; the service's own cut, and that of the published baseline
UNITS = ("lines", "sessions")
MEASURES = ("roc_auc", "pr_auc")

Read = Callable[[Path], Iterable[Event]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--raw", type=Path, help="Append one JSON line for each run; no table.")
    parser.add_argument("--tables", type=Path, help="Print the tables of such a file; run nothing.")
    arguments = parser.parse_args()
    if arguments.tables:
        _tables([json.loads(text) for text in arguments.tables.read_text().splitlines()])
        return 0
    if not DATA.is_dir():
        print(f"NOT RUN: no open data ({DATA})", file=sys.stderr)
        return 2
    profiles = parts.load_sources(Settings())
    rows = []
    for seed in map(int, arguments.seeds.split(",")):
        for name in arguments.sets.split(","):
            for window in WINDOWS.get(name, (None,)):
                rows.append(_run(name, window, seed, partial(_read, profiles)))
                if arguments.raw:
                    with arguments.raw.open("a") as file:
                        file.write(json.dumps(rows[-1]) + "\n")
    if not arguments.raw:
        _tables(rows)
    return 0


def _read(profiles: Mapping[str, Profile], path: Path) -> Iterator[Event]:
    for item in OfflineReader(profiles).read([path]):
        if not isinstance(item, UnparsedLine):
            yield item


def _run(name: str, window: float | None, seed: int, read: Read) -> dict[str, Any]:
    cut = None if window is None else timedelta(minutes=window)
    with tempfile.TemporaryDirectory() as folder:
        dataset = open_dataset(build(name, Path(folder), seed=seed))
        report = Evaluation(dataset, read, seed=seed, window=cut).report(20, compare=True)
    answer: dict[str, Any] = msgspec.to_builtins(report)
    return {"set": name, **answer}


def _tables(rows: Sequence[dict[str, Any]]) -> None:
    groups: dict[tuple[str, float], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["set"], row["window_minutes"]].append(row)
    for (name, window), runs in groups.items():
        one = runs[-1]
        print(f"\n### {name}, sessions of at most {window:g} minutes, {len(runs)} seeds\n")
        print(
            f"{one['train_sessions']} sessions learnt, {one['test_sessions']} judged "
            f"({one['sessions']['positives']} attacks), {one['test_lines']} lines "
            f"({one['lines']['positives']} attacks).\n"
        )
        print("| Detector | lines ROC-AUC | lines PR-AUC | sessions ROC-AUC | sessions PR-AUC |")
        print("|---|---|---|---|---|")
        for detector in one["detectors"]:
            cells = [_cell(runs, detector, unit, key) for unit in UNITS for key in MEASURES]
            print(f"| {detector} | {' | '.join(cells)} |", flush=True)


def _cell(runs: Sequence[dict[str, Any]], detector: str, unit: str, measure: str) -> str:
    values = [run["detectors"][detector][unit][measure] for run in runs]
    return f"{fmean(values):.4f} ± {(max(values) - min(values)) / 2:.4f}"


if __name__ == "__main__":
    sys.exit(main())
