"""Conditions as Elasticsearch queries. What cannot be asked there is widened, and said to be.

A widened query finds all that the condition is true of, and more: what it finds is then held
against `domain.hunt_match.holds`. Only a negation cannot be widened from the inside, so the
negation of a widened condition asks nothing.
"""

from __future__ import annotations

import math
import re
from ipaddress import IPv4Network
from typing import Any, Final

import msgspec

from sentinel.domain.hunt import (
    ID,
    NUMERIC,
    All,
    Any_,
    Condition,
    Exists,
    Hunt,
    In,
    Not,
    Op,
    Test,
)
from sentinel.domain.hunt_match import network_of
from sentinel.store.elastic import columns
from sentinel.store.elastic.codec import micros

Json = dict[str, Any]

EVERYTHING: Final[Json] = {"match_all": {}}
NOTHING: Final[Json] = {"match_none": {}}
_CLAUSES = 500  # of at least 1,024 that one query may have
_TERMS = 10_000  # of index.max_terms_count, 65,536
_PATTERN, _STARS = 200, 6  # longer ones may need more states than Lucene allows
_LONG = 1 << 63
_ESCAPED = re.compile(r"[\\*?]")
_TOKENS = re.compile(r"\\[*?\\]|.", re.DOTALL)


class Asked(msgspec.Struct, frozen=True):
    """A query; ``exact``: true of the same documents as the condition, where none is odd."""

    query: Json
    exact: bool = True


WIDE: Final = Asked(EVERYTHING, exact=False)


def asked(hunt: Hunt, *, upto: int) -> Asked:
    """Return the query of a hunt, its position and limit aside, up to a spool offset."""
    where = translated(hunt.where) if _leaves(hunt.where) <= _CLAUSES else WIDE
    query = where.query
    if query != EVERYTHING:
        query = either([query, {"term": {columns.ODD: True}}])
    return Asked(both([*within(hunt, upto=upto), query]), where.exact)


def _leaves(where: Condition) -> int:
    match where:
        case All() | Any_():
            return sum(map(_leaves, where.parts))
        case Not():
            return _leaves(where.part)
        case _:
            return 1


def within(hunt: Hunt, *, upto: int) -> list[Json]:
    """Return what limits a hunt to its span and to whole batches."""
    parts: list[Json] = [{"range": {columns.OFFSET: {"lte": upto}}}]
    span: Json = {}
    if hunt.since is not None:
        span["gte"] = micros(hunt.since)
    if hunt.until is not None:
        span["lt"] = micros(hunt.until)
    return [*parts, {"range": {columns.MICROS: span}}] if span else parts


def both(parts: list[Json]) -> Json:
    """Return the query that all parts fulfil; nothing is scored."""
    return {"bool": {"filter": parts}} if parts else EVERYTHING


def either(parts: list[Json]) -> Json:
    """Return the query that one part fulfils."""
    if not parts:
        return NOTHING
    return parts[0] if len(parts) == 1 else {"bool": {"should": parts, "minimum_should_match": 1}}


def translated(where: Condition) -> Asked:
    """Return the query of a condition."""
    match where:
        case All() | Any_():
            parts = [translated(part) for part in where.parts]
            join = both if isinstance(where, All) else either
            return Asked(join([part.query for part in parts]), all(part.exact for part in parts))
        case Not():
            part = translated(where.part)
            return Asked({"bool": {"must_not": [part.query]}}) if part.exact else WIDE
        case _:
            return _leaf(where)


def _leaf(where: Test | In | Exists) -> Asked:
    if where.field not in columns.COLUMNS:
        return WIDE
    field = columns.text_column(where.field)
    match where:
        case Exists():
            return Asked({"exists": {"field": field}})
        case In():
            return Asked(_in(field, where.values))
        case _:
            return _number(where) if where.op in NUMERIC else _text(where, field)


def by_ids(ids: list[str]) -> Json:
    """Return the query of some event ids."""
    return _in(ID, tuple(ids))


def _in(field: str, values: tuple[str, ...]) -> Json:
    short = [value for value in values if len(value.encode(errors="replace")) <= columns.LONGEST]
    chunks = [short[start : start + _TERMS] for start in range(0, len(short), _TERMS)]
    return either([{"terms": {field: chunk}} for chunk in chunks])


def _text(test: Test, field: str) -> Asked:
    text = str(test.value)
    if test.op is Op.CIDR:
        return _network(field, text)
    is_long = len(text.encode(errors="replace")) > columns.LONGEST
    if is_long or (test.ignore_case and not text.isascii()):
        return WIDE
    fold: Json = {"case_insensitive": True} if test.ignore_case else {}
    if test.op is Op.IS or not text:  # the empty text is a term, but no wildcard finds it
        is_whole = test.op in (Op.IS, Op.LIKE)
        query: Json = {"term": {field: {"value": text, **fold}}}
        return Asked(query if is_whole else {"exists": {"field": field}})
    if test.op is Op.PREFIX:
        return Asked({"prefix": {field: {"value": text, **fold}}})
    if len(text) > _PATTERN or text.count("*") > _STARS:
        return WIDE
    return Asked({"wildcard": {field: {"value": _pattern(test.op, text), **fold}}})


def _pattern(op: Op, text: str) -> str:
    if op is Op.LIKE:
        return _glob(text)
    return f"*{_literal(text)}{'*' if op is Op.CONTAINS else ''}"


def _literal(text: str) -> str:
    return _ESCAPED.sub(r"\\\g<0>", text)


def _glob(text: str) -> str:
    """Return a `Op.LIKE` text as a wildcard: there a lone backslash stands for itself."""
    return "".join(
        token if token in ("*", "?") else _literal(token[-1]) for token in _TOKENS.findall(text)
    )


def _network(field: str, text: str) -> Asked:
    """Return a wider question: texts that begin as the network's addresses do."""
    try:
        network = network_of(text)
    except ValueError:
        return Asked(NOTHING)
    whole = network.prefixlen // 8
    if not isinstance(network, IPv4Network) or not whole:
        return Asked({"exists": {"field": field}}, exact=False)
    start = "".join(f"{part}." for part in str(network.network_address).split(".")[:whole])
    start = start.removesuffix(".") if network.prefixlen == network.max_prefixlen else start
    return Asked({"prefix": {field: {"value": start}}}, exact=False)


def _number(test: Test) -> Asked:
    if test.field not in columns.NUMBERS:
        return WIDE
    value = test.value
    if isinstance(value, str) or math.isnan(value):
        return Asked(NOTHING)
    above = test.op in (Op.GT, Op.GTE)
    if math.isinf(value) or not -_LONG <= value < _LONG:
        least = (value < 0) == above
        return Asked({"exists": {"field": test.field}} if least else NOTHING)
    match test.op:
        case Op.GT:
            bound = {"gte": math.floor(value) + 1}
        case Op.GTE:
            bound = {"gte": math.ceil(value)}
        case Op.LT:
            bound = {"lte": math.ceil(value) - 1}
        case _:
            bound = {"lte": math.floor(value)}
    if not all(-_LONG <= limit < _LONG for limit in bound.values()):
        return Asked(NOTHING)
    return Asked({"range": {test.field: bound}})
