"""Random rules, and events that lie close to either side of matching a rule.

Events taken at random match nothing; what separates two engines lies near a rule's values. So an
event is made from the values that the rule asks for, bent a little. Everything follows from the
`random.Random` that is passed in.
"""

from __future__ import annotations

import base64
import ipaddress
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

FIELDS = ("a", "b", "user.name", "n")
LETTERS = "aAbB1-/.% éÉ\n\0\x1e\x1fİıſKßẞΣσςµ"
FILLERS = ("", "x", "zz", " ", "\n", "\0", "\x1e", "\x1f", "\\", "*", "?", "Σ", "İ", "e\u0301")
INSTANTS = ("2026-01-05T08:30:00.000Z", "2026-02-01T01:02:03+01:00", "2026-12-31", "soon", "8")
CONDITIONS = (
    "one", "not one", "one and two", "one or two", "one and not two", "not (one or two) or _three",
    "1 of them", "all of them", "1 of t*", "all of o* and not 1 of t*", "_three", "not not one",
    "one or two and _three", "not one and not two", "any of *o*", ["one", "two"],
)  # fmt: skip
PATTERNS = (
    "a", "^a", "b$", "a|b1", "[ab]+1?", "a.b", "^$", "A{2}", "1.*a", r"[$]|b$", "(a+)+b", r"\.$",
)  # fmt: skip
TEXTS = (
    "",
    "",
    "contains",
    "startswith",
    "endswith",
    "cased",
    "cased|contains",
    "neq",
    "|endswith",
)
REGEXES = ("re", "re|i", "re|m", "re|s", "re|startswith", "re|endswith")
REFERENCES = ("fieldref", "fieldref|contains", "fieldref|startswith", "fieldref|neq")
ENCODED = ("base64", "base64offset|contains", "utf16le|base64offset|contains", "wide|base64")
NETWORKS = ("192.0.2.0/24", "198.51.100.7", "2001:db8::/32", "2001:db8::8/125")
NAMES = ("one", "two", "_three")

Detection = dict[str, Any]


def detection(rng: random.Random) -> Detection:
    """Draw a detection with every kind of value and every form of condition."""
    drawn: Detection = {name: _definition(rng) for name in NAMES}
    return {**drawn, "condition": rng.choice(CONDITIONS)}


def _definition(rng: random.Random) -> Any:
    kind = rng.random()
    if kind < 0.1:
        return [_text(rng) or "a" for _ in range(rng.randint(1, 3))]
    if kind < 0.15:
        return {"|all": [_text(rng) or "b" for _ in range(2)]}
    if kind < 0.3:
        return [_mapping(rng) for _ in range(2)]
    return _mapping(rng)


def _mapping(rng: random.Random) -> dict[str, Any]:
    return dict(_item(rng) for _ in range(rng.randint(1, 3)))


def _item(rng: random.Random) -> tuple[str, Any]:
    field = rng.choice(FIELDS)
    kinds = {
        "text": lambda: (rng.choice(TEXTS), _listed(rng, _text)),
        "all": lambda: ("contains|all", [_text(rng), _text(rng)]),
        "exact": lambda: ("", rng.choice([None, "", True, False, 0, 1, 7, -2, 2.5, []])),
        "order": lambda: (rng.choice(["lt", "lte", "gt", "gte"]), rng.choice([-1, 0, 1.5, 7, "7"])),
        "re": lambda: (rng.choice(REGEXES), _listed(rng, lambda r: r.choice(PATTERNS))),
        "exists": lambda: ("exists", rng.random() < 0.5),
        "reference": lambda: (rng.choice(REFERENCES), rng.choice(FIELDS)),
        "cidr": lambda: ("cidr", _listed(rng, lambda r: r.choice(NETWORKS))),
        "windash": lambda: ("windash|contains", rng.choice(["-a", " /b1", "\u2013a -b", "a-b"])),
        "encoded": lambda: (rng.choice(ENCODED), rng.choice(["aB", "a1b-", "Admin"])),
        "time": lambda: (rng.choice(["hour", "minute|gte", "week", "year|lt"]), rng.choice([1, 8])),
    }
    weights = (6, 1, 3, 1, 2, 2, 1, 1, 1, 1, 1)
    chosen = rng.choices(list(kinds), weights)[0]
    modifiers, wanted = kinds[chosen]()
    return "|".join(filter(None, (field, *modifiers.split("|")))), wanted


def _listed(rng: random.Random, one: Any) -> Any:
    return one(rng) if rng.random() < 0.6 else [one(rng) for _ in range(rng.randint(1, 3))]


def _text(rng: random.Random) -> str:
    drawn = "".join(rng.choices(LETTERS + "**??\\\\", k=rng.randint(0, 5)))
    return drawn.rstrip("\\") + rng.choice(["", "", "*", "\\", "\\\\", "\\*", "?"])


def items_of(definition: Any) -> Iterator[tuple[str, list[str], list[Any]]]:
    """Yield field, modifiers and values of every item of a detection."""
    if isinstance(definition, Mapping):
        for key, value in definition.items():
            field, *modifiers = str(key).split("|")
            yield field, modifiers, value if isinstance(value, list) else [value]
    elif isinstance(definition, list):
        for one in definition:
            yield from items_of(one if isinstance(one, Mapping) else {"": one})
    else:
        yield "", [], [definition]


def wanted_items(drawn: Mapping[str, Any]) -> list[tuple[str, list[str], list[Any]]]:
    """Return every item of a rule's detection."""
    names = (name for name in drawn if name not in {"condition", "timeframe"})
    return [item for name in names for item in items_of(drawn[name])]


def near_event(
    rng: random.Random, wanted: Sequence[tuple[str, list[str], list[Any]]]
) -> dict[str, Any]:
    """Return an event that has most of what a rule asks for, nearly."""
    presence = rng.choice([0.3, 0.8, 1.0])
    event: dict[str, Any] = {}
    for field, modifiers, values in wanted:
        if rng.random() > presence:
            continue
        name = field or rng.choice(FIELDS)
        if "fieldref" in modifiers:
            event.setdefault(str(values[0]), "same")
            event[name] = rng.choice([event[str(values[0])], "other"])
            continue
        event[name] = _bent(rng, _satisfying(rng, modifiers, values))
    return event


def _satisfying(rng: random.Random, modifiers: list[str], values: list[Any]) -> Any:  # noqa: PLR0911
    value = rng.choice(values) if values else None
    if {"lt", "lte", "gt", "gte"} & set(modifiers) and not {"hour", "minute"} & set(modifiers):
        return float(value) + rng.choice([-1, 0, 0, 1])
    if {"hour", "minute", "week", "year"} & set(modifiers):
        return rng.choice(INSTANTS)
    if "cidr" in modifiers:
        network = ipaddress.ip_network(value, strict=False)
        return str(network[rng.choice([0, -1])] + rng.choice([0, 0, 1]))
    if not isinstance(value, str):
        return rng.choice([value, value, value, "", str(value)])
    if "all" in modifiers:
        return rng.choice(FILLERS).join(_plain(rng, str(one)) for one in values)
    if "re" in modifiers:
        return re.sub(r"[\\^$()|*+?{}\[\]]|\\.", "", value)
    return _shaped(rng, modifiers, value)


def _shaped(rng: random.Random, modifiers: list[str], value: str) -> str:
    text = _plain(rng, value)
    if "windash" in modifiers:
        text = re.sub("[-/\u2013]", lambda _: rng.choice("-/\u2013\u2014\u2015+"), text)
    if {"base64", "base64offset"} & set(modifiers):
        data = text.encode("utf-16-le" if {"wide", "utf16le"} & set(modifiers) else "utf-8")
        return base64.b64encode(b"x" * rng.randint(0, 2) + data + b"!" * rng.randint(0, 2)).decode()
    if {"contains", "endswith"} & set(modifiers):
        text = rng.choice(FILLERS) + text
    if {"contains", "startswith"} & set(modifiers):
        text += rng.choice(FILLERS)
    return text


def _plain(rng: random.Random, value: str) -> str:
    """Read the wildcards of a value: any filler for `*`, one character for `?`."""

    def fill(found: re.Match[str]) -> str:
        if found[0] == "*":
            return rng.choice(FILLERS)
        return rng.choice(LETTERS) if found[0] == "?" else found[0][1]

    return re.sub(r"\\[*?\\]|[*?]", fill, value)


def _bent(rng: random.Random, value: Any) -> Any:
    """Return the value, or in one case of three something close to it."""
    roll = rng.randrange(36)
    if roll == 0:
        return [None, [value, "x"]]
    if roll == 1:
        return ["x", [[value]]]
    if roll == 2:
        return rng.choice([None, "", [], True, 1, 1.0, "1", "true", "x\ud800"])
    if not isinstance(value, str):
        return value
    bends = {
        3: value.upper(), 4: value.lower(), 5: value.swapcase(), 6: value.casefold(),
        7: value[:-1], 8: value[1:], 9: f"{value}\n", 10: f"{value}x", 11: f"x{value}",
        12: f"{value}\0{value}", 13: value.replace("a", "a\x1f", 1), 14: f"{value}\u2028",
    }  # fmt: skip
    return bends.get(roll, value)
