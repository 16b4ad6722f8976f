"""``sentinel scope coverage`` and ``why``: what the facts explain of the accesses in files.

Offline like `sentinel scan`: nothing is stored, values stay as they stand in the files.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import typer

from sentinel import config
from sentinel.cli.output import json, line
from sentinel.cli.scope.options import AsJson, Facts, Format, Logs, Profile, percent
from sentinel.cli.scope.reading import engine_of, events_of
from sentinel.cli.scope.statement import statement_lines
from sentinel.clock import isoformat
from sentinel.collect.formats.registry import AUTO
from sentinel.detect.scope.coverage import Coverage, RoleCoverage
from sentinel.detect.scope.engine import access_of
from sentinel.detect.scope.for_staff import statement
from sentinel.domain.scope import Verdict
from sentinel.errors import Exit, NotFound


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command("coverage")(coverage)
    app.command("why")(why)


def coverage(
    context: typer.Context,
    paths: Logs,
    facts: Facts,
    format_name: Format = AUTO,
    profile: Profile = "",
    as_json: AsJson = False,
) -> None:
    """Count how many accesses the facts explain, by role and template."""
    settings = config.load(context.obj)
    engine = engine_of(settings, facts)
    counted = Coverage()
    for event in events_of(settings, paths, format_name, profile):
        counted.add(engine.judge(event))
    if as_json:
        json({"all": counted.total(), "roles": counted.roles})
        return
    for name, role in [*sorted(counted.roles.items()), ("all", counted.total())]:
        line(_covered(name, role))


def why(
    context: typer.Context,
    event_id: Annotated[
        str, typer.Argument(metavar="EVENT", help="Identity of the event, or file:line.")
    ],
    paths: Logs,
    facts: Facts,
    format_name: Format = AUTO,
    profile: Profile = "",
    for_staff: Annotated[
        Literal["fr", "en"] | None,
        typer.Option(
            help="Write it for the person who made the access, in this language: the facts and "
            "explanations that it was judged by, without anybody else's data."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say why an access is explained, unexplained or forbidden. Exit 1: not explained."""
    settings = config.load(context.obj)
    found = [
        event
        for event in events_of(settings, paths, format_name, profile)
        if event_id in (event.id, event.ref)
    ]
    if not found:
        raise NotFound(event_id, hint="`sentinel parse` prints the identities of events")
    access = access_of(found[0])
    if access is None:
        raise NotFound(f"{event_id} is no access of staff to a person's data")
    engine = engine_of(settings, facts)
    judged = engine.explain(access)
    if for_staff is not None:
        told = statement(access, judged, engine.model, engine.facts, for_staff)
        if as_json:
            json(told)
        else:
            for text in statement_lines(told, settings.timezone):
                line(text)
    elif as_json:
        json(
            {
                "event": found[0].id,
                "ref": found[0].ref,
                "time": isoformat(access.instant),
                **msgspec.to_builtins(judged),
                "reasons": {
                    language: [reason.text(language) for reason in judged.reasons]
                    for language in ("en", "fr")
                },
            }
        )
    else:
        line(f"{judged.verdict.value}: {isoformat(access.instant)} {found[0].ref}")
        for reason in judged.reasons:
            line(f"  {reason.text('en')}")
    if judged.verdict is not Verdict.EXPLAINED:
        raise typer.Exit(int(Exit.FINDINGS))


def _covered(name: str, role: RoleCoverage) -> str:
    used = ", ".join(f"{template} {count}" for template, count in role.templates.most_common())
    return (
        f"{name}: {percent(role.share if role.accesses else None)} of {role.accesses} explained "
        f"({role.weak} weakly), {role.unexplained} unexplained, {role.forbidden} forbidden"
        + (f"; {used}" if used else "")
    )
