"""Rules and events for the measurements of correlations."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from sentinel.detect.rules.load import load_rules
from sentinel.detect.rules.model import RuleSet
from sentinel.domain.event import Event, LogSource

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
SOURCE = LogSource(category="webserver")


def rules_with(block: Mapping[str, Any]) -> RuleSet:
    """Return one rule on web accesses and one correlation over it."""
    documents = [
        {
            "title": "Page not found",
            "name": "not_found",
            "logsource": {"category": "webserver"},
            "detection": {
                "selection": {"http.response.status_code": 404},
                "condition": "selection",
            },
            "level": "informational",
        },
        {"title": "Measured", "name": "measured", "correlation": {"rules": "not_found", **block}},
    ]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "rules.yml").write_text(yaml.safe_dump_all(documents))
        return load_rules(Path(folder)).require_clean()


def accesses(count: int, *, every: timedelta, addresses: int, paths: int) -> Iterator[Event]:
    """Yield refused accesses, from each address in turn, to each path in turn."""
    for n in range(count):
        address = n % addresses
        yield Event(
            id=f"{n:032x}",
            time=START + n * every,
            source="www",
            ref=f"www#{n}",
            logsource=SOURCE,
            fields={
                "http.response.status_code": 404,
                "source.ip": f"ip_{address:016x}",
                "url.path": f"/page/{n % paths}",
            },
        )
