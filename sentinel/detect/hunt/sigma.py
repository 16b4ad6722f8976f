"""A Sigma rule as a question: a condition that every match fulfils, to narrow what is read.

The rule itself then judges what was found, with the engine's own matcher. So the answer is that of
detection, folding of letters, aliases and regular expressions included, on whatever store. The
condition may be wider than the rule, never narrower.
"""

from __future__ import annotations

import re

from sentinel.detect.rules.expression import All as AllOf
from sentinel.detect.rules.expression import AnyOf, Expression, FieldPair, FieldTest, Presence
from sentinel.detect.rules.fields import names_read
from sentinel.detect.rules.model import Rule
from sentinel.detect.rules.wanted import Number, Text, Wanted
from sentinel.domain.hunt import ALWAYS, LOGSOURCE, All, Any_, Condition, Exists, In, Op, Test
from sentinel.domain.hunt_match import text_of

# K and S are left out: other letters fold to them (the Kelvin sign, the long s). What a nested
# value is escaped to in JSON is left out too.
_FRAGMENT = re.compile(r"[a-jl-rt-z0-9_/:=&%+-]{2,}|(?<![0-9])\.[a-jl-rt-z]+")


def wider_than(rule: Rule) -> Condition:
    """Return a condition that holds for every event that ``rule`` matches."""
    source = rule.logsource
    parts = {"category": source.category, "product": source.product, "service": source.service}
    tests = [
        Test(field=f"{LOGSOURCE}{name}", op=Op.IS, value=value, ignore_case=True)
        for name, value in parts.items()
        if value
    ]
    return All((*tests, _wider(rule.expression)))


def _wider(node: Expression) -> Condition:
    match node:
        case AllOf():
            return All(tuple(part for child in node.children if (part := _wider(child)) != ALWAYS))
        case AnyOf():
            parts = tuple(map(_wider, node.children))
            return ALWAYS if ALWAYS in parts else Any_(parts)
        case FieldTest(absent=False):
            names = names_read(node.field)
            return Any_(tuple(_of_value(name, one) for name in names for one in node.wanted))
        case Presence(wanted=True):
            # A field that holds null is there for Sigma, and has no value for a hunt.
            return ALWAYS
        case FieldPair():
            return Any_(tuple(map(Exists, names_read(node.field))))
        case _:
            return ALWAYS


def _of_value(field: str, wanted: Wanted) -> Condition:
    match wanted:
        case Text():
            return _of_text(field, wanted)
        case Number():
            same = (
                Test(field=field, op=Op.GTE, value=wanted.value),
                Test(field=field, op=Op.LTE, value=wanted.value),
            )
            spellings = In(field, (wanted.spelling, text_of(wanted.value)))
            return Any_((spellings, All(same), Test(field=field, op=Op.PREFIX, value="[")))
        case _:
            return Exists(field)


def _of_text(field: str, wanted: Text) -> Condition:
    literals = [part for part in wanted.parts if isinstance(part, str)]
    found = [fragment for part in literals for fragment in _FRAGMENT.findall(part.lower())]
    if not found:
        return Exists(field)
    longest: str = max(found, key=len)
    return Test(field=field, op=Op.CONTAINS, value=longest, ignore_case=True)
