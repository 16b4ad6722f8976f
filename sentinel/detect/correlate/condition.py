"""When a window satisfies a correlation, and whether more hits can only help."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Final

from sentinel.detect.correlate.measure import Measure, RuleCount
from sentinel.detect.rules.model import Correlation, CorrelationKind, Operator

COMPARE: Final[dict[Operator, Callable[[float, float], bool]]] = {
    Operator.GT: operator.gt,
    Operator.GTE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LTE: operator.le,
    Operator.EQ: operator.eq,
    Operator.NEQ: operator.ne,
}
GROWING: Final = frozenset({Operator.GT, Operator.GTE})
# A first value above the mean decides nothing: these are known when the window is over.
SETTLING: Final = frozenset(
    {
        CorrelationKind.VALUE_AVG,
        CorrelationKind.VALUE_PERCENTILE,
        CorrelationKind.VALUE_MEDIAN,
    }
)


def holds(correlation: Correlation, measure: Measure) -> bool:
    """Tell whether what was measured satisfies the condition."""
    if correlation.formula is not None:
        assert isinstance(measure, RuleCount)  # noqa: S101 - formulas are for `temporal`
        return correlation.formula.holds(measure.rules())
    value = measure.value()
    if value is None:
        return False
    return all(COMPARE[op](value, count) for op, count in correlation.conditions)


def is_growing(correlation: Correlation) -> bool:
    """Tell whether a window may be judged while it grows.

    A sum counts as growing: what it reached within a timespan it did reach, whatever negative
    number comes later.
    """
    if correlation.formula is not None:
        return correlation.formula.is_growing
    if correlation.kind in SETTLING:
        return False
    return all(op in GROWING for op, _count in correlation.conditions)
