"""Our mixture beside each single PyOD detector and the Markov chain: same split, same seeds.

    python bench/behaviour/compare.py [--seeds 5] [--sets ait,csic2010,crs]

A Markdown table: mean over the seeds, and the spread (highest less lowest), of the ROC-AUC and
PR-AUC by line and by session. A seed draws the split where the set has no time, the folds and the
detectors that draw.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import fmean

from datasets import DATA, SETS, build

from sentinel.app import parts
from sentinel.collect.intake import UnparsedLine
from sentinel.collect.offline import OfflineReader
from sentinel.config import Settings
from sentinel.detect.behaviour.evaluate import Evaluation
from sentinel.detect.behaviour.labelled import open_dataset
from sentinel.domain.event import Event

WINDOWS = {"ait": (None, 5.0)}  # minutes; the service's own cut, and that of the published baseline
MEASURES = ("roc_auc", "pr_auc")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sets", default=",".join(SETS))
    arguments = parser.parse_args()
    if not DATA.is_dir():
        print(f"NOT RUN: no open data ({DATA})", file=sys.stderr)
        return 2
    profiles = parts.load_sources(Settings())

    def read(path: Path) -> Iterator[Event]:
        for item in OfflineReader(profiles).read([path]):
            if not isinstance(item, UnparsedLine):
                yield item

    for name in arguments.sets.split(","):
        for window in WINDOWS.get(name, (None,)):
            cut = None if window is None else timedelta(minutes=window)
            _table(name, cut, range(arguments.seeds), read)
    return 0


def _table(name: str, window: timedelta | None, seeds: range, read: object) -> None:
    found: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            dataset = open_dataset(build(name, Path(folder), seed=seed))
            evaluation = Evaluation(dataset, read, seed=seed, window=window)  # type: ignore[arg-type]
        report = evaluation.report(20, compare=True)
        for detector, units in report.detectors.items():
            for unit, quality in units.items():
                for measure in MEASURES:
                    found[detector, unit, measure].append(getattr(quality, measure))
    print(f"\n### {name}, sessions of at most {report.window_minutes:g} minutes\n")
    print(
        f"{report.train_sessions} sessions learnt, {report.test_sessions} judged "
        f"({report.sessions.positives} of them attacks), {report.test_lines} lines "
        f"({report.lines.positives} attacks).\n"
    )
    print("| Detector | lines ROC-AUC | lines PR-AUC | sessions ROC-AUC | sessions PR-AUC |")
    print("|---|---|---|---|---|")
    for detector in report.detectors:
        cells = [
            f"{fmean(values):.4f} ± {(max(values) - min(values)) / 2:.4f}"
            for unit in ("lines", "sessions")
            for measure in MEASURES
            if (values := found[detector, unit, measure])
        ]
        print(f"| {detector} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
