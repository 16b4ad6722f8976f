"""Two engines that we did not write, measured on the same rules, events and machine.

RSigma (Rust) runs as its own process, logsource routing on; its start and the loading of rules,
measured on empty input, are subtracted. SQLite runs pySigma's translation of each rule over an
in-memory table of the events. What is not installed is said, and skipped.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import resource
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from sentinel.detect.rules.model import Rule

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 2
OPTIONS = ("--logsource-routing", "--input-format", "json", "--output-format", "ndjson")
ROW = "bench.row"  # a field that no rule reads, to tell events apart in the output
ROUTED = ("category", "product", "service")
ROUTE = "logsource_"
Matches = set[tuple[int, str]]  # row, id of the rule


def find_rsigma() -> Path | None:
    """Return the program: of `get_rsigma.sh`, or on the path."""
    local = ROOT / ".tools" / "bin" / "rsigma"
    found = shutil.which("rsigma")
    return local if local.is_file() else Path(found) if found else None


@contextmanager
def rule_folder(rules: Sequence[Rule]) -> Iterator[Path]:
    """Copy the files of the rules into a folder of their own."""
    with tempfile.TemporaryDirectory() as folder:
        for number, path in enumerate(dict.fromkeys(rule.origin.path for rule in rules)):
            shutil.copy(path, Path(folder) / f"{number:05}.yml")
        yield Path(folder)


def rsigma_rate(program: Path, folder: Path, lines: Sequence[bytes]) -> float:
    """Return events per CPU second, the best of some rounds, start and loading taken away."""
    events = b"\n".join(lines) + b"\n"
    loading = min(_run(program, folder, b"")[0] for _ in range(ROUNDS))
    working = min(_run(program, folder, events)[0] for _ in range(ROUNDS))
    return len(lines) / max(working - loading, 1e-9)


def rsigma_matches(program: Path, folder: Path, lines: Sequence[bytes]) -> Matches:
    """Return what it finds; apart from the clock, for the output repeats the event."""
    numbered = (orjson.dumps({**orjson.loads(line), ROW: row}) for row, line in enumerate(lines))
    _seconds, output = _run(program, folder, b"\n".join(numbered) + b"\n", "--include-event")
    found = map(json.loads, output.splitlines())
    return {(one["event"][ROW], one["rule_id"]) for one in found}


def rsigma_version(program: Path) -> str:
    """Return what it calls itself."""
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return shown.stdout.splitlines()[0]


def timed(command: Sequence[str], events: bytes) -> tuple[float, bytes]:
    """Run a program on ``events``; return its CPU seconds and its output."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryFile() as source:
        source.write(events)
        source.seek(0)
        done = subprocess.run(command, stdin=source, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in {0, 1}:  # 1: something matches
        raise RuntimeError(done.stderr.decode())
    used = (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)
    return used, done.stdout


def _run(program: Path, folder: Path, events: bytes, *more: str) -> tuple[float, bytes]:
    return timed([str(program), "engine", "eval", "-r", str(folder), *OPTIONS, *more], events)


def sqlite_rate(rules: Sequence[Rule], lines: Sequence[bytes]) -> tuple[float, Matches, int] | None:
    """Return events per CPU second, the matches, and how many rules it cannot translate."""
    queries, refused = _queries(rules)
    if not queries:
        return None
    started = time.process_time()
    events = [_folded(orjson.loads(line)) for line in lines]
    columns = dict.fromkeys(name for event in events for name in event)
    columns |= dict.fromkeys(name.lower() for name in _fields(rules))
    base = sqlite3.connect(":memory:")
    base.create_function("regexp", 2, _regexp, deterministic=True)
    base.execute(f"CREATE TABLE logs ({', '.join(map(_quoted, columns))})")
    slots = ", ".join("?" * len(columns))
    base.executemany(
        f"INSERT INTO logs VALUES ({slots})",
        ([_cell(event.get(name)) for name in columns] for event in events),
    )
    found: Matches = set()
    for rule_id, query in queries.items():
        try:
            found.update((row - 1, rule_id) for (row,) in base.execute(query))
        except sqlite3.OperationalError:  # a field with a dot, which the backend does not quote
            refused += 1
    return len(lines) / (time.process_time() - started), found, refused


def _folded(event: dict[str, Any]) -> dict[str, Any]:
    """Name the fields as SQL does, without case; what routes an event has columns of its own."""
    routes = {f"{ROUTE}{name}": event[name] for name in ROUTED if name in event}
    return {name.lower(): value for name, value in event.items() if name not in ROUTED} | routes


def _queries(rules: Sequence[Rule]) -> tuple[dict[str, str], int]:
    try:
        backend: Any = importlib.import_module("sigma.backends.sqlite").sqliteBackend()
    except ImportError:
        return {}, 0
    from sigma.collection import SigmaCollection

    found: dict[str, str] = {}
    refused = 0
    for rule in rules:
        try:
            collection = SigmaCollection.from_yaml(rule.origin.path.read_text("utf-8"))
            (query,) = backend.convert(collection)
        except Exception:  # whatever it cannot translate
            refused += 1
            continue
        where = query.partition(" WHERE ")[2]
        source = [
            f"{ROUTE}{name} = '{value}' COLLATE NOCASE"
            for name in ROUTED
            if (value := getattr(rule.logsource, name))
        ]
        found[rule.info.id] = (
            f"SELECT rowid FROM logs WHERE {' AND '.join([*source, f'({where})'])}"
        )
    return found, refused


def _fields(rules: Sequence[Rule]) -> list[str]:
    return sorted(
        {name for rule in rules for name in rule.reads if name not in ("*", "@timestamp")}
    )


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}" COLLATE NOCASE'


def _cell(value: Any) -> Any:
    too_large = isinstance(value, int) and value.bit_length() > 63
    return json.dumps(value) if isinstance(value, list | dict) or too_large else value


def _regexp(pattern: str, value: Any) -> bool:
    return value is not None and re.search(pattern, str(value)) is not None


def environment() -> str:
    """Return how many processors stand here, and how busy they are."""
    return f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"
