"""Raw NDJSON lines to matches, decoding no more than the witnesses read.

A first decoding takes the three logsource fields and routes the line, a second one takes the fields
in which the route's witnesses stand; only candidates are decoded in full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, Literal, NamedTuple

import msgspec

from sentinel.detect.budget import LIMIT, Budget
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


class Trouble(NamedTuple):
    """What kept line ``row`` of the batch from being judged in full.

    ``unreadable``: it is no JSON object that can be decoded, or its log source no text; no rule
    judged it. ``failed``: ``rule`` raised. ``over_budget``: ``rule`` would have cost too much
    besides (see `budget`).
    """

    row: int
    kind: Literal["unreadable", "failed", "over_budget"]
    rule: Rule | None = None


class _Head(msgspec.Struct, frozen=True, gc=False):
    category: str | None = None
    product: str | None = None
    service: str | None = None


class _AnyObject(msgspec.Struct):
    pass


ROUTES: Final = 4_096  # log sources whose plan is kept


class LineMatcher:
    """Matches rules against lines, each a flat JSON object with its logsource beside its fields.

    ``troubles``: of the last batch. ``unrouted``: lines so far that named no log source.
    """

    def __init__(
        self, rules: Sequence[Rule], *, source: LogSource | None = None, budget: int = LIMIT
    ) -> None:
        """Prepare. ``source``: that of every line, whatever it says. ``budget``: of one line."""
        self.troubles: list[Trouble] = []
        self.unrouted = 0
        self._rules = tuple(rules)
        self._budget = Budget(budget)
        self._routes: dict[_Head, RowReader] = {}
        self._head = _always(source) if source else msgspec.json.Decoder(_Head).decode
        self._whole = msgspec.json.Decoder(dict[str, Any]).decode

    def match_lines(self, lines: Sequence[bytes]) -> list[LineMatch]:
        """Return the matches, by line and then in the order of the rules."""
        self.troubles = []
        found: list[LineMatch] = []
        for head, rows in self._routed(lines).items():
            if not (head.category or head.product or head.service):
                self.unrouted += len(rows)
            route = self._routes.get(head)
            if route is None:
                if len(self._routes) >= ROUTES:
                    self._routes.clear()
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
                self.troubles.append(Trouble(row, "unreadable"))
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
            row = rows[place]
            try:
                fields = self._whole(lines[place])
            except UNREADABLE:
                self.troubles.append(Trouble(row, "unreadable"))
                continue
            wanted = [plan.rules[number] for number in sorted(numbers)]
            kept, cut = self._budget.choose(wanted, fields)
            self.troubles += [Trouble(row, "over_budget", rule) for rule in cut]
            for rule in kept:
                try:
                    if rule.match(fields):
                        yield LineMatch(row, rule, fields)
                except Exception:
                    self.troubles.append(Trouble(row, "failed", rule))
        if plan.wanting:
            plan.learn(self._sample(lines[: plan.wanting]))

    def _sample(self, lines: Sequence[bytes]) -> list[Fields]:
        sample: list[Fields] = []
        for line in lines:
            with suppress(*UNREADABLE):  # counted where it was to be judged
                sample.append(self._whole(line))
        return sample


def _always(source: LogSource) -> Callable[[bytes], _Head]:
    decode = msgspec.json.Decoder(_AnyObject).decode
    head = _Head(source.category or None, source.product or None, source.service or None)

    def read(line: bytes) -> _Head:
        decode(line)
        return head

    return read
