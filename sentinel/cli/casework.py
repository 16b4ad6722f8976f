"""Every command of the workflow on the command line, in the name of whoever holds the token.

``sentinel account token NAME`` issues one; it is read from ``SENTINEL_TOKEN`` or ``--token-file``.
The command runs on the case store itself, beside a running service or without one: at three in the
morning with the console down, a case can still be worked.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from sentinel import config
from sentinel.app.parts import open_cases, open_sealer
from sentinel.cli.ndjson import decode
from sentinel.cli.output import json, line
from sentinel.clock import SystemClock
from sentinel.config import Settings
from sentinel.domain.alert import Alert
from sentinel.domain.incident import Actor, Incident
from sentinel.errors import InvalidValue, Refused, UnreadableFile
from sentinel.respond.workflow.catalogue import SPECS
from sentinel.respond.workflow.dispatch import run
from sentinel.respond.workflow.spec import Argument, Command, Kind, read_arguments
from sentinel.store.ports import CaseTx
from sentinel.web.auth.tokens import bearer

TokenFile = Annotated[
    Path | None, typer.Option("--token-file", help="File with your token; else SENTINEL_TOKEN.")
]
_TYPES: dict[Kind, Any] = {Kind.WHOLE: int, Kind.FLAG: bool, Kind.TEXTS: list[str]}


@contextmanager
def acting(settings: Settings, token_file: Path | None) -> Iterator[tuple[CaseTx, Actor]]:
    """Open the store for one command by the holder of a token. Raises Refused."""
    clock = SystemClock()
    token = _token(token_file)
    cases = open_cases(settings, open_sealer(settings), clock)
    try:
        with cases.begin() as tx:
            visitor = bearer(tx, token, clock.now())
            if visitor is None:
                raise Refused(
                    "the token stands for nobody", hint="sentinel account token NAME issues one"
                )
            yield tx, visitor.actor
    finally:
        cases.close()


def register(incident: typer.Typer, alert: typer.Typer) -> None:
    """Add each command of `SPECS` to the group of what it acts on."""
    for spec in SPECS.values():
        group = alert if spec.subject == "alert" else incident
        name = spec.name.removesuffix("_alert") if spec.subject == "alert" else spec.name
        group.command(name.replace("_", "-"), help=spec.means)(_command(spec))


def _command(spec: Command) -> Callable[..., None]:
    def perform(context: typer.Context, **given: Any) -> None:
        settings = config.load(context.obj)
        subject = str(given.pop("subject", ""))
        seen, tz = given.pop("seen", None), given.pop("tz") or ""
        as_json, token_file = given.pop("as_json"), given.pop("token_file")
        asked = {
            one.name: _value(one, given[one.name])
            for one in spec.arguments
            if given[one.name] not in (None, [])
        }
        arguments = read_arguments(spec, asked, zone=tz)
        with acting(settings, token_file) as (tx, actor):
            result = run(
                tx,
                spec.name,
                actor,
                arguments,
                now=SystemClock().now(),
                subject_id=subject,
                seen=seen,
                regimes=settings.organisation.clocks_beside,
                library=settings.runbooks_path,
            )
        _say(result, as_json=as_json)

    parameters = [_parameter("context", typer.Context)]
    if spec.subject:
        means = (
            "Id of the alert." if spec.subject == "alert" else "Reference (INC-2026-0001) or id."
        )
        parameters.append(_parameter("subject", Annotated[str, typer.Argument(help=means)]))
    parameters += [_option(one) for one in spec.arguments]
    if spec.subject:
        seen_help = "Do it only where this is still the version (sentinel incident show)."
        seen = Annotated[int | None, typer.Option(help=seen_help)]
        parameters.append(_parameter("seen", seen, None))
    zone = Annotated[str | None, typer.Option(help="Zone of instants without an offset.")]
    parameters += [
        _parameter("tz", zone, None),
        _parameter("token_file", TokenFile, None),
        _parameter("as_json", Annotated[bool, typer.Option("--json", help="Print JSON.")], False),
    ]
    vars(perform)["__signature__"] = inspect.Signature(parameters)  # what typer reads
    perform.__annotations__ = {one.name: one.annotation for one in parameters}
    return perform


def _parameter(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> Any:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def _option(argument: Argument) -> Any:
    kind = _TYPES.get(argument.kind, str)
    flag = f"--{argument.name.replace('_', '-').removesuffix('-ids')}"
    means = argument.means
    if argument.choices:
        means += f" One of: {', '.join(argument.choices)}."
    if argument.kind in (Kind.ANY, Kind.OBJECT):
        means += " As JSON."
    if argument.required:
        return _parameter(argument.name, Annotated[kind, typer.Option(flag, help=means)])
    if argument.kind is Kind.FLAG:
        both = f"{flag}/--not-{flag[2:]}"
        return _parameter(
            argument.name, Annotated[bool | None, typer.Option(both, help=means)], None
        )
    return _parameter(argument.name, Annotated[kind | None, typer.Option(flag, help=means)], None)


def _value(argument: Argument, given: object) -> object:
    if argument.kind is Kind.OBJECT or (argument.kind is Kind.ANY and _looks_like_json(given)):
        return decode(str(given))
    return list(given) if isinstance(given, tuple) else given


def _looks_like_json(given: object) -> bool:
    return str(given)[:1] in '[{"' or str(given) in ("true", "false", "null") or _number(given)


def _number(given: object) -> bool:
    return str(given).lstrip("-").isdigit()


def _say(result: object, *, as_json: bool) -> None:
    if isinstance(result, Alert):
        if as_json:
            json({"id": result.id, "state": result.state, "version": result.version})
        else:
            line(f"{result.id}  {result.state}  version {result.version}")
    elif isinstance(result, Incident):
        if as_json:
            json(
                {
                    "id": result.id,
                    "reference": result.reference,
                    "security": result.security,
                    "legal": result.legal,
                    "outcome": result.outcome,
                    "authority": result.authority,
                    "persons": result.persons,
                    "version": result.version,
                }
            )
        else:
            states = f"{result.legal}, {result.security}, authority {result.authority}"
            line(f"{result.reference}  {states}, persons {result.persons}, v{result.version}")
    else:
        raise InvalidValue("the command answers nothing that could be shown")


def _token(path: Path | None) -> str:
    if path is None:
        found = os.environ.get("SENTINEL_TOKEN", "").strip()
        if not found:
            raise Refused("a command is done by somebody", hint="set SENTINEL_TOKEN: your token")
        return found
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile("no token can be read", where=str(path)) from error


def plain(value: object) -> object:
    """Return a struct as data that JSON can hold."""
    return msgspec.to_builtins(value)
