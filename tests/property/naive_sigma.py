"""A slow, literal reading of the Sigma specification 2.1, to hold the compiled engine against.

It works from the YAML mapping, not from pySigma's objects, and shares no code with the engine:
its own tokens and parser for conditions, its own wildcards, Python's `re` for patterns.
"""

from __future__ import annotations

import base64
import ipaddress
import itertools
import math
import re
from datetime import datetime
from typing import Any

ABSENT = object()
MANY, ONE = object(), object()
DASHES = "-/\u2013\u2014\u2015"


def matches(detection: dict[str, Any], event: dict[str, Any]) -> bool:
    conditions = detection["condition"]
    if isinstance(conditions, str):
        conditions = [conditions]
    return any(_Condition(text, detection, event).value() for text in conditions)


class _Condition:
    def __init__(self, text: str, detection: dict[str, Any], event: dict[str, Any]) -> None:
        self.tokens = re.findall(r"[()]|[^\s()]+", text)
        self.names = [name for name in detection if name != "condition"]
        self.detection, self.event = detection, event

    def value(self) -> bool:
        result = self._or()
        assert not self.tokens
        return result

    def _or(self) -> bool:
        results = [self._and()]
        while self.tokens[:1] == ["or"]:
            self.tokens.pop(0)
            results.append(self._and())
        return any(results)

    def _and(self) -> bool:
        results = [self._not()]
        while self.tokens[:1] == ["and"]:
            self.tokens.pop(0)
            results.append(self._not())
        return all(results)

    def _not(self) -> bool:
        if self.tokens[:1] == ["not"]:
            self.tokens.pop(0)
            return not self._not()
        return self._atom()

    def _atom(self) -> bool:
        token = self.tokens.pop(0)
        if token == "(":
            result = self._or()
            assert self.tokens.pop(0) == ")"
            return result
        if self.tokens[:1] == ["of"]:
            self.tokens.pop(0)
            pattern = self.tokens.pop(0)
            return self._quantified(token, pattern)
        return holds(self.detection[token], self.event)

    def _quantified(self, quantifier: str, pattern: str) -> bool:
        wanted = "*" if pattern == "them" else pattern
        regex = "".join(".*" if c == "*" else re.escape(c) for c in wanted)
        chosen = [n for n in self.names if re.fullmatch(regex, n) and not n.startswith("_")]
        results = [holds(self.detection[name], self.event) for name in chosen]
        return all(results) if quantifier == "all" else any(results)


def holds(definition: Any, event: dict[str, Any]) -> bool:
    if isinstance(definition, dict):
        return all(_item(key, value, event) for key, value in definition.items())
    if isinstance(definition, list):
        if any(isinstance(item, dict) for item in definition):
            return any(holds(item, event) for item in definition)
        return any(_item("", value, event) for value in definition)
    return _item("", definition, event)


def _item(key: str, values: Any, event: dict[str, Any]) -> bool:
    field, *modifiers = key.split("|")
    wanted = values if isinstance(values, list) else [values]
    if not wanted:
        wanted = [None]
    results = [_value(field, modifiers, value, event) for value in wanted]
    result = all(results) if "all" in modifiers else any(results)
    return not result if "neq" in modifiers else result


def _value(field: str, modifiers: list[str], wanted: Any, event: dict[str, Any]) -> bool:
    if "exists" in modifiers:
        return (field in event) is wanted
    if field == "":
        found = [item for value in event.values() for item in _items(value)]
    else:
        found = _items(event[field]) if field in event else [ABSENT]
    if "fieldref" in modifiers:
        others = _items(event[wanted]) if wanted in event else []
        return any(_pair(modifiers, one, other) for one in found for other in others)
    return any(_scalar(modifiers, wanted, item, keyword=field == "") for item in found)


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list):
        return [value]
    return [inner for item in value for inner in _items(item)]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pair(modifiers: list[str], one: Any, other: Any) -> bool:
    if one is ABSENT or one is None or other is None:
        return False
    left, right = _text(one), _text(other)
    if "cased" not in modifiers:
        left, right = left.lower(), right.lower()
    if "contains" in modifiers:
        return right in left
    if "startswith" in modifiers:
        return left[: len(right)] == right
    if "endswith" in modifiers:
        return right == "" or left[-len(right) :] == right
    return left == right


def _scalar(modifiers: list[str], wanted: Any, found: Any, *, keyword: bool) -> bool:  # noqa: PLR0911
    if wanted is None:
        return found is None or found is ABSENT
    if found is None or found is ABSENT:
        return False
    if "cidr" in modifiers:
        return _cidr(wanted, found)
    parts = [m for m in modifiers if m in {"minute", "hour", "day", "week", "month", "year"}]
    if parts:
        return _instant(parts[0], modifiers, wanted, found)
    comparisons = [m for m in modifiers if m in {"lt", "lte", "gt", "gte"}]
    if comparisons:
        return _compare(comparisons[0], found, wanted)
    if "re" in modifiers:
        return _regex(modifiers, wanted, _text(found))
    if not keyword and isinstance(wanted, bool):
        return found is wanted or (isinstance(found, str) and found.lower() == _text(wanted))
    if not keyword and isinstance(wanted, int | float):
        if isinstance(found, str):
            return found.lower() == str(wanted).lower()
        return not isinstance(found, bool) and found == wanted
    return any(
        _glob(pattern, _text(found), cased="cased" in modifiers)
        for pattern in _patterns(modifiers, wanted, keyword=keyword)
    )


def _cidr(wanted: str, found: Any) -> bool:
    try:
        return ipaddress.ip_address(str(found)) in ipaddress.ip_network(wanted)
    except ValueError:
        return False


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
    if "startswith" in modifiers:
        return re.match(wanted, found, flags) is not None
    if "endswith" in modifiers:
        return re.search(rf"(?:{wanted})\Z", found, flags) is not None
    return re.search(wanted, found, flags) is not None


def _patterns(modifiers: list[str], wanted: Any, *, keyword: bool) -> list[list[Any]]:
    """Apply the value modifiers in their order; each pattern is characters, MANY and ONE."""
    patterns = [_parse(_text(wanted))]
    for modifier in modifiers:
        patterns = [new for pattern in patterns for new in _modified(modifier, pattern)]
    return [[MANY, *p, MANY] for p in patterns] if keyword else patterns


def _parse(text: str) -> list[Any]:
    out: list[Any] = []
    rest = list(text)
    while rest:
        char = rest.pop(0)
        if char == "\\" and rest and rest[0] in "*?\\":
            out.append(rest.pop(0))
        else:
            out.append({"*": MANY, "?": ONE}.get(char, char))
    return out


def _modified(modifier: str, pattern: list[Any]) -> list[list[Any]]:  # noqa: PLR0911
    if modifier == "contains":
        return [[MANY, *pattern, MANY]]
    if modifier == "startswith":
        return [[*pattern, MANY]]
    if modifier == "endswith":
        return [[MANY, *pattern]]
    if modifier in {"wide", "utf16le"}:
        return [list("".join(pattern).encode("utf-16-le").decode("latin-1"))]
    if modifier == "utf16be":
        return [list("".join(pattern).encode("utf-16-be").decode("latin-1"))]
    if modifier == "base64":
        return [list(base64.b64encode("".join(pattern).encode()).decode())]
    if modifier == "base64offset":
        return [list(_shifted("".join(pattern).encode(), shift)) for shift in range(3)]
    if modifier == "windash":
        return _windash(pattern)
    return [pattern]


def _shifted(data: bytes, shift: int) -> str:
    """Return the characters that depend on ``data`` alone, after ``shift`` other bytes."""
    encoded = base64.b64encode(b"\0" * shift + data + b"\0\0\0").decode()
    first = -(-8 * shift // 6)
    last = 8 * (shift + len(data)) // 6
    return encoded[first:last]


def _windash(pattern: list[Any]) -> list[list[Any]]:
    text = "".join(c if isinstance(c, str) else "\0" for c in pattern)
    places = [m.start() for m in re.finditer(r"\B[-/]\b", text)]
    out = []
    for dashes in itertools.product(DASHES, repeat=len(places)):
        variant = list(pattern)
        for place, dash in zip(places, dashes, strict=True):
            variant[place] = dash
        out.append(variant)
    return out


def _glob(pattern: list[Any], text: str, *, cased: bool) -> bool:
    if not cased:
        pattern = [c.lower() if isinstance(c, str) else c for c in pattern]
        text = text.lower()
    reachable = {0}
    for step in pattern:
        if step is MANY:
            reachable = set(range(min(reachable), len(text) + 1)) if reachable else set()
        elif step is ONE:
            reachable = {at + 1 for at in reachable if at < len(text)}
        else:
            reachable = {at + 1 for at in reachable if text[at : at + 1] == step}
    return len(text) in reachable
