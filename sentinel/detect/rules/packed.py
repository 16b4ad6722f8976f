"""The expression of a rule as plain data, for the cache: no code is ever written or read."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from sentinel.detect.rules.expression import (
    All,
    AnyOf,
    Expression,
    FieldPair,
    FieldTest,
    KeywordTest,
    Not,
    Presence,
)
from sentinel.detect.rules.wanted import Wanted


class _Node(msgspec.Struct, frozen=True, tag=True, array_like=True, gc=False):
    """A node of an expression at rest."""


class Every(_Node, frozen=True, tag=True, array_like=True, gc=False):
    """`All` at rest."""

    children: tuple[Packed, ...]


class Some(_Node, frozen=True, tag=True, array_like=True, gc=False):
    """`AnyOf` at rest."""

    children: tuple[Packed, ...]


class Negated(_Node, frozen=True, tag=True, array_like=True, gc=False):
    """`Not` at rest."""

    child: Packed


class Field(_Node, frozen=True, tag=True, array_like=True, gc=False):
    """`FieldTest` at rest."""

    field: str
    wanted: tuple[Wanted, ...]
    absent: bool


class Exists(_Node, frozen=True, tag=True, array_like=True, gc=False):
    """`Presence` at rest."""

    field: str
    wanted: bool


class Pair(_Node, frozen=True, tag=True, array_like=True, gc=False):
    """`FieldPair` at rest."""

    field: str
    other: str
    how: str
    cased: bool


class Keyword(_Node, frozen=True, tag=True, array_like=True, gc=False):
    """`KeywordTest` at rest."""

    wanted: tuple[Wanted, ...]


Packed: TypeAlias = Every | Some | Negated | Field | Exists | Pair | Keyword


def packed(node: Expression) -> Packed:  # noqa: PLR0911 - one return per kind
    """Return an expression at rest. Raises TypeError for a node that has no such form."""
    match node:
        case All(children):
            return Every(tuple(map(packed, children)))
        case AnyOf(children):
            return Some(tuple(map(packed, children)))
        case Not(child):
            return Negated(packed(child))
        case FieldTest(field, wanted, absent):
            return Field(field, wanted, absent)
        case Presence(field, there):
            return Exists(field, there)
        case FieldPair(field, other, how, cased):
            return Pair(field, other, how, cased)
        case KeywordTest(wanted):
            return Keyword(wanted)
    raise TypeError(f"{type(node).__name__} has no form at rest")


def unpacked(node: Packed) -> Expression:  # noqa: PLR0911 - one return per kind
    """Return the expression that was packed."""
    match node:
        case Field(field, wanted, absent):
            return FieldTest(field, wanted, absent)
        case Every(children):
            return All(tuple(map(unpacked, children)))
        case Some(children):
            return AnyOf(tuple(map(unpacked, children)))
        case Negated(child):
            return Not(unpacked(child))
        case Exists(field, there):
            return Presence(field, there)
        case Pair(field, other, how, cased):
            return FieldPair(field, other, how, cased)
        case Keyword(wanted):
            return KeywordTest(wanted)
