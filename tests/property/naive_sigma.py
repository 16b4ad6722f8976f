"""A slow, literal reading of the Sigma specification 2.1, to hold the compiled engine against.

It works from the YAML mapping, not from pySigma's objects, and shares no code with the engine:
its own tokens and parser for conditions, its own wildcards, Python's `re` for patterns. A rule is
read once (`NaiveRule`), so that millions of events can be put to it; nothing else is clever.
"""

from __future__ import annotations

import base64
import ipaddress
import itertools
import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

ABSENT = object()
MANY, ONE = object(), object()
DASHES = "-/\u2013\u2014\u2015"
Event = Mapping[str, Any]
Lists = Mapping[str, Sequence[str]]
Tree = tuple[Any, ...]
Pattern = list[Any]  # characters, MANY and ONE


def matches(detection: dict[str, Any], event: Event) -> bool:
    return NaiveRule(detection).matches(event)


class NaiveRule:
    """The detection of a rule. ``lists``: values of the placeholders of `expand`."""

    def __init__(self, detection: Mapping[str, Any], lists: Lists | None = None) -> None:
        texts = detection["condition"]
        named = {
            name: Search(definition, lists or {})
            for name, definition in detection.items()
            if name not in {"condition", "timeframe"}
        }
        self.conditions = [
            Condition(text, named) for text in ([texts] if isinstance(texts, str) else texts)
        ]

    def matches(self, event: Event) -> bool:
        return any(condition.holds(condition.tree, event) for condition in self.conditions)


class Condition:
    """The grammar of "Condition": `or` binds least, then `and`, `not`, `x of`, brackets."""

    def __init__(self, text: str, named: Mapping[str, Search]) -> None:
        self.named = named
        self.tokens = re.findall(r"[()]|[^\s()]+", text)
        self.tree = self._or()
        assert not self.tokens

    def holds(self, tree: Tree, event: Event) -> bool:
        operator, *children = tree
        if operator == "or":
            return any(self.holds(child, event) for child in children)
        if operator == "and":
            return all(self.holds(child, event) for child in children)
        if operator == "not":
            return not self.holds(children[0], event)
        return self.named[children[0]].holds(event)

    def _or(self) -> Tree:
        parts = [self._and()]
        while self.tokens[:1] == ["or"]:
            self.tokens.pop(0)
            parts.append(self._and())
        return ("or", *parts)

    def _and(self) -> Tree:
        parts = [self._not()]
        while self.tokens[:1] == ["and"]:
            self.tokens.pop(0)
            parts.append(self._not())
        return ("and", *parts)

    def _not(self) -> Tree:
        if self.tokens[:1] == ["not"]:
            self.tokens.pop(0)
            return ("not", self._not())
        return self._atom()

    def _atom(self) -> Tree:
        token = self.tokens.pop(0)
        if token == "(":
            result = self._or()
            assert self.tokens.pop(0) == ")"
            return result
        if self.tokens[:1] == ["of"]:
            self.tokens.pop(0)
            return self._quantified(token, self.tokens.pop(0))
        assert token in self.named
        return ("search", token)

    def _quantified(self, quantifier: str, pattern: str) -> Tree:
        wanted = "*" if pattern == "them" else pattern
        regex = "".join(".*" if c == "*" else re.escape(c) for c in wanted)
        chosen = [n for n in self.named if re.fullmatch(regex, n) and not n.startswith("_")]
        return ("and" if quantifier == "all" else "or", *(("search", name) for name in chosen))


class Search:
    """A search identifier: maps are AND, lists are OR, a bare value is a keyword."""

    def __init__(self, definition: Any, lists: Lists) -> None:
        self.linked = any
        if isinstance(definition, dict):
            self.linked = all
            self.parts: list[Any] = [Item(k, value, lists) for k, value in definition.items()]
        elif isinstance(definition, list):
            self.parts = [
                Search(one, lists) if isinstance(one, dict) else Item("", one, lists)
                for one in definition
            ]
        else:
            self.parts = [Item("", definition, lists)]

    def holds(self, event: Event) -> bool:
        return self.linked(part.holds(event) for part in self.parts)


class Item:
    """One `field|modifiers: values`."""

    def __init__(self, key: str, values: Any, lists: Lists) -> None:
        self.field, *self.modifiers = key.split("|")
        wanted = values if isinstance(values, list) else [values]
        if not wanted:
            wanted = [None]  # an empty list is null
        expand = "expand" in self.modifiers
        expanded = [_expanded(one, lists) if expand else [one] for one in wanted]
        self.linked = all if "all" in self.modifiers else any
        self.values = [[Wanted(self, value) for value in values] for values in expanded]

    def holds(self, event: Event) -> bool:
        if self.field == "":
            found = [item for value in event.values() for item in items(value)]
        else:
            found = items(event[self.field]) if self.field in event else [ABSENT]
        result = self.linked(
            any(wanted.holds(event, found) for wanted in alternatives)
            for alternatives in self.values
        )
        return not result if "neq" in self.modifiers else result


class Wanted:
    """One value of an item."""

    def __init__(self, item: Item, value: Any) -> None:
        self.item, self.modifiers, self.value = item, item.modifiers, value
        self.keyword = item.field == ""
        self.cased = "cased" in self.modifiers
        self.patterns = [
            _pieces(pattern, cased=self.cased)
            for pattern in _patterns(self.modifiers, value, keyword=self.keyword)
        ]

    def holds(self, event: Event, found: list[Any]) -> bool:
        if "exists" in self.modifiers:
            return (self.item.field in event) is self.value
        if "fieldref" in self.modifiers:
            others = items(event[self.value]) if self.value in event else []
            return any(_pair(self.modifiers, one, other) for one in found for other in others)
        return any(self._scalar(one) for one in found)

    def _scalar(self, found: Any) -> bool:  # noqa: PLR0911
        if self.value is None:
            return found is None or found is ABSENT
        if found is None or found is ABSENT:
            return False
        if "cidr" in self.modifiers:
            return _cidr(self.value, found)
        parts = [m for m in self.modifiers if m in {"minute", "hour", "day"}]
        parts += [m for m in self.modifiers if m in {"week", "month", "year"}]
        if parts:
            return _instant(parts[0], self.modifiers, self.value, found)
        comparisons = [m for m in self.modifiers if m in {"lt", "lte", "gt", "gte"}]
        if comparisons:
            return _compare(comparisons[0], found, self.value)
        if "re" in self.modifiers:
            return _regex(self.modifiers, self.value, text_of(found))
        if not self.keyword and isinstance(self.value, bool):
            same = isinstance(found, str) and found.lower() == text_of(self.value)
            return found is self.value or same
        if not self.keyword and isinstance(self.value, int | float):
            if isinstance(found, str):
                return found.lower() == str(self.value).lower()
            return not isinstance(found, bool) and bool(found == self.value)
        text = text_of(found) if self.cased else fold(text_of(found))
        return any(_glob(pieces, text) for pieces in self.patterns)


def items(value: Any) -> list[Any]:
    """Return the scalars of a value, in order. It replaces lists by their content, in place."""
    out = [value]
    at = 0
    while at < len(out):
        if isinstance(out[at], list):
            out[at : at + 1] = out[at]
        else:
            at += 1
    return out


def text_of(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@lru_cache(maxsize=8192)
def fold(text: str) -> str:
    """Apply Unicode's simple case folding: one character for one, whatever stands beside it."""
    return "".join(map(_fold, text))


@cache
def _fold(char: str) -> str:
    return next((c for c in (char.casefold(), char.lower()) if len(c) == 1), char)


def _expanded(value: Any, lists: Lists) -> list[Any]:
    if not isinstance(value, str):
        return [value]
    texts = [value]
    for name in re.findall("%([^%]+)%", value):
        texts = [text.replace(f"%{name}%", one) for text in texts for one in lists[name]]
    return texts


def _pair(modifiers: list[str], one: Any, other: Any) -> bool:
    if one is ABSENT or one is None or other is None:
        return False
    left, right = text_of(one), text_of(other)
    if "cased" not in modifiers:
        left, right = fold(left), fold(right)
    if "contains" in modifiers:
        return right in left
    if "startswith" in modifiers:
        return left[: len(right)] == right
    if "endswith" in modifiers:
        return right == "" or left[-len(right) :] == right
    return left == right


def _cidr(wanted: str, found: Any) -> bool:
    network = ipaddress.ip_network(wanted)
    try:
        address = ipaddress.ip_address(str(found))
    except ValueError:
        return False
    if address.version != network.version:
        return False
    width = network.max_prefixlen - network.prefixlen
    return int(address) >> width == int(network.network_address) >> width


def _instant(part: str, modifiers: list[str], wanted: int, found: Any) -> bool:
    try:
        instant = datetime.fromisoformat(str(found))
    except ValueError:
        return False
    number = instant.isocalendar()[1] if part == "week" else getattr(instant, part)
    comparisons = [m for m in modifiers if m in {"lt", "lte", "gt", "gte"}]
    return _compare(comparisons[0], number, wanted) if comparisons else number == wanted


def _compare(operator: str, found: Any, wanted: Any) -> bool:
    if isinstance(found, bool):
        return False
    try:
        number, limit = float(found), float(wanted)
    except ValueError:
        return False
    if not math.isfinite(number):
        return False
    return {
        "lt": number < limit,
        "lte": number <= limit,
        "gt": number > limit,
        "gte": number >= limit,
    }[operator]


def _regex(modifiers: list[str], wanted: str, found: str) -> bool:
    flags = 0
    flags |= re.IGNORECASE if "i" in modifiers else 0
    flags |= re.MULTILINE if "m" in modifiers else 0
    flags |= re.DOTALL if "s" in modifiers else 0
    if re.search(r"\\[wWdDsSbB]", wanted):
        flags |= re.ASCII  # PCRE's classes know ASCII only, unless asked
    if "startswith" in modifiers:
        return re.match(wanted, found, flags) is not None
    if "endswith" in modifiers:
        return re.search(rf"(?:{wanted})\Z", found, flags) is not None
    return re.search(wanted, found, flags) is not None


def _patterns(modifiers: list[str], wanted: Any, *, keyword: bool) -> list[Pattern]:
    """Apply the value modifiers in their order."""
    if not isinstance(wanted, str | int | float) or {"re", "fieldref", "cidr"} & set(modifiers):
        return []
    patterns = [_parse(text_of(wanted))]
    for modifier in modifiers:
        patterns = [new for pattern in patterns for new in _modified(modifier, pattern)]
    return [[MANY, *p, MANY] for p in patterns] if keyword else patterns


def _parse(text: str) -> Pattern:
    out: Pattern = []
    rest = list(reversed(text))
    while rest:
        char = rest.pop()
        if char == "\\" and rest and rest[-1] in "*?\\":
            out.append(rest.pop())
        else:
            out.append({"*": MANY, "?": ONE}.get(char, char))
    return out


def _modified(modifier: str, pattern: Pattern) -> list[Pattern]:  # noqa: PLR0911
    if modifier == "contains":
        return [[MANY, *pattern, MANY]]
    if modifier == "startswith":
        return [[*pattern, MANY]]
    if modifier == "endswith":
        return [[MANY, *pattern]]
    if modifier in {"wide", "utf16le"}:
        return [list("".join(pattern).encode("utf-16-le").decode("ascii", "surrogateescape"))]
    if modifier == "utf16be":
        return [list("".join(pattern).encode("utf-16-be").decode("ascii", "surrogateescape"))]
    if modifier == "base64":
        return [
            list(base64.b64encode("".join(pattern).encode("utf-8", "surrogateescape")).decode())
        ]
    if modifier == "base64offset":
        return [list(_shifted(_bytes(pattern), shift)) for shift in range(3)]
    if modifier == "windash":
        return _windash(pattern)
    return [pattern]


def _bytes(pattern: Pattern) -> bytes:
    """Return the bytes of a pattern; those that `utf16le` and its kin made are escaped."""
    return "".join(pattern).encode("utf-8", "surrogateescape")


def _shifted(data: bytes, shift: int) -> str:
    """Return the characters that depend on ``data`` alone, after ``shift`` other bytes."""
    encoded = base64.b64encode(b"\0" * shift + data + b"\0\0\0").decode()
    first = -(-8 * shift // 6)
    last = 8 * (shift + len(data)) // 6
    return encoded[first:last]


def _windash(pattern: Pattern) -> list[Pattern]:
    text = "".join(c if isinstance(c, str) else "\0" for c in pattern)
    places = [m.start() for m in re.finditer(rf"\B[{DASHES}]\b", text)]
    out = []
    for dashes in itertools.product(DASHES, repeat=len(places)):
        variant = list(pattern)
        for place, dash in zip(places, dashes, strict=True):
            variant[place] = dash
        out.append(variant)
    return out


def _pieces(pattern: Pattern, *, cased: bool) -> list[Pattern | str]:
    """Cut a pattern at its `*`. A piece without `?` becomes text, which Python finds faster."""
    cut: list[Pattern] = [[]]
    for step in pattern:
        if step is MANY:
            cut.append([])
        else:
            cut[-1].append(_fold(step) if isinstance(step, str) and not cased else step)
    return [piece if ONE in piece else "".join(piece) for piece in cut]


def _glob(pieces: list[Pattern | str], text: str) -> bool:
    """Tell whether the pieces stand in ``text`` in order: the first and the last at the ends."""
    first, last = pieces[0], pieces[-1]
    if len(pieces) == 1:
        return len(text) == len(first) and _stands(first, text, 0)
    end = len(text) - len(last)
    if end < len(first) or not _stands(first, text, 0) or not _stands(last, text, end):
        return False
    at = len(first)
    for piece in pieces[1:-1]:
        at = _find(piece, text, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def _stands(piece: Pattern | str, text: str, at: int) -> bool:
    if isinstance(piece, str):
        return text[at : at + len(piece)] == piece
    return all(text[at + n] == step for n, step in enumerate(piece) if step is not ONE)


def _find(piece: Pattern | str, text: str, start: int, end: int) -> int:
    if isinstance(piece, str):
        return text.find(piece, start, end)
    places = range(start, end - len(piece) + 1)
    return next((at for at in places if _stands(piece, text, at)), -1)


def reachable_glob(pattern: Pattern, text: str) -> bool:
    """Match by the set of places that a pattern can reach: the definition, for short texts."""
    reachable = {0}
    for step in pattern:
        if step is MANY:
            reachable = set(range(min(reachable), len(text) + 1)) if reachable else set()
        elif step is ONE:
            reachable = {at + 1 for at in reachable if at < len(text)}
        else:
            reachable = {at + 1 for at in reachable if text[at : at + 1] == step}
    return len(text) in reachable
