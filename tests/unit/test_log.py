"""Our own log: lines on stderr, and nothing stops where they cannot be written."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator

import msgspec
import pytest
import structlog

from sentinel.obs import log


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_a_line_is_json_on_the_stderr_of_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    log.configure("info")
    later = io.StringIO()
    monkeypatch.setattr(sys, "stderr", later)
    log.get("spool").info("opened", segments=3)
    line = msgspec.json.decode(later.getvalue())
    assert (line["event"], line["room"], line["segments"]) == ("opened", "spool", 3)


def test_a_closed_stderr_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    log.configure("info")
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    log.get("spool").error("disk_full")


def test_less_severe_lines_stay_away(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("error")
    log.get("spool").info("opened")
    assert capsys.readouterr().err == ""
