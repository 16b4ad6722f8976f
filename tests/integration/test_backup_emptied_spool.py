"""A backup of a spool that was emptied, before or while it was made, is put back whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sentinel.app import parts
from sentinel.app.backup.create import create
from sentinel.app.backup.restore import restore
from sentinel.clock import ManualClock
from sentinel.config import Settings
from sentinel.domain.event import Event
from sentinel.store.disk import Disk
from sentinel.store.payload import encode, pack
from sentinel.store.segment_log import SegmentLog

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MADE = [Event(id=f"{n:032x}", time=NOW, source="crm", ref="") for n in range(5)]


def settings_in(folder: Path) -> Settings:
    return Settings.model_validate(
        {
            "data_dir": folder / "data",
            "keys": {"master": "5e" * 32, "anchor": "11" * 32},
            "backup": {"dir": folder / "backups", "key": "ab" * 32},
        }
    )


def furnished(settings: Settings) -> SegmentLog:
    sealer = parts.open_sealer(settings)
    parts.open_cases(settings, sealer, ManualClock(NOW)).close()
    events = parts.open_events(settings, sealer)
    events.append(MADE, last_offset=4)
    events.close()
    folder = settings.data_dir / "spool"
    folder.mkdir()
    log = SegmentLog(folder, sealer, purpose="spool", segment_bytes=1, disk=Disk())
    for event in MADE:
        log.append(pack(encode([event])), 1)
    return log


def put_back(settings: Settings, archive: Path) -> SegmentLog:
    shutil.rmtree(settings.data_dir)
    restore(settings, archive, ManualClock(NOW), by="a")
    sealer = parts.open_sealer(settings)
    return SegmentLog(
        settings.data_dir / "spool", sealer, purpose="spool", segment_bytes=1, disk=Disk()
    )


def test_an_emptied_spool_is_put_back_with_its_offsets(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    log = furnished(settings)
    log.prune(4, last_too=True)
    log.close()
    found = put_back(settings, create(settings, NOW, kind="daily")[0].path)
    assert (found.first_offset, found.last_offset) == (-1, 4)
    found.close()


@pytest.mark.parametrize("at", [1, 2, 4])
@pytest.mark.parametrize("goes_on", [False, True])
def test_a_spool_that_is_emptied_meanwhile_is_put_back_with_its_offsets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int, goes_on: bool
) -> None:
    settings = settings_in(tmp_path)
    log = furnished(settings)
    link: Callable[[Path, Path], None] = os.link
    links = 0

    def linked(source: Path, target: Path) -> None:
        nonlocal links
        links += source.parent.name == "spool"
        if links == at and source.suffix == ".seg":
            log.prune(4, last_too=True)
            if goes_on:
                log.append(pack(encode(MADE[:1])), 1)
        link(source, target)

    monkeypatch.setattr(os, "link", linked)
    archive = create(settings, NOW, kind="daily")[0].path
    assert links >= at
    monkeypatch.undo()
    log.close()
    found = put_back(settings, archive)
    assert found.last_offset >= 4
    kept = [offset for offset, _ in found.read(-1, 100)]
    assert kept == list(range(kept[0], found.last_offset + 1)) if kept else True
    found.close()
