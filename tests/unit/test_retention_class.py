"""The retention class of an event is that of its source; a line cannot choose its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sentinel.app import parts
from sentinel.clock import SystemClock
from sentinel.config import Settings
from sentinel.domain.hunt import RETENTION
from sentinel.domain.hunt_match import class_of


@pytest.mark.parametrize("kind", ["security_normal", "navigation"])
@pytest.mark.parametrize("said", [None, "navigation", "for_ever", "security_incident"])
def test_the_class_is_that_of_the_source(tmp_path: Path, kind: str, said: str | None) -> None:
    settings = Settings.model_validate(
        {
            "data_dir": tmp_path, "keys": {"master": "00" * 32},
            "sources": [{"name": "crm", "format": "json", "token": "t", "retention": kind}],
        }
    )  # fmt: skip
    line = {"id": "1", "time": "2026-01-02T03:04:05Z", "action": "x", "actor": {"id": "a"}}
    if said is not None:
        line |= {RETENTION: said}
    intake = parts.make_intakes(settings, parts.open_sealer(settings), SystemClock())["crm"]
    batch = intake.batch([json.dumps(line).encode(), b"not read at all"], "b")
    assert [class_of(event) for event in batch.events] == [kind, kind]
