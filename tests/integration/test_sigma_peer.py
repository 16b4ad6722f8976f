"""The engine against one that we did not write: pySigma's SQLite backend on an in-memory table.

Where events are tame (ASCII text, and numbers where the rule asks for numbers) the two must agree
on every pair. On wild events they differ, and each difference must be one of `EXPLAINED`, which
says what the specification wants and what SQL does instead.
"""

from __future__ import annotations

import random
import re
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection
from sigma.exceptions import SigmaError

from sentinel.detect.rules.load import load_rules
from sentinel.detect.rules.model import Origin, Rule
from sentinel.detect.rules.parse import parse_document

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "property"))

import sigma_cases  # noqa: E402

ARCHIVE = ROOT.parent / "shared" / "data" / "sigma" / "rules.tar.gz"
Item = tuple[str, list[str], list[Any]]
COMPARISONS = {"lt", "lte", "gt", "gte"}
TAMED = {"network", "instant", "anchored pattern", "empty list"}  # differ on any event
TIMES = {"minute", "hour", "day", "week", "month", "year"}


class Pair(NamedTuple):
    """A rule's items and an event on which the engines differ."""

    items: list[Item]
    event: dict[str, Any]

    def values(self) -> list[Any]:
        return list(self.event.values())

    def uses(self, modifiers: set[str]) -> bool:
        return any(not modifiers.isdisjoint(used) for _field, used, _values in self.items)

    def mixes_types(self) -> bool:
        """Tell whether a rule's text meets an event's number or truth value, or the reverse."""
        return any(
            field in self.event and any(kind(self.event[field]) != kind(one) for one in values)
            for field, modifiers, values in self.items
            if "exists" not in modifiers
        )


def kind(value: Any) -> str:
    return "number" if type(value) in {int, float} else type(value).__name__


EXPLAINED: dict[str, tuple[Callable[[Pair], bool], str]] = {
    "case beyond ASCII": (
        lambda p: any(isinstance(v, str) and not v.isascii() for v in p.values()),
        '"All values are treated as case-insensitive strings"; LIKE and NOCASE fold ASCII only',
    ),
    "NUL": (
        lambda p: any(isinstance(v, str) and "\0" in v for v in p.values()),
        "a value is all of its characters; LIKE and GLOB stop at the first NUL",
    ),
    "null or absent": (
        lambda p: None in p.values(),
        '"this check only verifies the presence of a field"; a table has NULL for both',
    ),
    "keyword": (
        lambda p: any(not field for field, _modifiers, _values in p.items),
        "a keyword lies in one value; the text column of the table joins them all",
    ),
    "order": (
        lambda p: p.uses(COMPARISONS),
        '"can only be applied to numeric values"; to SQL any text is greater than any number',
    ),
    "network": (
        lambda p: p.uses({"cidr"}),
        '"handled as a CIDR network range"; the backend compares the beginning of the text',
    ),
    "instant": (
        lambda p: p.uses(TIMES),
        '"not designed to handle timezone conversions"; strftime converts to UTC, and its week '
        "is not that of ISO 8601",
    ),
    "types": (
        Pair.mixes_types,
        'values are compared as strings ("General"); SQL finds 5 and the text 5 different',
    ),
    "reference": (
        lambda p: p.uses({"fieldref"}),
        "fields are compared as text; SQL compares numbers with text as different",
    ),
    "anchored pattern": (
        lambda p: any("re" in used and len(used) > 1 for _field, used, _values in p.items),
        '"The value is expected at the beginning of the field\'s content"; the backend appends .* '
        "to a pattern that REGEXP finds anywhere",
    ),
    "empty list": (
        lambda p: any(values == [] for _field, _modifiers, values in p.items),
        "pySigma reads an empty list as null, its SQL as nothing",
    ),
}  # fmt: skip


def tame(pair: Pair) -> bool:
    """Tell whether an event holds only what SQL and Sigma compare in the same way."""
    return not any(
        EXPLAINED[name][0](pair) for name in ("case beyond ASCII", "NUL", "null or absent", "types")
    )


class Peer:
    """SQLite, asked with what pySigma's backend makes of a rule."""

    def __init__(self) -> None:
        self.backend = sqliteBackend(collate_nocase=True, fulltext_field="fulltext")
        self.database = sqlite3.connect(":memory:")
        self.database.create_function("regexp", 2, self._regexp, deterministic=True)

    @staticmethod
    def _regexp(pattern: str, value: Any) -> bool:
        return value is not None and re.search(pattern, str(value)) is not None

    def query(self, detection: dict[str, Any]) -> list[str]:
        """Return the SQL of a rule, one text per condition. Raises SigmaError."""
        raw = {"title": "t", "logsource": {"category": "test"}, "detection": detection}
        text = yaml.safe_dump(raw, allow_unicode=True).replace("utf16le", "wide")
        return list(self.backend.convert(SigmaCollection.from_yaml(text)))

    def matched(self, queries: list[str], items: list[Item], events: list[Any]) -> set[int]:
        """Return which of the events match."""
        names = {field for field, _used, _values in items if field}
        names |= {str(v[0]) for _f, used, v in items if "fieldref" in used}
        columns = sorted(names | {name for event in events for name in event})
        quoted = ", ".join('"{}"'.format(name.replace('"', '""')) for name in columns)
        self.database.execute("DROP TABLE IF EXISTS logs")
        self.database.execute(f"CREATE TABLE logs (fulltext, number INTEGER, {quoted or 'none'})")
        marks = ", ".join("?" for _ in range(2 + max(1, len(columns))))
        for number, event in enumerate(events):
            row = [stored(event.get(name)) for name in columns] or [None]
            joined = "\n".join(str(stored(v)) for v in event.values() if v is not None)
            self.database.execute(f"INSERT INTO logs VALUES ({marks})", [joined, number, *row])
        found: set[int] = set()
        for query in queries:
            asked = query.replace("SELECT *", "SELECT number", 1)
            found |= {number for (number,) in self.database.execute(asked)}
        return found


def stored(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def storable(event: dict[str, Any]) -> bool:
    """Tell whether a table can hold an event: no lists, and text that is UTF-8."""
    return not any(
        isinstance(v, list) or (isinstance(v, str) and "\ud800" in v) for v in event.values()
    )


class Comparison:
    """What both engines said over many rules."""

    def __init__(self) -> None:
        self.peer = Peer()
        self.pairs: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.explained: Counter[str] = Counter()
        self.unexplained: list[tuple[str, Any, dict[str, Any], bool]] = []

    def add(self, rule: Rule, rng: random.Random, events: int) -> None:
        detection = dict(rule.origin.raw["detection"])
        items = sigma_cases.wanted_items(detection)
        drawn = [sigma_cases.near_event(rng, items) for _ in range(events)]
        drawn = [event for event in drawn if storable(event)]
        try:
            matched = self.peer.matched(self.peer.query(detection), items, drawn)
        except (SigmaError, sqlite3.Error) as error:
            self.refused[f"{type(error).__name__}: {str(error)[:60]}"] += 1
            return
        for number, event in enumerate(drawn):
            pair = Pair(items, event)
            manners = "tame" if tame(pair) else "wild"
            self.pairs[manners] += 1
            ours = rule.match(event)
            if ours is not (number in matched):
                self._explain(rule, pair, manners, ours)

    def _explain(self, rule: Rule, pair: Pair, manners: str, ours: bool) -> None:
        causes = [name for name, (applies, _why) in EXPLAINED.items() if applies(pair)]
        if manners == "tame":
            causes = [name for name in causes if name in TAMED]
        if causes:
            self.explained[causes[0]] += 1
        else:
            self.unexplained.append((manners, rule.origin.raw["detection"], pair.event, ours))

    def report(self, title: str) -> str:
        lines = [f"{title}: {self.pairs['tame']:,} tame and {self.pairs['wild']:,} wild pairs"]
        lines += [f"  {n:,} differ: {name}: {EXPLAINED[name][1]}" for name, n in
                  self.explained.most_common()]  # fmt: skip
        lines += [f"  {n:,} rules refused by the peer: {why}" for why, n in
                  self.refused.most_common(5)]  # fmt: skip
        return "\n".join(lines)


def drawn_rules(rng: random.Random, count: int) -> Iterator[Rule]:
    for _ in range(count):
        detection = sigma_cases.detection(rng)
        raw = {"title": "t", "logsource": {"category": "test"}, "detection": detection}
        rule = parse_document(raw, Origin(path=Path("t.yml"), index=0, raw=raw), "t", {})
        assert isinstance(rule, Rule)
        yield rule


def check(title: str, comparison: Comparison, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{comparison.report(title)}")
    assert comparison.unexplained[:3] == []
    assert comparison.pairs["tame"] > 100


def test_our_own_rules(capsys: pytest.CaptureFixture[str]) -> None:
    comparison, rng = Comparison(), random.Random(1)
    for rule in load_rules(ROOT / "rules").rules:
        comparison.add(rule, rng, events=60)
    check("own rules", comparison, capsys)


@pytest.mark.slow
def test_drawn_rules(capsys: pytest.CaptureFixture[str]) -> None:
    comparison, rng = Comparison(), random.Random(2)
    for rule in drawn_rules(rng, 1_000):
        comparison.add(rule, rng, events=30)
    check("drawn rules", comparison, capsys)
