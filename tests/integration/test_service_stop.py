"""A stop ends the jobs that are under way, and calls none of them failed."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sentinel.app.service import Sentinel
from sentinel.config import Settings


async def test_a_job_that_a_stop_ends_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings.model_validate(
        {"data_dir": tmp_path, "keys": {"master": "11" * 32}, "behaviour": {"enabled": False}}
    )
    service = await Sentinel.open(settings)
    began = asyncio.Event()

    async def endless() -> None:
        began.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(service._reviews, "look", endless)
    await service.start()
    service._scheduler.modify_job("reviews", next_run_time=datetime.now(UTC))
    await asyncio.wait_for(began.wait(), 20)
    with caplog.at_level(logging.ERROR):
        await service.stop()
        await asyncio.sleep(0)
    assert not [record.getMessage() for record in caplog.records]
