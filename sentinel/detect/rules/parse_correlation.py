"""The `correlation` block of a document, of any type of the specification 2.1 and its drafts.

Two places of the specification are open, and settled here:

* **value_percentile** with `percentile: 95` compares the 95th percentile of a numeric field.
  Without it, as in the specification's own example, the share (0 to 100) of one value among all
  is compared: the rarest value's for `lt` and `lte`, the commonest's for `gt` and `gte`.
* a boolean `condition` (2.2 draft) is for `temporal`: an expression has no order, which
  `temporal_ordered` needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from sigma.correlations import (
    SigmaCorrelationCondition,
    SigmaCorrelationRule,
    SigmaExtendedCorrelationCondition,
)

from sentinel.detect.rules.fault import RuleFault
from sentinel.detect.rules.formula import formula_of
from sentinel.detect.rules.metadata import actor_field, rule_info
from sentinel.detect.rules.model import Conditions, Correlation, CorrelationKind, Operator, Origin
from sentinel.detect.rules.pipelines import Pipelines
from sentinel.detect.rules.prepare import CONDITIONS, prepare_correlation

NUMERIC: Final = frozenset(
    {
        CorrelationKind.VALUE_SUM,
        CorrelationKind.VALUE_AVG,
        CorrelationKind.VALUE_PERCENTILE,
        CorrelationKind.VALUE_MEDIAN,
    }
)
CONDITION: Final = ("correlation", "condition")
HUNDRED: Final = 100


def parse_correlation(
    raw: Mapping[str, Any], origin: Origin, slug: str, pipelines: Pipelines
) -> Correlation:
    """Return the correlation of a document. Raises RuleFault, SigmaError."""
    block = raw["correlation"]
    if not isinstance(block, Mapping):
        raise RuleFault("correlation is a mapping", path=("correlation",))
    kind = _kind(block)
    parsed = SigmaCorrelationRule.from_dict({**raw, "correlation": prepare_correlation(block)})
    pipelines.apply(parsed)
    condition = parsed.condition
    formula = None
    if isinstance(condition, SigmaExtendedCorrelationCondition):
        if kind is CorrelationKind.TEMPORAL_ORDERED:
            hint = "write the order under `rules`, or use the type temporal"
            raise RuleFault("an expression has no order", path=CONDITION, hint=hint)
        formula = formula_of(condition.parsed)
    named = tuple(reference.reference for reference in parsed.rules or ())
    rules = named or (formula.rules() if formula else ())
    if not rules:
        raise RuleFault("a correlation names `rules`", path=("correlation",))
    simple = condition if isinstance(condition, SigmaCorrelationCondition) else None
    return Correlation(
        info=rule_info(raw, slug),
        name=parsed.name or "",
        actor=actor_field(raw),
        kind=kind,
        rules=rules,
        group_by=tuple(parsed.group_by or ()),
        timespan=timedelta(seconds=parsed.timespan.seconds),
        conditions=_conditions(block, simple) if simple else (),
        fields=_fields(simple, kind) if simple else (),
        percentile=_percentile(block, kind),
        formula=formula,
        aliases={
            alias.alias: {ref.reference: name for ref, name in alias.mapping.items()}
            for alias in parsed.aliases
        },
        generate=parsed.generate,
        origin=origin,
    )


def _kind(block: Mapping[str, Any]) -> CorrelationKind:
    kind = str(block.get("type"))
    if kind not in set(CorrelationKind):
        raise RuleFault(
            f"there is no correlation of type {kind}",
            path=("correlation", "type"),
            hint=f"types: {', '.join(CorrelationKind)}",
        )
    return CorrelationKind(kind)


def _conditions(block: Mapping[str, Any], parsed: SigmaCorrelationCondition) -> Conditions:
    """Return every comparison; pySigma's default where a temporal correlation has none."""
    written = block.get("condition")
    if not isinstance(written, Mapping):
        return ((Operator(parsed.op.name.lower()), parsed.count),)
    found = [(Operator(op), written[op]) for op in CONDITIONS if op in written]
    for op, count in found:
        if isinstance(count, bool) or not isinstance(count, int | float):
            raise RuleFault(f"{op} takes a number", path=(*CONDITION, op))
    return tuple(found)


def _fields(condition: SigmaCorrelationCondition, kind: CorrelationKind) -> tuple[str, ...]:
    field = condition.fieldref
    if field is None:
        return ()
    fields = (field,) if isinstance(field, str) else tuple(field)
    if kind in NUMERIC and len(fields) != 1:
        raise RuleFault(f"{kind} takes one field", path=(*CONDITION, "field"))
    return fields


def _percentile(block: Mapping[str, Any], kind: CorrelationKind) -> float | None:
    """Return the percentile to compute, above 0 and up to 100; None for a share or no metric."""
    if kind is CorrelationKind.VALUE_MEDIAN:
        return 50
    condition = block.get("condition")
    if kind is not CorrelationKind.VALUE_PERCENTILE or not isinstance(condition, Mapping):
        return None
    rank = condition.get("percentile")
    if rank is None:
        if {"gt", "gte"} & set(condition) and {"lt", "lte"} & set(condition):
            raise RuleFault("a share is compared in one direction", path=CONDITION)
        if {"eq", "neq"} & set(condition):
            hint = "name a `percentile`, or compare with gt, gte, lt or lte"
            raise RuleFault("a share is more or less than a bound", path=CONDITION, hint=hint)
        return None
    if isinstance(rank, bool) or not isinstance(rank, int | float) or not 0 < rank <= HUNDRED:
        raise RuleFault("percentile is above 0 and at most 100", path=(*CONDITION, "percentile"))
    return rank
