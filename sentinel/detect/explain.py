"""Why a rule matches an event, or which part of it does not hold.

The rule's own expression gives the verdict. The lines below it come from its YAML, key by key, so
that the answer repeats the rule in its author's words beside what the event holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sigma.rule import SigmaDetection, SigmaDetections

from sentinel.detect.rules.compile import (
    Lists,
    compile_conditions,
    compile_detection,
    named_detections,
)
from sentinel.detect.rules.expression import All, AnyOf, Expression, Match, Not
from sentinel.detect.rules.fields import MISSING, Fields, flatten, reader, text_of
from sentinel.detect.rules.model import Rule
from sentinel.detect.rules.prepare import prepare_detection
from sentinel.domain.event import LogSource
from sentinel.domain.reason import Reason

MAX_SHOWN = 120  # characters of a value


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One key of a detection. ``found``: what the event holds there; None where it has no field.

    ``depth``: 0 for a search identifier, more for what stands under it.
    """

    depth: int
    text: str
    holds: bool
    found: str | None = None


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """``because``: the parts that decide, in English; ``lines``: the whole rule, key by key."""

    rule: str
    matches: bool
    logsource_agrees: bool
    because: tuple[str, ...]
    condition: str
    lines: tuple[Line, ...]


def explain(rule: Rule, fields: Fields, source: LogSource, lists: Lists) -> Explanation:
    """Explain ``rule`` on an event of ``source``. ``lists``: those that it was compiled with."""
    definition = prepare_detection(rule.origin.raw["detection"])
    detections = SigmaDetections.from_dict(definition)
    named = {
        name: _Named(name, child) for name, child in named_detections(detections, lists).items()
    }
    conditions = compile_conditions(detections, named)
    whole = conditions[0] if len(conditions) == 1 else AnyOf(tuple(conditions))
    agrees, holds = rule.applies_to(source), rule.match(fields)
    written = whole.matcher()(fields)  # without pipelines, filters and exceptions
    if not agrees:
        because = [f"the rule is for {_source(rule.logsource)}, the event is {_source(source)}"]
    elif holds and written:
        because = list(_why(whole, fields))
    elif holds:
        because = ["a pipeline in force rewrites the rule; as it is written it does not hold"]
    elif written:
        because = ["an exception, a filter or a pipeline in force excludes this event"]
    else:
        because = list(_why_not(whole, fields))
    return Explanation(
        rule=rule.info.slug,
        matches=agrees and holds,
        logsource_agrees=agrees,
        because=tuple(dict.fromkeys(because)),
        condition=" or ".join(detections.condition),
        lines=tuple(_lines(definition, named, fields, lists)),
    )


def values_of(fields: Fields, name: str) -> tuple[str, ...]:
    """Return the different values of a field as text; none where it is absent or null."""
    value = reader(name)(fields)
    items = flatten(value) if value is not MISSING else ()
    return tuple(dict.fromkeys(text for item in items if (text := text_of(item)) is not None))


@dataclass(frozen=True, slots=True)
class _Named(Expression):
    """A search identifier that remembers what it is called."""

    name: str
    child: Expression

    def matcher(self) -> Match:
        return self.child.matcher()

    def reasons(self, fields: Fields) -> Iterator[Reason]:
        return self.child.reasons(fields)

    def names(self) -> Iterator[str]:
        return self.child.names()


def _why(node: Expression, fields: Fields) -> Iterator[str]:
    """Yield the search identifiers by which a node that holds does so."""
    match node:
        case _Named():
            yield f"{node.name} holds"
        case All():
            for child in node.children:
                yield from _why(child, fields)
        case AnyOf():
            for child in node.children:
                if child.matcher()(fields):
                    yield from _why(child, fields)
        case Not():
            yield from _why_not(node.child, fields)


def _why_not(node: Expression, fields: Fields) -> Iterator[str]:
    """Yield the search identifiers by which a node that does not hold fails."""
    match node:
        case _Named():
            yield f"{node.name} does not hold"
        case All():
            for child in node.children:
                if not child.matcher()(fields):
                    yield from _why_not(child, fields)
        case AnyOf():
            for child in node.children:
                yield from _why_not(child, fields)
        case Not():
            yield from _why(node.child, fields)


def _lines(
    definition: Mapping[str, Any], named: Mapping[str, _Named], fields: Fields, lists: Lists
) -> Iterator[Line]:
    for name, node in named.items():
        yield Line(depth=0, text=name, holds=node.matcher()(fields))
        yield from _parts(definition[name], fields, lists, depth=1)


def _parts(definition: Any, fields: Fields, lists: Lists, *, depth: int) -> Iterator[Line]:
    """Yield one line per key; the items of a list of mappings are alternatives."""
    if isinstance(definition, Mapping):
        for key, value in definition.items():
            yield _part({key: value}, f"{key}: {_short(value)}", key, fields, lists, depth)
        return
    for item in definition if isinstance(definition, list) else [definition]:
        if isinstance(item, Mapping):
            yield _part(item, "any of, this one", "", fields, lists, depth)
            yield from _parts(item, fields, lists, depth=depth + 1)
        else:
            yield _part([item], f"the keyword {_short(item)}", "", fields, lists, depth)


def _part(definition: Any, text: str, key: str, fields: Fields, lists: Lists, depth: int) -> Line:
    holds = compile_detection(SigmaDetection.from_definition(definition), lists).matcher()
    name = key.split("|", 1)[0]
    value = reader(name)(fields) if name else MISSING
    return Line(
        depth=depth,
        text=text,
        holds=holds(fields),
        found=None if value is MISSING else _short(value),
    )


def _short(value: Any) -> str:
    text = " ".join(msgspec.json.encode(value).decode().split())
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"


def _source(source: LogSource) -> str:
    return "/".join(part or "*" for part in (source.category, source.product, source.service))
