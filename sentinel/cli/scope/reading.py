"""Accesses and facts from files, as the commands of ``sentinel scope`` judge them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from sentinel.app import parts
from sentinel.cli.output import note
from sentinel.collect.offline import OfflineReader
from sentinel.config import Settings
from sentinel.detect.scope.engine import ScopeEngine
from sentinel.detect.scope.fact_files import load_facts
from sentinel.detect.scope.facts import FactIndex
from sentinel.detect.scope.load import load_scope
from sentinel.domain.event import Event


def engine_of(settings: Settings, facts: Path) -> ScopeEngine:
    """Return the scope model in force over the facts of a file or folder."""
    model = load_scope(parts.content_of(settings, "scopes"))
    return ScopeEngine(model, FactIndex(load_facts(facts)))


def events_of(
    settings: Settings, paths: list[Path], format_name: str, profile: str
) -> Iterator[Event]:
    """Yield the events of files; say in the end how many lines were not understood."""
    reader = OfflineReader(
        parts.load_sources(settings), format_name=format_name, profile_name=profile
    )
    for item in reader.read(paths, sys.stdin.buffer):
        if isinstance(item, Event):
            yield item
    if reader.unparsed:
        note(f"{reader.unparsed} of {reader.lines} lines were not understood")
