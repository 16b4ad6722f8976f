"""The affected sets of known cases in two made-up companies, asked without looking at the labels.

The data are not part of the project: ``SENTINEL_TEST_DATA`` names the folder that holds
``scope/world_a`` and ``scope/world_b``. What is asserted is what was reached, case by case; what
a query alone cannot tell apart (a leaver's last week at the own portfolio) is said in
``docs/how-to``.
"""

import os
import runpy
from pathlib import Path
from typing import Any

import pytest

from sentinel.content import content_dir

DATA = Path(os.environ.get("SENTINEL_TEST_DATA", content_dir("rules").parents[1] / "shared/data"))
FOLDER = DATA / "scope"
BENCH = Path(__file__).parents[2] / "bench" / "scope" / "affected.py"
WORLDS = [name for name in ("world_a", "world_b") if (FOLDER / name).is_dir()]


@pytest.mark.parametrize("world", ["world_a", "world_b"])
def test_the_affected_sets_of_the_cases(world: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if world not in WORLDS:
        pytest.skip(f"NOT RUN: no {FOLDER / world}; set SENTINEL_TEST_DATA to the open data")
    monkeypatch.syspath_prepend(BENCH.parent)
    bench: dict[str, Any] = runpy.run_path(str(BENCH))
    desk = bench["Desk"](world, bench["read_world"](FOLDER / world))
    rows = list(desk.rows())
    assert all(desk.exact())
    chosen = [row for row in rows if row.chosen]
    assert len(chosen) == 44
    for row in chosen:
        if row.scenario in ("curious", "stalker", "vip"):
            assert (row.recall, row.precision) == (1.0, 1.0), row
            assert row.access_recall == 1.0, row
        elif row.scenario == "departing":
            assert row.recall == 1.0, row
            assert row.precision >= 0.85, row
        else:
            assert row.recall >= 0.98, row
            assert row.precision >= 0.96, row
    for row in rows:
        if row.extent == "everything":
            assert row.recall == 1.0, row
    for row in chosen:  # somebody who settles what is named as doubtful reaches the aim
        assert row.settled_recall == 1.0, row
        assert row.settled_precision >= 0.99, row
        assert row.levels["all"].met, row
        assert row.levels["hours"].asked <= 115, row
        assert row.asked <= 170, row
