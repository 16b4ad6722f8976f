"""``sentinel scan`` and ``sentinel parse``: what Sentinel sees and finds in files, offline.

Nothing is stored and nobody is told. Values stay as they stand in the files, but for secrets and
bank details, which are redacted: what is printed here ends in terminals and tickets.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from sentinel import config
from sentinel.app import parts
from sentinel.app.offline import Offline
from sentinel.cli.output import json, line, note, stderr, stdout
from sentinel.clock import isoformat
from sentinel.collect.files import STDIN, find_files, total_size
from sentinel.collect.formats.registry import AUTO, all_formats
from sentinel.collect.intake import UnparsedLine
from sentinel.collect.offline import OfflineReader
from sentinel.domain.event import Event, nested
from sentinel.domain.finding import Finding
from sentinel.errors import Exit, UnreadableFile

FIRST_REASONS = 3
SLICE = 512

Paths = Annotated[
    list[Path] | None,
    # What cannot be read is told at the end, after what can.
    typer.Argument(readable=False, help="Files or folders; - or nothing: standard input."),
]
Format = Annotated[str, typer.Option("--format", help="Format of the lines, auto, or list.")]
Profile = Annotated[str, typer.Option(help="Source profile; default: chosen by format.")]


class Summary(msgspec.Struct):
    """What was read and found, for the closing lines."""

    lines: int = 0
    parsed: int = 0
    unparsed: int = 0
    first_reasons: list[str] = []
    findings: Counter[str] = Counter()


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command("scan")(scan)
    app.command("parse")(parse)


def scan(
    context: typer.Context,
    paths: Paths = None,
    format_name: Format = AUTO,
    profile: Profile = "",
    rules: Annotated[
        Path | None,
        typer.Option(readable=False, help="Folder of Sigma rules; default: the rules in force."),
    ] = None,
    facts: Annotated[
        Path | None,
        typer.Option(readable=False, help="Folder or file of business facts (CSV, JSON, NDJSON)."),
    ] = None,
    output: Annotated[
        Literal["jsonl", "table"], typer.Option(help="Findings as JSON lines or as a table.")
    ] = "jsonl",
    as_json: Annotated[
        bool, typer.Option("--json", help="Findings and the closing summary as JSON.")
    ] = False,
) -> None:
    """Look for findings in log files. Exit 0: none, 1: some."""
    settings = config.load(context.obj)
    offline = Offline(settings, rules=rules, facts=facts)
    reader = OfflineReader(
        parts.load_sources(settings, rules), format_name=format_name, profile_name=profile
    )
    summary = Summary(findings=Counter())
    found: list[Finding] = []
    trouble: UnreadableFile | None = None
    try:
        for finding in _find(offline, _events(reader, paths, summary)):
            summary.findings[finding.rule.slug] += 1
            if output == "jsonl" or as_json:
                json(public(finding))
            else:
                found.append(finding)
    except UnreadableFile as error:
        trouble = error
    if found:
        stdout.print(_table(found))
    _close(summary, reader, as_json=as_json)
    if trouble is not None:
        raise trouble
    _require_understood(summary)
    if summary.findings.total():
        raise typer.Exit(int(Exit.FINDINGS))


def parse(
    context: typer.Context,
    paths: Paths = None,
    format_name: Format = AUTO,
    profile: Profile = "",
    _: Annotated[bool, typer.Option("--json", help="NDJSON, which it is anyway.")] = False,
) -> None:
    """Print normalised ECS events as NDJSON: what Sentinel sees of log files.

    A line that is not understood is answered with {"error": ...}; exit 1 then.
    """
    if format_name == "list":
        for name, one in all_formats().items():
            line(f"{name:18}{one.title}")
        return
    settings = config.load(context.obj)
    reader = OfflineReader(
        parts.load_sources(settings, None), format_name=format_name, profile_name=profile
    )
    for item in reader.read(paths or [Path(STDIN)], sys.stdin.buffer):
        if isinstance(item, UnparsedLine):
            json({"error": item.reason, "ref": f"{item.path}:{item.line_number}"})
        else:
            json(document(item))
    if reader.unparsed:
        raise typer.Exit(int(Exit.FINDINGS))


def document(event: Event) -> dict[str, object]:
    """Return an event as a nested ECS document."""
    source = {
        "id": event.source,
        "ref": event.ref,
        "logsource": msgspec.to_builtins(event.logsource),
    }
    tree = nested(event.fields)
    own = tree.pop("sentinel", {})
    meta = tree.pop("event", {})
    return {
        "@timestamp": isoformat(event.time),
        "event": {"id": event.id, **meta},
        **tree,
        "sentinel": {**own, "source": source},
    }


def public(finding: Finding) -> dict[str, object]:
    """Return a finding as data, reasons in English."""
    return {
        "rule_id": finding.rule.id,
        "rule": finding.rule.slug,
        "title": finding.rule.title,
        "level": finding.rule.level.value,
        "time": isoformat(finding.time),
        "actor": finding.actor,
        "subjects": list(finding.subjects),
        "categories": list(finding.categories),
        "reasons": [reason.text("en") for reason in finding.reasons],
        "event_ref": finding.refs[-1] if finding.refs else "",
        "event_refs": list(finding.refs),
        "event_count": finding.event_count,
        "promises": list(finding.rule.promises),
    }


def _events(reader: OfflineReader, paths: list[Path] | None, summary: Summary) -> Iterator[Event]:
    """Yield the parsed events, count the rest, show how far the reading is."""
    files = find_files(paths or [Path(STDIN)])
    total = total_size(files)
    bar = Progress(
        TextColumn("reading"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=stderr,
        transient=True,
        disable=not sys.stderr.isatty() or total == 0,
    )
    with bar:
        task = bar.add_task("", total=total)
        done, path = 0, ""
        for item in reader.read(files, sys.stdin.buffer):
            if isinstance(item, UnparsedLine):
                summary.unparsed += 1
                if len(summary.first_reasons) < FIRST_REASONS:
                    where = f"{item.path}:{item.line_number}"
                    summary.first_reasons.append(f"{where}: {item.reason}")
                continue
            summary.parsed += 1
            yield item
            if summary.parsed % SLICE == 0:
                current = item.ref.rsplit(":", 1)[0]
                if current != path:
                    done, path = sum(_size(f) for f in files[: _index(files, current)]), current
                bar.update(task, completed=done + reader.byte_offset)


def _index(files: list[Path], name: str) -> int:
    return next((at for at, file in enumerate(files) if str(file) == name), 0)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _find(offline: Offline, events: Iterator[Event]) -> Iterator[Finding]:
    """Run detection slice by slice; findings come as soon as they are known."""
    runner = asyncio.Runner()
    with runner:
        batch: list[Event] = []
        for event in events:
            batch.append(event)
            if len(batch) >= SLICE:
                yield from runner.run(offline.process(batch))
                batch = []
        yield from runner.run(offline.process(batch))
        yield from runner.run(offline.flush())


def _require_understood(summary: Summary) -> None:
    """Raise where no line was understood: "no findings" would say what nobody looked at."""
    if summary.unparsed and not summary.parsed:
        raise UnreadableFile(
            f"none of {summary.unparsed} lines was understood, so nothing was looked for",
            where=summary.first_reasons[0].split(": ", 1)[0],
            hint="name the format with --format; sentinel parse shows each line's reason",
        )


def _table(found: list[Finding]) -> Table:
    table = Table("time", "level", "rule", "actor", "persons", "events", "where")
    for finding in sorted(found, key=lambda one: one.time):
        table.add_row(
            isoformat(finding.time),
            finding.rule.level.value,
            finding.rule.slug,
            finding.actor,
            str(len(finding.subjects)),
            str(finding.event_count),
            finding.refs[-1] if finding.refs else "",
        )
    return table


def _close(summary: Summary, reader: OfflineReader, *, as_json: bool) -> None:
    """Say on stderr what was read, what was not understood, and what was found."""
    summary.lines = reader.lines  # as far as the reading went
    if as_json:
        closing = msgspec.to_builtins(summary) | {
            "blank": reader.blank,
            "formats": {path: name for path, (name, _) in reader.chosen.items()},
        }
        note(msgspec.json.encode({"summary": closing}).decode())
        return
    for path, (name, profile) in reader.chosen.items():
        note(f"{path}: format {name}, profile {profile}")
    blank = f", {reader.blank} blank" if reader.blank else ""
    note(f"{summary.lines} lines read, {summary.parsed} parsed, {summary.unparsed} unparsed{blank}")
    for reason in summary.first_reasons:
        note(f"  {reason}")
    total = summary.findings.total()
    note(f"{total} finding{'s' if total != 1 else ''}")
    for slug, count in summary.findings.most_common():
        note(f"  {slug}: {count}")
