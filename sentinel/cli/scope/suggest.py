"""``sentinel scope suggest``: candidate templates, for a person to accept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Annotated

import typer

from sentinel import config
from sentinel.app import parts
from sentinel.cli.output import json, line, note
from sentinel.cli.scope.options import AsJson, Profile
from sentinel.cli.scope.reading import events_of
from sentinel.collect.formats.registry import AUTO
from sentinel.config import Settings
from sentinel.detect.scope.engine import ScopeEngine, access_of
from sentinel.detect.scope.evaluate_world import read_world
from sentinel.detect.scope.explain import Access
from sentinel.detect.scope.fact_files import load_facts
from sentinel.detect.scope.facts import FactIndex
from sentinel.detect.scope.load import load_scope
from sentinel.detect.scope.ranking_visit import Look
from sentinel.detect.scope.suggest import Mined, mine
from sentinel.detect.scope.suggest_yaml import proposal
from sentinel.domain.event import Event
from sentinel.domain.scope import Fact, Verdict
from sentinel.errors import ContentError, UsageError

SHOWN = 10  # joins that cover much and explain nothing


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("suggest")(suggest)


def suggest(
    context: typer.Context,
    paths: Annotated[list[Path] | None, typer.Argument(help="Log files or folders.")] = None,
    facts: Annotated[Path | None, typer.Option(help="Folder or file of business facts.")] = None,
    world: Annotated[
        Path | None, typer.Option(help="A folder as `sentinel scope eval` takes it, instead.")
    ] = None,
    scopes: Annotated[
        Path | None, typer.Option(help="Scope model; default: the one in force.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Write the proposal here; default: standard output.")
    ] = None,
    profile: Profile = "",
    as_json: AsJson = False,
) -> None:
    """Mine explanation templates that the facts support and the scope model lacks.

    Prints support, gain, how often each matches by chance and the confidence. Nothing is put in
    force: a person reads the proposal and copies what is right into rules/scopes.
    """
    settings = config.load(context.obj)
    folder = scopes or parts.content_of(settings, "scopes")
    model = load_scope(folder)
    looks, known = _material(settings, paths or [], facts, world, profile)
    engine = ScopeEngine(model, FactIndex(known))
    mined = mine([look for look, _ in looks], known, explained=_explained(engine, looks))
    if as_json:
        json(mined)
        return
    text = proposal(mined.suggestions, model)
    if output is None:
        line(text.rstrip())
    else:
        _write(output, text, folder)
        note(f"{len(mined.suggestions)} templates proposed in {output}; none is in force")
    _say(mined)


_Read = list[tuple[Look, Access]]


def _material(
    settings: Settings,
    paths: list[Path],
    facts: Path | None,
    world: Path | None,
    profile: str,
) -> tuple[_Read, list[Fact]]:
    if world is not None:
        if paths or facts:
            raise UsageError("--world stands for the log files and --facts")
        read = read_world(world, labelled=False)
        return [(look, _access(look)) for look in read.looks], read.facts
    if not paths or facts is None:
        raise UsageError("log files and --facts are needed, or --world")
    events = events_of(settings, paths, AUTO, profile)
    return [pair for event in events for pair in _pairs(event)], load_facts(facts)


def _pairs(event: Event) -> _Read:
    access = access_of(event)
    if access is None:
        return []
    role = sorted(access.roles)[0] if access.roles else "-"
    return [
        (
            Look(
                event=event.id,
                actor=access.actor,
                role=role,
                team=access.team,
                subject=subject,
                act=access.action,
                instant=access.instant.astimezone(UTC),
            ),
            access,
        )
        for subject in access.subjects
    ]


def _access(look: Look) -> Access:
    return Access(
        actor=look.actor,
        team=look.team,
        roles=frozenset((look.role,)),
        action=look.act,
        categories=(),
        subjects=(look.subject,),
        instant=look.instant,
    )


def _explained(engine: ScopeEngine, read: _Read) -> Callable[[Look], bool]:
    """Return what tells whether the templates in force explain an access already."""
    accesses = {(look.event, look.subject): access for look, access in read}

    def explained(look: Look) -> bool:
        access = accesses[look.event, look.subject]
        return engine.explain(access).verdict is Verdict.EXPLAINED

    return explained


def _write(output: Path, text: str, folder: Path) -> None:
    if output.resolve().parent == folder.resolve():
        raise UsageError(
            "a proposal is not written into the scope model in force",
            where=str(output),
            hint="write it elsewhere, read it, then copy what is right",
        )
    if output.exists():
        raise ContentError("there is such a file already", where=str(output))
    output.write_text(text, encoding="utf-8")


def _say(mined: Mined) -> None:
    for one in mined.suggestions:
        note(
            f"{one.role}: {one.kind} ({one.agent}, {one.window}) support {one.support} of "
            f"{one.accesses}, gain {one.gain}, by chance {one.by_chance:.2%}, "
            f"confidence {one.confidence:.1%}"
        )
    for left in sorted(mined.rejected, key=lambda one: -one.support)[:SHOWN]:
        note(
            f"not proposed, {left.role}: {left.kind} ({left.agent}, {left.window}) support "
            f"{left.support}, by chance {left.by_chance:.2%}: {left.reason}"
        )
