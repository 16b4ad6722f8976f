"""What a command is and how its arguments are read: the API, the command line and forms share it.

A value comes as JSON or as text; `read_arguments` returns what the command takes, or refuses and
names the field. The commands themselves stand in `catalogue`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from sentinel.domain.deadline import resolve_local
from sentinel.domain.lateness import DatedFact
from sentinel.domain.question import fields, shown
from sentinel.errors import InvalidValue
from sentinel.respond.workflow.intake import Report

MAX_TEXT = 20_000
MAX_FACTS = 100


class Kind(StrEnum):
    """What an argument looks like."""

    TEXT = "text"
    LONG = "long"
    INSTANT = "instant"
    WHOLE = "whole"
    FLAG = "flag"
    TEXTS = "texts"
    ANY = "any"
    OBJECT = "object"
    FACTS = "facts"


class Argument(msgspec.Struct, frozen=True, kw_only=True):
    """One argument. ``choices``: the only texts allowed. ``means``: one line of help."""

    name: str
    kind: Kind
    means: str
    required: bool = True
    choices: tuple[str, ...] = ()


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """``subject``: ``incident``, ``alert`` or empty where the command opens a case."""

    name: str
    subject: str
    means: str
    arguments: tuple[Argument, ...] = ()


def read_arguments(spec: Command, given: object, *, zone: str = "") -> dict[str, Any]:
    """Return the arguments of a command. ``zone``: reads an instant without offset; empty: refuse.

    Raises InvalidValue, which names the field, and InvalidInstant.
    """
    if not isinstance(given, Mapping):
        raise InvalidValue(f"the arguments are {shown(given)}, not an object")
    known = {argument.name: argument for argument in spec.arguments}
    for name in given:
        if name not in known:
            listed = ", ".join(known) or "none"
            raise InvalidValue(f"{spec.name} takes no {shown(name)}", hint=f"it takes: {listed}")
    found: dict[str, Any] = {}
    for argument in spec.arguments:
        value = given.get(argument.name)
        if value is None or (value == "" and not argument.required):
            if argument.required:
                raise InvalidValue(f"{argument.name} is missing", hint=argument.means)
            continue
        found[argument.name] = _read(argument, value, zone)
    return {"report": Report(**found)} if spec.name == "intake" else found


def _read(argument: Argument, value: object, zone: str) -> object:
    if argument.kind is Kind.INSTANT:
        return _instant(argument, value, zone)
    wanted: dict[Kind, type] = {Kind.WHOLE: int, Kind.FLAG: bool, Kind.OBJECT: dict}
    if argument.kind in wanted:
        kind = wanted[argument.kind]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise InvalidValue(f"{argument.name} is {shown(value)}", hint=argument.means)
        return value
    if argument.kind is Kind.TEXTS:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise InvalidValue(f"{argument.name} is a list of texts", hint=argument.means)
        return value
    if argument.kind is Kind.FACTS:
        return _facts(argument, value, zone)
    return value if argument.kind is Kind.ANY else _string(argument, value)


def _facts(argument: Argument, value: object, zone: str) -> list[DatedFact]:
    if not isinstance(value, list) or len(value) > MAX_FACTS:
        raise InvalidValue(
            f"{argument.name} is no list of at most {MAX_FACTS}", hint=argument.means
        )
    told = [one if isinstance(one, DatedFact) else fields(one, ("at", "text")) for one in value]
    return [
        one
        if isinstance(one, DatedFact)
        else DatedFact(at=_instant(argument, one["at"], zone), text=_string(argument, one["text"]))
        for one in told
    ]


def _string(argument: Argument, value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT or "\x00" in value:
        raise InvalidValue(f"{argument.name} is no text of at most {MAX_TEXT} characters")
    if argument.choices and value not in argument.choices:
        raise InvalidValue(
            f"{argument.name} is {shown(value)}", hint=f"one of {', '.join(argument.choices)}"
        )
    return value


def _instant(argument: Argument, value: object, zone: str) -> datetime:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise InvalidValue(f"{argument.name} is {shown(value)}", hint="2026-03-02T10:30:00+01:00")
    return resolve_local(value, zone)
