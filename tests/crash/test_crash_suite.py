"""The crash suite in short; ``python tests/crash/crash_suite.py --runs 1000`` is the long one.

In a process of its own: it forks, which a process with threads must not.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from crash_power import UnreliableDisk, power_run
from crash_verdict import Figures

from sentinel.store.disk import make_folder

SUITE = Path(__file__).with_name("crash_suite.py")


def suite(*arguments: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, SUITE, *arguments], capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr[-3000:]
    return done.returncode, json.loads(done.stdout)


@pytest.mark.slow
def test_nothing_is_lost_doubled_or_left_unsaid(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = suite("--runs", "30", "--power-share", "0.4")
    with capsys.disabled():
        print("\n" + json.dumps(told))
    assert (code, told["faults"], told["notes"]) == (0, 0, [])
    assert told["all_runs"] == 30
    assert told["acknowledged"] > 300
    assert told["alerts_due"] > 3
    assert told["blind_intervals"] >= 18
    assert told["open_windows"] == 0


def test_the_suite_fails_when_the_fsync_is_taken_out() -> None:
    code, told = suite("--runs", "8", "--power-share", "1", "--without-fsync")
    assert code == 1
    assert told["lost"] > 0


def test_a_power_loss_at_any_moment_loses_nothing(tmp_path: Path) -> None:
    chance, figures = random.Random(7), Figures()
    for number in range(40):
        asyncio.run(power_run(tmp_path / str(number), chance, figures, fsync=True))
    assert figures.faults == 0
    assert figures.injected_errors > 50


def test_a_folder_whose_name_was_not_synced_is_synced_by_the_next_opening(tmp_path: Path) -> None:
    """A failed sync leaves a folder that is there, and yet would be gone after a power loss."""
    disk = UnreliableDisk(random.Random(1), honest=True, often=1.0)
    folder = tmp_path / "data" / "spool"
    with pytest.raises(OSError, match=r"Input/output|No space"):
        make_folder(disk, folder)
    disk._often = 0.0
    make_folder(disk, folder)
    assert {tmp_path / "data", folder} <= disk.names.keys()
