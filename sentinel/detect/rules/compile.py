"""From pySigma's parsed detections to our expression.

The tree is built from the named detections, not from pySigma's post-processed condition: that one
forgets which modifiers a value had and how a list was linked.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from sigma.conditions import (
    ConditionAND,
    ConditionIdentifier,
    ConditionNOT,
    ConditionOR,
    ConditionSelector,
)
from sigma.exceptions import SigmaError
from sigma.modifiers import (
    SigmaCaseSensitiveModifier,
    SigmaEndswithModifier,
    SigmaRegularExpressionModifier,
    SigmaStartswithModifier,
)
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaDetections
from sigma.types import (
    Placeholder,
    SigmaCasedString,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaRegularExpression,
    SigmaString,
    SigmaType,
)

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
from sentinel.detect.rules.fault import RuleFault
from sentinel.detect.rules.values import value_test
from sentinel.detect.rules.wanted import Wanted, wanted_keyword, wanted_value

Lists = Mapping[str, Sequence[str]]


def compile_detections(detections: SigmaDetections, lists: Lists) -> Expression:
    """Compile the conditions of a rule, linked with OR (specification, "Condition").

    ``lists``: values of the placeholders of `expand`. Raises RuleFault.
    """
    named = named_detections(detections, lists)
    conditions = compile_conditions(detections, named)
    return conditions[0] if len(conditions) == 1 else AnyOf(tuple(conditions))


def named_detections(detections: SigmaDetections, lists: Lists) -> dict[str, Expression]:
    """Compile each search identifier by itself. Raises RuleFault."""
    named: dict[str, Expression] = {}
    for name, detection in detections.detections.items():
        try:
            named[name] = compile_detection(detection, lists)
        except RuleFault as fault:
            raise fault.at("detection", name) from None
    return named


def compile_conditions(
    detections: SigmaDetections, named: Mapping[str, Expression]
) -> list[Expression]:
    """Compile the conditions over ``named`` search identifiers. Raises RuleFault."""
    return [_condition(detections, text, named) for text in detections.condition]


def _condition(
    detections: SigmaDetections, text: Any, named: Mapping[str, Expression]
) -> Expression:
    place = ("detection", "condition")
    if not isinstance(text, str):
        raise RuleFault("a condition is text", path=place)
    index = detections.condition.index(text)
    try:
        tree = detections.parsed_condition[index].parse(postprocess=False)
        return _node(tree, detections, named)
    except RuleFault as fault:
        raise fault.at(*place) from None
    except SigmaError as error:
        hint = "search identifiers are joined by and, or, not, parentheses, 1 of x*, all of x*"
        raise RuleFault(str(error), path=place, hint=hint) from error


def _node(tree: object, detections: SigmaDetections, named: Mapping[str, Expression]) -> Expression:
    match tree:
        case ConditionSelector():
            wanted = tree.resolve_referenced_detections(detections)
            if not wanted:
                raise RuleFault(f"no search identifier is like {tree.pattern!r}")
            children = tuple(named[item.identifier] for item in wanted)
            return All(children) if tree.cond_class is ConditionAND else AnyOf(children)
        case ConditionIdentifier():
            return _identifier(tree.identifier, named)
        case ConditionAND():
            return All(tuple(_node(arg, detections, named) for arg in tree.args))
        case ConditionOR():
            return AnyOf(tuple(_node(arg, detections, named) for arg in tree.args))
        case ConditionNOT():
            return Not(_node(tree.args[0], detections, named))
    raise RuleFault("the condition cannot be read")


def _identifier(name: str, named: Mapping[str, Expression]) -> Expression:
    if name in named:
        return named[name]
    close = difflib.get_close_matches(name, named, n=1)
    known = ", ".join(sorted(named))
    hint = f"did you mean {close[0]!r}?" if close else f"the rule defines {known}"
    raise RuleFault(f"the condition names {name!r}, which the rule does not define", hint=hint)


def compile_detection(detection: SigmaDetection, lists: Lists) -> Expression:
    """Compile what stands under one search identifier. Raises RuleFault."""
    children: list[Expression] = []
    for item in detection.detection_items:
        if isinstance(item, SigmaDetection):
            children.append(compile_detection(item, lists))
        else:
            children.append(_item(item, lists))
    if len(children) == 1:
        return children[0]
    linked = All if detection.item_linking is ConditionAND else AnyOf
    return linked(tuple(children))


def _item(item: SigmaDetectionItem, lists: Lists) -> Expression:
    try:
        values = [expanded for value in item.value for expanded in _expand(value, lists)]
        parts = [_value(item, value) for value in values]
    except RuleFault as fault:
        raise fault.at(item_key(item)) from None
    if not parts:  # an empty list is null to pySigma
        parts = [_value(item, SigmaNull())]
    if len(parts) == 1:
        linked = parts[0]
    elif item.value_linking is ConditionAND:
        linked = All(tuple(parts))
    else:
        linked = _merged(item, parts)
    return Not(linked) if item.negated else linked


def item_key(item: SigmaDetectionItem) -> str:
    """Return the start of the YAML key of an item, for the place of an error."""
    return item.field or ""


def _merged(item: SigmaDetectionItem, parts: list[Expression]) -> Expression:
    """Join alternatives on the same field, or anywhere, so that the event is read once."""
    if item.field is not None and all(isinstance(part, FieldTest) for part in parts):
        tests = [part for part in parts if isinstance(part, FieldTest)]
        joined: tuple[Wanted, ...] = sum((part.wanted for part in tests), ())
        return FieldTest(item.field, joined, absent=any(part.absent for part in tests))
    if all(isinstance(part, KeywordTest) for part in parts):
        keywords = [part.wanted for part in parts if isinstance(part, KeywordTest)]
        return KeywordTest(sum(keywords, ()))
    return AnyOf(tuple(parts))


def _expand(value: SigmaType, lists: Lists) -> list[SigmaType]:
    """Fill the placeholders of `expand` from the lists; several values are alternatives."""
    if isinstance(value, SigmaExpansion):
        return [SigmaExpansion([e for inner in value.values for e in _expand(inner, lists)])]
    if not isinstance(value, SigmaString | SigmaRegularExpression):
        return [value]
    if not value.contains_placeholder():
        return [value]

    def fill(placeholder: Placeholder) -> Any:
        if placeholder.name not in lists:
            raise RuleFault(
                f"the placeholder %{placeholder.name}% has no list",
                hint=f"write its values, one a line, into lists/{placeholder.name}.txt",
            )
        return (SigmaString(text) for text in lists[placeholder.name])

    filled: list[Any] = list(value.replace_placeholders(fill))
    if isinstance(value, SigmaCasedString):
        filled = [SigmaCasedString.from_sigma_string(text) for text in filled]
    return [SigmaExpansion(filled)]


def _value(item: SigmaDetectionItem, value: SigmaType) -> Expression:
    if isinstance(value, SigmaExpansion):
        parts = [_value(item, inner) for inner in value.values]
        return parts[0] if len(parts) == 1 else _merged(item, parts)
    if item.field is None:
        return _keyword(value)
    if isinstance(value, SigmaExists):
        return Presence(item.field, value.exists)
    if isinstance(value, SigmaFieldReference):
        cased = SigmaCaseSensitiveModifier in item.modifiers
        return FieldPair(item.field, value.field, _pair_test(value), cased)
    if isinstance(value, SigmaRegularExpression):
        value = _anchored(item, value)
    return FieldTest(
        item.field, (_checked(wanted_value(value)),), absent=isinstance(value, SigmaNull)
    )


def _keyword(value: SigmaType) -> Expression:
    if isinstance(value, SigmaNull | SigmaExists | SigmaFieldReference):
        raise RuleFault("a keyword must be text or a number", hint="bind the value to a field")
    return KeywordTest((_checked(wanted_keyword(value)),))


def _checked(wanted: Wanted) -> Wanted:
    """Return ``wanted``. Raises RuleFault where it cannot be tested, which is a pattern's fault."""
    value_test(wanted)
    return wanted


def _anchored(item: SigmaDetectionItem, value: SigmaRegularExpression) -> SigmaRegularExpression:
    """Anchor `re|startswith` and `re|endswith`, for a pattern may match anywhere by itself."""
    if SigmaRegularExpressionModifier not in item.modifiers:
        return value
    pattern = value.regexp.to_plain(regex=True)
    if SigmaStartswithModifier in item.modifiers:
        pattern = rf"\A(?:{pattern})"
    elif SigmaEndswithModifier in item.modifiers:
        pattern = rf"(?:{pattern})\z"
    else:
        return value
    return SigmaRegularExpression(SigmaString.from_str(pattern), value.flags)


def _pair_test(value: SigmaFieldReference) -> str:
    match value.starts_with, value.ends_with:
        case True, True:
            return "contains"
        case True, False:
            return "startswith"
        case False, True:
            return "endswith"
    return "equals"
