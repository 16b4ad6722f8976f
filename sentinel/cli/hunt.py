"""``sentinel hunt``: ask the stored events, also while the service runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from sentinel import config
from sentinel.app import hunt_journal, hunting, parts
from sentinel.cli.output import json, line, note
from sentinel.cli.rule_choice import choose_rule
from sentinel.cli.when import instant
from sentinel.clock import isoformat
from sentinel.config import Settings
from sentinel.detect.hunt.query import condition_of
from sentinel.detect.rules.model import Rule
from sentinel.domain.event import Event
from sentinel.domain.hunt import BUCKETS, Groups, Hunt
from sentinel.errors import UsageError
from sentinel.store.ports import EventStore, Sealer

SHOWN = (
    "user.name",
    "event.action",
    "http.request.method",
    "http.response.status_code",
    "url.path",
    "url.query",
    "source.ip",
)
MOST_FIELDS = 4


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("hunt")(hunt)


def hunt(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    context: typer.Context,
    query: Annotated[
        str, typer.Argument(help="As in 'user.name:usr_x and not url.path:/health*'.")
    ] = "",
    since: Annotated[str, typer.Option(help="From when: 7d, 36h, or an instant (UTC).")] = "",
    until: Annotated[str, typer.Option(help="Until when, not included.")] = "",
    sigma: Annotated[
        str, typer.Option(help="Slug, id or file of a Sigma rule that must match besides.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many events.")] = 100,
    oldest_first: Annotated[
        bool, typer.Option("--oldest-first", help="In the order of time, not the newest first.")
    ] = False,
    by: Annotated[
        str, typer.Option(help="Count by fields instead: FIELD[,FIELD…], @hour, @day.")
    ] = "",
    distinct: Annotated[
        str, typer.Option(help="With --by: count the distinct values of this field.")
    ] = "",
    top: Annotated[int, typer.Option(min=1, help="With --by: at most so many groups.")] = 20,
    rare: Annotated[bool, typer.Option("--rare", help="With --by: the smallest first.")] = False,
    count: Annotated[bool, typer.Option("--count", help="Say only how many there are.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one a line.")] = False,
) -> None:
    """Ask the stored events; the service may run. Pseudonyms stay pseudonyms.

    Who asked, for whom and when is written into the journal before anything is shown.
    The language is described in docs/reference/hunt.md. Exit 0, found or not; 2: the query is
    wrong, with the column; 3: the rule is; 4: nothing can be read.
    """
    settings = config.load(context.obj)
    sealer = parts.open_sealer(settings)
    question = Hunt(
        where=condition_of(query, lambda kind, name: tokens_of(settings, sealer, kind, name)),
        since=instant(since) if since else None,
        until=instant(until) if until else None,
        newest_first=not oldest_first,
        limit=limit,
    )
    named = hunt_journal.named_in(question.where)
    rule = _rule(settings, sigma) if sigma else None
    true: Callable[[Event], bool] | None = None
    if rule is not None:
        question, true = hunting.of_rule(question, rule)
    groups = _groups(by, distinct=distinct, top=top, rare=rare, count=count)
    asked = hunt_journal.Asked(
        shows="events" if groups is None else "groups",
        query=hunt_journal.digest_of(settings, query),
        named=named,
        rule=rule.info.slug if rule else "",
        since=question.since,
        until=question.until,
    )
    with hunting.stored(settings, sealer) as events:
        hunt_journal.journal(settings, sealer, asked)
        if groups is not None:
            _count(events, question, groups, true, as_json=as_json)
        else:
            _show(events, question, true, as_json=as_json)


def tokens_of(settings: Settings, sealer: Sealer, kind: str, name: str) -> Sequence[str]:
    """Return every pseudonym under which an identifier may be stored."""
    return parts.make_pseudonymiser(settings, sealer).tokens(kind, name)


def _rule(settings: Settings, wanted: str) -> Rule:
    rule = choose_rule(settings, wanted).rule
    if not isinstance(rule, Rule):
        hint = f"sentinel backtest {wanted} --since 30d judges it"
        raise UsageError(f"{wanted} is a correlation: it has no selection", hint=hint)
    return rule


def _groups(by: str, *, distinct: str, top: int, rare: bool, count: bool) -> Groups | None:
    names = tuple(name.strip() for name in by.split(",") if name.strip())
    if not names and not count:
        if distinct or rare:
            raise UsageError("--distinct and --rare go with --by", hint="--by FIELD, or --by @day")
        return None
    if len(names) > MOST_FIELDS:
        raise UsageError(f"--by takes {MOST_FIELDS} fields at most")
    for name in names:
        if name.startswith("@") and name not in BUCKETS:
            raise UsageError(f"{name} is no span of time", hint=f"one of {', '.join(BUCKETS)}")
    if set(names) & set(BUCKETS):
        return Groups(by=names, distinct=distinct, top=top, order="key")
    return Groups(by=names, distinct=distinct, top=top, order="fewest" if rare else "most")


def _show(
    store: EventStore, question: Hunt, true: Callable[[Event], bool] | None, *, as_json: bool
) -> None:
    shown = 0
    for event in hunting.found(store, question, true):
        shown += 1
        if as_json:
            json(
                {
                    "id": event.id, "time": isoformat(event.time), "source": event.source,
                    "ref": event.ref, "logsource": event.logsource, "fields": event.fields,
                }
            )  # fmt: skip
        else:
            texts = [" ".join(event.items(name)) for name in SHOWN]
            line("  ".join([isoformat(event.time), *filter(None, texts), event.id]))
    more = " (there may be more: --limit)" if shown == question.limit else ""
    note(f"{shown} events{more}")


def _count(
    store: EventStore,
    question: Hunt,
    groups: Groups,
    true: Callable[[Event], bool] | None,
    *,
    as_json: bool,
) -> None:
    for group in hunting.grouped(store, question, groups, true):
        if as_json:
            json({"key": dict(zip(groups.by, group.key, strict=True)), "count": group.count})
        else:
            line("  ".join([f"{group.count:>10}", *group.key]))
