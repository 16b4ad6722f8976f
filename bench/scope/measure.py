"""Measure `sentinel scope eval` on folders: several seeds of the draw, several budgets, and time.

    python bench/scope/measure.py FOLDER... [--seeds 1 2 3] [--budgets 10 20 40]

Prints one JSON object a run. The time is that of the whole evaluation, reading excluded.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import msgspec

from sentinel.detect.scope.evaluate import BUDGET, evaluate
from sentinel.detect.scope.evaluate_world import read_world
from sentinel.detect.scope.ranking import SEED


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure sentinel scope eval.")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--seeds", nargs="*", type=int, default=[SEED])
    parser.add_argument("--budgets", nargs="*", type=int, default=[BUDGET])
    options = parser.parse_args()
    for folder in options.folders:
        world = read_world(folder)
        for budget in options.budgets:
            for seed in options.seeds:
                started, worked = time.perf_counter(), time.process_time()
                report = evaluate(world, budget=budget, seed=seed)
                line = {
                    "folder": folder.name,
                    "seed": seed,
                    "seconds": round(time.perf_counter() - started, 1),
                    "cpu_seconds": round(time.process_time() - worked, 1),
                    **msgspec.to_builtins(report),
                }
                sys.stdout.write(json.dumps(line) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
