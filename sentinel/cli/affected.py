"""``sentinel affected``: whose data a case touched; frozen, widened or narrowed with a reason."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, TypeVar

import msgspec
import typer

from sentinel import config
from sentinel.app import parts
from sentinel.app.affected_cases import AffectedCases, with_persons
from sentinel.cli.directory import actor_of
from sentinel.cli.output import json, line
from sentinel.clock import SystemClock, isoformat
from sentinel.config import Settings
from sentinel.domain.affected import Affected, Extent, Selection
from sentinel.domain.incident import Actor, Incident
from sentinel.errors import UsageError
from sentinel.store.ports import CaseStore, CaseTx

T = TypeVar("T")


class Action(StrEnum):
    """What to do with the set."""

    SHOW = "show"
    FREEZE = "freeze"
    WIDEN = "widen"
    NARROW = "narrow"


INSTANTS = ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("affected")(affected)


def affected(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    context: typer.Context,
    incident: Annotated[str, typer.Argument(help="Reference (INC-2026-0001) or id.")],
    action: Annotated[Action, typer.Argument(help="What to do with the set.")] = Action.SHOW,
    extent: Annotated[
        Extent | None, typer.Option(help="Which accesses of the actors count; default: by kind.")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=INSTANTS, help="Window from, UTC.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=INSTANTS, help="Window to, UTC, excluded.")
    ] = None,
    actor: Annotated[
        list[str] | None, typer.Option(help="Pseudonym of a user, session or address.")
    ] = None,
    person: Annotated[
        list[str] | None, typer.Option(help="Only accesses to this person (pseudonym).")
    ] = None,
    act: Annotated[
        list[str] | None, typer.Option(help="Acts that always count, such as '*.export'.")
    ] = None,
    add: Annotated[list[str] | None, typer.Option(help="Put this person in by hand.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="Take this person out by hand.")] = None,
    reason: Annotated[str, typer.Option(help="Why the set is widened or narrowed.")] = "",
    by: Annotated[str, typer.Option(help="Sign-in name of who freezes or changes.")] = "",
    look_back: Annotated[
        int, typer.Option(min=0, help="Days before the window to look for the same actors.")
    ] = 30,
    doubts: Annotated[
        bool, typer.Option("--doubts", help="Name the persons whom no query can settle.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Count the persons whose data a case touched; freeze, widen or narrow the set.

    Reads what is stored now, also while the service runs.
    """
    settings = config.load(context.obj)
    if action is not Action.SHOW and not by:
        raise UsageError(f"{action.value} needs --by, the sign-in name of who does it")
    if action is Action.NARROW and add and not remove:
        raise UsageError("narrow takes persons out: --remove, not --add")
    with desk_of(settings) as (desk, stores):
        case = stores.run(lambda tx: tx.incidents.get(incident))
        asked = _asked(asyncio.run(desk.question(case)), case, extent, since, until)
        asked = _narrowed(asked, actor, person, act)
        if asked.since and asked.until and asked.since >= asked.until:
            raise UsageError("the window ends before it begins: --until must be after --since")
        for names, widen in ((add, True), (remove, False)):
            asked = with_persons(asked, names, widen=widen) if names else asked
        if action is Action.SHOW:
            found = asyncio.run(desk.count(asked))
            earlier = asyncio.run(desk.earlier(asked, timedelta(days=look_back)))
        else:
            who = stores.run(lambda tx: actor_of(tx, by))
            found = _act(desk, action, who, case, asked, reason)
            earlier = None
        frozen = stores.run(lambda tx: tx.incidents.get(incident)).affected
    if as_json:
        json(public(case.reference, found, earlier, frozen))
    else:
        _print(case.reference, found, earlier, frozen)
        for one in found.doubts if doubts else ():
            place = "counted" if one.inside else "left out"
            line(f"  {one.subject}  {place}, {one.accesses} accesses: {', '.join(one.why)}")


def _act(
    desk: AffectedCases, action: Action, who: Actor, case: Incident, asked: Selection, reason: str
) -> Affected:
    if action is Action.FREEZE:
        done = asyncio.run(desk.freeze(who, case.id, asked))
    else:
        widen = action is Action.WIDEN
        done = asyncio.run(desk.change(who, case.id, asked, reason, widen=widen))
    return done.affected or Affected()


def _asked(
    question: Selection | None,
    case: Incident,
    extent: Extent | None,
    since: datetime | None,
    until: datetime | None,
) -> Selection:
    if question is None:
        question = Selection(actors=case.actors)
    return msgspec.structs.replace(
        question,
        extent=extent or question.extent,
        since=_utc(since) or question.since,
        until=_utc(until) or question.until,
    )


def _narrowed(
    asked: Selection, actor: list[str] | None, person: list[str] | None, act: list[str] | None
) -> Selection:
    return msgspec.structs.replace(
        asked,
        actors=tuple(actor) if actor else asked.actors,
        persons=tuple(person) if person else asked.persons,
        acts=tuple(act) if act else asked.acts,
    )


def _utc(instant: datetime | None) -> datetime | None:
    if instant is None:
        return None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


class _Stores:
    """The case store, as `AffectedCases` asks for it."""

    def __init__(self, cases: CaseStore) -> None:
        self._cases = cases

    def run(self, function: Callable[[CaseTx], T], /) -> T:
        with self._cases.begin() as tx:
            return function(tx)

    async def __call__(self, function: Callable[[CaseTx], T], /) -> T:
        return self.run(function)


@contextmanager
def desk_of(settings: Settings) -> Iterator[tuple[AffectedCases, _Stores]]:
    """Open the stores, also while the service runs: events are read, cases are transactions."""
    clock, sealer = SystemClock(), parts.open_sealer(settings)
    events = parts.read_events(settings, sealer)
    cases = parts.open_cases(settings, sealer, clock)
    try:
        stores = _Stores(cases)
        scope = parts.make_scope(
            settings,
            stores.run(lambda tx: list(tx.facts.all())),
            staff=settings.scope.staff.live,
            pseudonym=parts.make_pseudonymiser(settings).pseudonym,
        )
        yield AffectedCases(stores, events, clock, scope), stores
    finally:
        events.close()
        cases.close()


def public(
    reference: str, found: Affected, earlier: Affected | None, frozen: Affected | None
) -> dict[str, object]:
    """Return the set as data: pseudonyms, counts, the query, what it leaves out, its limits."""
    selection = found.selection
    return {
        "incident": reference,
        "persons": len(found.subjects),
        "records": found.record_count,
        "categories": found.categories,
        "accesses": found.access_count,
        "refused": found.refused_count,
        "unlisted_records": found.unlisted_records,
        "first": _instant(found.first),
        "last": _instant(found.last),
        "standings": found.standings,
        "doubts": [msgspec.to_builtins(one) for one in found.doubts],
        "left_out": {"persons": list(found.left_out), "accesses": found.left_out_accesses},
        "earlier": _earlier(earlier, found),
        "limits": [
            {
                "cause": one.cause.value,
                "source": one.source,
                "begin": isoformat(one.begin),
                "end": _instant(one.end),
            }
            for one in found.limits
        ],
        "query": found.query,
        "selection": msgspec.to_builtins(selection) if selection is not None else None,
        "query_sha256": selection.sha256 if selection is not None else "",
        "sha256": found.sha256,
        "frozen": frozen is not None and frozen.sha256 == found.sha256,
        "frozen_sha256": frozen.sha256 if frozen is not None else "",
        "severity_inputs": {
            "individuals": len(found.subjects),
            "categories": sorted(found.categories),
        },
        "subjects": [msgspec.to_builtins(person) for person in found.persons],
    }


def _earlier(earlier: Affected | None, found: Affected) -> dict[str, object] | None:
    if earlier is None:
        return None
    new = sorted({*earlier.subjects} - {*found.subjects})
    return {
        "accesses": earlier.access_count,
        "persons": len(earlier.subjects),
        "persons_not_in_the_set": new,
        "first": _instant(earlier.first),
    }


def _instant(value: datetime | None) -> str | None:
    return None if value is None else isoformat(value)


def _print(
    reference: str, found: Affected, earlier: Affected | None, frozen: Affected | None
) -> None:
    line(f"{reference}: {len(found.subjects)} persons, {found.record_count} records")
    line(f"accesses {found.access_count}, refused {found.refused_count}")
    for name, count in found.categories.items():
        line(f"  {name}: {count} accesses")
    if found.first and found.last:
        line(f"first {isoformat(found.first)}, last {isoformat(found.last)}")
    if found.unlisted_records:
        line(f"{found.unlisted_records} records of accesses that name no person: there may be more")
    if found.left_out:
        line(
            f"left out: {len(found.left_out)} persons reached only by {found.left_out_accesses} "
            "accesses that a fact explains; look at them before freezing"
        )
    if found.doubts:
        inside = sum(one.inside for one in found.doubts)
        line(
            f"in doubt: {inside} persons counted and {len(found.doubts) - inside} left out may be "
            "either; settle them with widen and narrow (--json and --doubts name them all)"
        )
    if earlier is not None and earlier.access_count:
        more = len({*earlier.subjects} - {*found.subjects})
        line(
            f"before the window: {earlier.access_count} accesses without reason to "
            f"{len(earlier.subjects)} persons, {more} of them not in the set"
        )
    for one in found.limits:
        end = isoformat(one.end) if one.end else "now"
        line(f"blind: {one.cause.value} {one.source or 'all'} {isoformat(one.begin)} to {end}")
    line(f"query  {found.query}")
    line(f"sha256 {found.sha256}")
    if frozen is None:
        line("not frozen")
    elif frozen.sha256 == found.sha256:
        line("frozen")
    else:
        line(f"frozen is another set: {len(frozen.subjects)} persons, {frozen.sha256}")
