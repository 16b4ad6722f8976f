"""``sentinel match``: Sigma rules over flat JSON events, line by line, as fast as can be."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from sentinel import config
from sentinel.app.line_judge import LineJudge, Match
from sentinel.cli.output import json_lines, note
from sentinel.clock import SystemClock
from sentinel.collect.files import STDIN
from sentinel.detect.fast.lines import LineMatcher
from sentinel.detect.reload import rules_in_force
from sentinel.detect.rules.cache import user_cache
from sentinel.detect.rules.model import RuleSet
from sentinel.domain.event import LogSource
from sentinel.errors import Exit, UnreadableFile, UsageError

EXAMPLE = "--logsource product=windows,category=process_creation"


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("match")(match)


def match(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(readable=False, help="NDJSON files or folders; - or nothing: stdin."),
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option(readable=False, help="Folder of Sigma rules; default: the rules in force."),
    ] = None,
    logsource: Annotated[
        str,
        typer.Option(
            help="Log source of every line, as product=windows,category=process_creation. "
            "Default: what each line says in the keys category, product, service."
        ),
    ] = "",
    events: Annotated[bool, typer.Option("--events", help="Print the event too.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="The closing summary as JSON; matches always are.")
    ] = False,
) -> None:
    """Match Sigma rules against flat JSON events: a JSON line for each match.

    A key of an event is a field of the rules; each event is judged by itself, as it stands, by
    every rule, also those that alert through a correlation only, or not at all (informational).
    Log formats, redaction and correlations: sentinel scan. Exit 0: no match, 1: some.
    """
    settings = config.load(context.obj)
    folder = rules or settings.rules_path
    ruleset = _rules(folder)
    if not ruleset.rules:
        raise UnreadableFile("no rule in this folder", where=str(folder))
    judge = LineJudge(LineMatcher(ruleset.rules, source=_source(logsource)))
    counts: Counter[str] = Counter()
    trouble: UnreadableFile | None = None
    try:
        for found in judge.judge(paths or [Path(STDIN)], sys.stdin.buffer):
            counts.update(one.rule.info.slug for one in found)
            if found:
                json_lines(_public(found, events=events))
    except UnreadableFile as error:
        trouble = error
    _close(judge, counts, ruleset, as_json=as_json)
    if trouble is not None:
        raise trouble
    if judge.troubles and not judge.judged:
        raise UnreadableFile(
            f"none of {judge.lines} lines could be judged", hint="one flat JSON object a line"
        )
    if counts:
        raise typer.Exit(int(Exit.FINDINGS))


def _rules(folder: Path) -> RuleSet:
    if not folder.exists():
        raise UnreadableFile("no such folder", where=str(folder))
    return rules_in_force(folder, SystemClock().now(), cache=user_cache()).ruleset


def _source(text: str) -> LogSource | None:
    if not text:
        return None
    parts: dict[str, str] = {}
    for part in text.split(","):
        name, _, value = (word.strip() for word in part.partition("="))
        if name not in LogSource.__struct_fields__ or name in parts or not value:
            raise UsageError(f"--logsource: {part.strip()!r} does not fit", hint=EXAMPLE)
        parts[name] = value
    return LogSource(**parts)


def _public(found: Sequence[Match], *, events: bool) -> Iterator[dict[str, object]]:
    for place, rule, fields in found:
        shown: dict[str, object] = {
            "rule_id": rule.info.id,
            "rule": rule.info.slug,
            "title": rule.info.title,
            "level": rule.info.level.value,
            "event_ref": place,
        }
        yield {**shown, "event": fields} if events else shown


def _close(judge: LineJudge, counts: Counter[str], ruleset: RuleSet, *, as_json: bool) -> None:
    """Say on stderr what was read, what could not be judged, and what matched."""
    unrouted = judge.matcher.unrouted
    if as_json:
        summary = {
            "lines": judge.lines,
            "blank": judge.blank,
            "judged": judge.judged,
            "without_log_source": unrouted,
            "troubles": judge.troubles,
            "first_troubles": judge.first,
            "rules": len(ruleset.rules),
            "correlations_left_out": len(ruleset.correlations),
            "matches": counts,
        }
        note(msgspec.json.encode({"summary": summary}).decode())
        return
    blank = f", blank: {judge.blank}" if judge.blank else ""
    note(f"lines read: {judge.lines}, judged: {judge.judged}{blank}; rules: {len(ruleset.rules)}")
    for kind, places in judge.first.items():
        for place in places:
            note(f"  {place}")
        if (more := judge.troubles[kind] - len(places)) > 0:
            note(f"  and {more} more")
    if unrouted:
        note(f"without a log source, judged by few rules: {unrouted}; {EXAMPLE}")
    if ruleset.correlations:
        note(f"correlations left out: {len(ruleset.correlations)}; sentinel scan judges those")
    note(f"matches: {counts.total()}")
    for slug, count in counts.most_common():
        note(f"  {slug}: {count}")
