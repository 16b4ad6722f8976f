"""`kill -9` of the service during the daily review and during a revision: made again, told once."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from scope_life import LAST, ODD

from sentinel import config
from sentinel.app import parts
from sentinel.app.revision import PENDING
from sentinel.clock import SystemClock
from sentinel.respond.journal_check import verify_journal
from sentinel.respond.reviews import load_review, review_days
from sentinel.respond.revisions import ACTION

MANY = os.environ.get("SENTINEL_CRASH_RUNS") == "all"  # a life takes seconds: a few by default
REVIEW_KILLS = ["1", "2", "3", "after:3"] if MANY else ["3"]
KILLS = ["1", "2", "3", "after:3", "4"] if MANY else ["after:3"]
LIFE = Path(__file__).with_name("scope_life.py")
SETTINGS = """
data_dir = "var"
language = "en"
[keys]
master = "{key}"
[scope.staff]
informed_on = 2026-01-05
informed_how = "a note"
dpia_on = 2025-12-15
[scope.review]
budget = 5
learning_days = 10
unexplained = "daily"
"""


def life(folder: Path, what: str, kill: str = "0") -> int:
    return subprocess.run([sys.executable, LIFE, folder, what, kill], check=False).returncode


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled")
    text = SETTINGS.format(key=bytes(range(32)).hex())
    (folder / "sentinel.toml").write_text(text, encoding="utf-8")
    assert life(folder, "fill") == 0
    return folder


def copy(filled: Path, to: Path) -> Path:
    return Path(shutil.copytree(filled, to / "copy"))


def state(folder: Path) -> dict[str, Any]:
    """What the stores hold that must not depend on how often a process died."""
    settings = config.load(folder / "sentinel.toml", environ={})
    sealer = parts.open_sealer(settings)
    cases = parts.open_cases(settings, sealer, SystemClock())
    with cases.begin() as tx:
        days = review_days(tx)
        reviews = [load_review(tx, sealer, day) for day in days]
        lines = tx.journal.lines()
        found = {
            "days": days,
            "entries": [
                [(one.actor, one.subject, one.score, bool(one.alert)) for one in review.entries]
                for review in reviews
                if review is not None
            ],
            "alerts": sorted((one.rule.slug, one.subjects) for one in tx.alerts.find()),
            "reviewed": sum(line.action == "scope.reviewed" for line in lines),
            "revised": sorted(line.object for line in lines if line.action == ACTION),
            "pending": msgspec.json.decode(tx.state.get(PENDING) or b"[]"),
            "broken": verify_journal(tx),
        }
    cases.close()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kill", REVIEW_KILLS)
def test_a_review_that_was_killed_is_made_again_the_same(
    filled: Path, tmp_path: Path, kill: str
) -> None:
    whole = copy(filled, tmp_path / "whole")
    assert life(whole, "review") == 0
    expected = state(whole)
    assert (expected["days"], expected["reviewed"]) == ([LAST.date()], 1)
    assert any(alerted for *_, alerted in expected["entries"][0])
    folder = copy(filled, tmp_path / "killed")
    assert life(folder, "review", kill) == -signal.SIGKILL
    if kill != "after:3":
        assert state(folder)["days"] == []
    assert life(folder, "review") == 0
    assert state(folder) == expected


@pytest.mark.slow
@pytest.mark.parametrize("kill", KILLS)
def test_a_revision_that_was_killed_is_finished_and_told_once(
    filled: Path, tmp_path: Path, kill: str
) -> None:
    folder = copy(filled, tmp_path)
    assert life(folder, "late") == 0
    assert state(folder)["pending"]
    assert life(folder, "revise", kill) == -signal.SIGKILL
    assert state(folder)["pending"]
    assert life(folder, "revise") == 0
    after = state(folder)
    assert after["revised"] == [f"{900 + odd:032x}" for odd in range(ODD)]
    assert (after["pending"], after["broken"]) == ([], [])
