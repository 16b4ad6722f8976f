"""``sentinel backtest``: what one rule would have found in files or in the stored events."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Protocol

import typer

from sentinel import config
from sentinel.app import parts
from sentinel.app.history import Replay, stored_events
from sentinel.app.offline import Offline
from sentinel.cli.output import json, line, note
from sentinel.cli.rule_choice import choose_rule
from sentinel.cli.scan import public
from sentinel.cli.when import instant
from sentinel.collect.formats.registry import AUTO
from sentinel.collect.intake import UnparsedLine
from sentinel.collect.offline import OfflineReader
from sentinel.detect.backtest import Report, Tally
from sentinel.domain.event import Event
from sentinel.domain.finding import Finding
from sentinel.errors import Exit, UsageError

SLICE = 512
SHOWN = 3  # findings told in full; all are counted


class Judge(Protocol):
    """What judges events slice by slice."""

    async def process(self, events: Sequence[Event]) -> list[Finding]:
        """Judge a slice."""
        ...

    async def flush(self) -> list[Finding]:
        """Judge what is still open at the end."""
        ...


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("backtest")(backtest)


def backtest(
    context: typer.Context,
    rule: Annotated[str, typer.Argument(help="Slug, id or file of a rule.")],
    paths: Annotated[list[Path] | None, typer.Argument(help="Log files or folders; -.")] = None,
    since: Annotated[
        str, typer.Option(help="Read the stored events instead: 7d, 36h, or an instant.")
    ] = "",
    rules: Annotated[
        Path | None, typer.Option(help="Folder in which the rule stands; default: those in force.")
    ] = None,
    facts: Annotated[Path | None, typer.Option(help="Business facts, for log files.")] = None,
    format_name: Annotated[str, typer.Option("--format", help="Format of the lines.")] = AUTO,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Run RULE alone over the past and count what it would have found.

    Files, or with --since the stored events, also while the service runs.
    Exit 0: nothing found, 1: something, 2: usage, 3: the rule is wrong, 4: nothing can be read.
    """
    settings = config.load(context.obj)
    if bool(paths) == bool(since):
        raise UsageError("give log files, or --since for the stored events", hint="one of the two")
    choice = choose_rule(settings, rule, rules)
    alone = choice.ruleset.only(choice.rule.info.id)
    judge: Judge
    if since:
        events: Iterable[Event] = stored_events(
            settings, instant(since), rule=choice.rule.info.slug
        )
        judge = Replay(settings, alone)
    else:
        reader = OfflineReader(parts.load_sources(settings, rules), format_name=format_name)
        events = _parsed(reader, paths or [])
        judge = Offline(settings, facts=facts, only=alone)
    tally = Tally(choice.rule.info.slug)
    shown: list[Finding] = []
    for found in _judged(judge, events, tally):
        if len(shown) < SHOWN:
            shown.append(found)
    report = tally.report()
    if as_json:
        json({"report": report, "findings": [public(found) for found in shown]})
    else:
        _print(report, shown)
    if report.findings:
        raise typer.Exit(int(Exit.FINDINGS))


def _parsed(reader: OfflineReader, paths: Sequence[Path]) -> Iterator[Event]:
    for item in reader.read(paths, sys.stdin.buffer):
        if not isinstance(item, UnparsedLine):
            yield item
    if reader.unparsed:
        note(f"{reader.unparsed} of {reader.lines} lines were not understood")


def _judged(judge: Judge, events: Iterable[Event], tally: Tally) -> Iterator[Finding]:
    stream = iter(events)
    with asyncio.Runner() as runner:
        while batch := list(islice(stream, SLICE)):
            tally.read(batch)
            found = runner.run(judge.process(batch))
            tally.found(found)
            yield from found
        found = runner.run(judge.flush())
        tally.found(found)
        yield from found


def _print(report: Report, shown: list[Finding]) -> None:
    span = f", {report.first} to {report.last}" if report.events else ""
    line(f"{report.events} events{span}")
    line(f"{report.rule}: {report.findings} findings, {report.persons} persons")
    for day, count in report.per_day.items():
        line(f"  {day}  {count}")
    for actor, count in report.actors.items():
        line(f"  {count:>6}  {actor}")
    for finding in shown:
        reasons = "; ".join(reason.text("en") for reason in finding.reasons)
        where = finding.refs[-1] if finding.refs else ""
        line(f"  e.g. {where}: {reasons}")
