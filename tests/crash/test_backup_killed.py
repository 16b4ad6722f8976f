"""kill -9 while a backup is made, or put back: nothing is half there, and the next one works."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sentinel.app import parts
from sentinel.app.backup import cycle
from sentinel.app.backup.create import create
from sentinel.app.backup.restore import restore
from sentinel.clock import ManualClock
from sentinel.config import Settings
from sentinel.domain.event import Event
from sentinel.store.disk import Disk
from sentinel.store.payload import encode, pack
from sentinel.store.segment_log import SegmentLog

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
STRIDE = int(os.environ.get("BACKUP_KILLS", "20"))
CALLS = ("fsync", "unlink", "replace", "rename", "link", "mkdir", "rmdir")


def settings_in(folder: Path) -> Settings:
    return Settings.model_validate(
        {
            "data_dir": folder / "data",
            "keys": {"master": "5e" * 32, "anchor": "11" * 32},
            "backup": {"dir": folder / "backups", "key": "ab" * 32},
        }
    )


def furnish(settings: Settings) -> None:
    sealer = parts.open_sealer(settings)
    cases = parts.open_cases(settings, sealer, ManualClock(NOW))
    with cases.begin() as tx:
        tx.journal.append(occurred_at=NOW, actor="a", action="x", object_id="o", payload={"n": 1})
    cases.close()
    made = [
        Event(id=f"{n:032x}", time=NOW - timedelta(days=n), source="crm", ref="")
        for n in range(5)
    ]  # fmt: skip
    events = parts.open_events(settings, sealer)
    events.append(made, last_offset=4)
    events.close()
    folder = settings.data_dir / "spool"
    folder.mkdir()
    log = SegmentLog(folder, sealer, purpose="spool", segment_bytes=1 << 20, disk=Disk())
    log.append(pack(encode(made)), len(made))
    log.close()


def killed_at(step: int, act: Callable[[], object]) -> bool:
    """Do ``act`` in a child that kills itself at its ``step``-th call of the system."""
    child = os.fork()
    if child == 0:
        passed = 0

        def wrap(call: Callable[..., Any]) -> Callable[..., Any]:
            def counted(*args: Any, **more: Any) -> Any:
                nonlocal passed
                passed += 1
                if passed == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*args, **more)

            return counted

        try:
            for name in CALLS:
                setattr(os, name, wrap(getattr(os, name)))
            act()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1] == signal.SIGKILL


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_backup_killed_anywhere_leaves_nothing_that_counts(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    furnish(settings)
    folder = tmp_path / "backups"
    step, deaths = 1, 0
    while killed_at(step, lambda: create(settings, NOW, kind="daily")):
        deaths += 1
        shutil.rmtree(settings.data_dir / "keys", ignore_errors=True)  # a file for each try
        found = cycle.archives(folder)
        assert len(found) <= 1, "only the last step gives it its name"
        for one in found:
            one.path.unlink()
        create(settings, NOW, kind="daily")[0].path.unlink()
        assert not list(settings.data_dir.glob(".backup-*"))
        assert not list(folder.glob(".making-*"))
        step += STRIDE
    assert deaths * STRIDE > 20


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_restore_killed_anywhere_is_whole_or_not_there(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    furnish(settings)
    archive = create(settings, NOW, kind="daily")[0]
    clock = ManualClock(NOW)
    step, deaths = 1, 0
    while True:
        shutil.rmtree(settings.data_dir, ignore_errors=True)
        shutil.rmtree(tmp_path / "backups" / "ledger", ignore_errors=True)
        died = killed_at(step, lambda: restore(settings, archive.path, clock, by="x"))
        named = settings.data_dir.exists() and any(settings.data_dir.iterdir())
        if not named:
            restore(settings, archive.path, clock, by="x")
            assert not (tmp_path / ".restore-data").exists()
        events = parts.open_events(settings, parts.open_sealer(settings))
        assert events.count() == 5, f"killed at {step}"
        events.close()
        if not died:
            break
        deaths += 1
        step += STRIDE
    assert deaths * STRIDE > 20
