"""Raw NDJSON lines to matches, decoding no more than the witnesses read.

A first decoding takes the three logsource fields and routes the line, a second one takes the fields
in which the route's witnesses stand; only candidates are decoded in full.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec

from sentinel.detect.fast.plan import Plan
from sentinel.detect.fast.rows import UNREADABLE, RowReader
from sentinel.detect.rules.fields import Fields
from sentinel.detect.rules.model import Rule
from sentinel.domain.event import LogSource


class LineMatch(NamedTuple):
    """Rule ``rule`` matches line ``row`` of the batch, which holds ``fields``."""

    row: int
    rule: Rule
    fields: Fields


class _Head(msgspec.Struct, frozen=True, gc=False):
    category: str | None = None
    product: str | None = None
    service: str | None = None


class LineMatcher:
    """Matches rules against lines, each a flat JSON object with its logsource beside its fields.

    ``unreadable``: lines so far that are no JSON object. ``failures``: evaluations that raised.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.unreadable = 0
        self.failures = 0
        self._rules = tuple(rules)
        self._routes: dict[_Head, RowReader] = {}
        self._head = msgspec.json.Decoder(_Head).decode
        self._whole = msgspec.json.Decoder(dict[str, Any]).decode

    def match_lines(self, lines: Sequence[bytes]) -> list[LineMatch]:
        """Return the matches, by line and then in the order of the rules."""
        found: list[LineMatch] = []
        for head, rows in self._routed(lines).items():
            route = self._routes.get(head)
            if route is None:
                route = self._routes[head] = RowReader(self._plan(head))
            mine = lines if len(rows) == len(lines) else [lines[row] for row in rows]
            found.extend(self._matches(route, rows, mine))
        found.sort(key=lambda match: match.row)
        return found

    def _routed(self, lines: Sequence[bytes]) -> dict[_Head, list[int]]:
        routes: dict[_Head, list[int]] = {}
        try:
            heads = list(map(self._head, lines))
        except UNREADABLE:
            return self._routed_singly(lines)
        for row, head in enumerate(heads):
            rows = routes.get(head)
            if rows is None:
                routes[head] = [row]
            else:
                rows.append(row)
        return routes

    def _routed_singly(self, lines: Sequence[bytes]) -> dict[_Head, list[int]]:
        routes: dict[_Head, list[int]] = {}
        for row, line in enumerate(lines):
            try:
                routes.setdefault(self._head(line), []).append(row)
            except UNREADABLE:
                self.unreadable += 1
        return routes

    def _plan(self, head: _Head) -> Plan:
        source = LogSource(
            category=head.category or "", product=head.product or "", service=head.service or ""
        )
        return Plan([rule for rule in self._rules if rule.applies_to(source)])

    def _matches(
        self, route: RowReader, rows: Sequence[int], lines: Sequence[bytes]
    ) -> Iterator[LineMatch]:
        plan = route.plan
        for place, numbers in route.candidates(lines).items():
            try:
                fields = self._whole(lines[place])
            except UNREADABLE:
                self.unreadable += 1
                continue
            for number in sorted(numbers):
                rule = plan.rules[number]
                try:
                    if rule.match(fields):
                        yield LineMatch(rows[place], rule, fields)
                except Exception:
                    self.failures += 1
        if plan.wanting:
            plan.learn(self._sample(lines[: plan.wanting]))

    def _sample(self, lines: Sequence[bytes]) -> list[Fields]:
        sample: list[Fields] = []
        for line in lines:
            with suppress(*UNREADABLE):  # counted where it was to be judged
                sample.append(self._whole(line))
        return sample
