"""One Sigma value as a test on one scalar of an event (specification 2.1, modifiers appendix).

Text is compared without case unless `cased`; a number equals a number by value and a text by its
spelling; null is nothing but null, and the empty string nothing but the empty string.
"""

from __future__ import annotations

import ipaddress
import operator
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Final

from sigma.types import (
    CompareOperators,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    TimestampPart,
)

from sentinel.detect.rules.fault import RuleFault
from sentinel.detect.rules.fields import number_of, text_of
from sentinel.detect.rules.strings import TextTest, regex_test, text_test

ValueTest = Callable[[Any], bool]

COMPARE: Final[dict[CompareOperators, Callable[[float, float], bool]]] = {
    CompareOperators.LT: operator.lt,
    CompareOperators.LTE: operator.le,
    CompareOperators.GT: operator.gt,
    CompareOperators.GTE: operator.ge,
    CompareOperators.NEQ: operator.ne,
}
# ISO 8601 week; the instant is read as the event writes it, without conversion of zones.
TIME_PARTS: Final[dict[TimestampPart, Callable[[datetime], int]]] = {
    TimestampPart.MINUTE: lambda instant: instant.minute,
    TimestampPart.HOUR: lambda instant: instant.hour,
    TimestampPart.DAY: lambda instant: instant.day,
    TimestampPart.WEEK: lambda instant: instant.isocalendar().week,
    TimestampPart.MONTH: lambda instant: instant.month,
    TimestampPart.YEAR: lambda instant: instant.year,
}


def value_test(value: SigmaType) -> ValueTest:
    """Compile the value of a field. Raises RuleFault."""
    for kind, compiled in COMPILERS.items():
        if isinstance(value, kind):
            return compiled(value)
    raise RuleFault(f"{type(value).__name__} cannot be matched against an event")


def keyword_test(value: SigmaType) -> ValueTest:
    """Compile a keyword, which may lie anywhere inside a text. Raises RuleFault."""
    if isinstance(value, SigmaNumber | SigmaBool):
        value = SigmaString(str(value))
    if isinstance(value, SigmaString):
        return _string(value, anywhere=True)
    return value_test(value)


def _string(value: SigmaString, *, anywhere: bool = False) -> ValueTest:
    cased = isinstance(value, SigmaCasedString)
    return _on_text(text_test(value, cased=cased, anywhere=anywhere))


def regex_source(value: SigmaRegularExpression) -> str:
    """Return the pattern with its `i`, `m`, `s` flags inline, as RE2 wants them."""
    flags = "".join(sorted(value.sigma_to_re_flag[flag] for flag in value.flags))
    prefix = f"(?{flags})" if flags else ""
    return f"{prefix}{value.regexp.to_plain(regex=True)}"


def _on_text(test: TextTest) -> ValueTest:
    def run(value: Any) -> bool:
        text = text_of(value)
        return text is not None and test(text)

    return run


def _is_null(value: Any) -> bool:
    return value is None


def _equals_bool(wanted: bool, value: Any) -> bool:
    if isinstance(value, bool):
        return value is wanted
    return isinstance(value, str) and value.lower() == ("true" if wanted else "false")


def _equals_number(wanted: float, spelling: str, value: Any) -> bool:
    if isinstance(value, str):
        return value.lower() == spelling.lower()
    return isinstance(value, int | float) and not isinstance(value, bool) and value == wanted


def _compare(value: SigmaCompareExpression) -> ValueTest:
    compare, number = COMPARE[value.op], value.number.number
    if isinstance(value.number, SigmaTimestampPart):
        return partial(_time_compare, value.number.timestamp_part, compare, number)

    def run(candidate: Any) -> bool:
        found = number_of(candidate)
        return found is not None and compare(found, number)

    return run


def _time_compare(
    part: TimestampPart, compare: Callable[[float, float], bool], wanted: float, value: Any
) -> bool:
    if not isinstance(value, str):
        return False
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return False
    return compare(TIME_PARTS[part](instant), wanted)


def _in_network(network: ipaddress.IPv4Network | ipaddress.IPv6Network, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return ipaddress.ip_address(value) in network
    except ValueError:  # no address: a pseudonym, a host name, damage
        return False


# In this order: a part of an instant is a number to pySigma too.
COMPILERS: Final[dict[type[SigmaType], Callable[[Any], ValueTest]]] = {
    SigmaNull: lambda _value: _is_null,
    SigmaBool: lambda v: partial(_equals_bool, v.boolean),
    SigmaTimestampPart: lambda v: partial(_time_compare, v.timestamp_part, operator.eq, v.number),
    SigmaNumber: lambda v: partial(_equals_number, v.number, str(v.number)),
    SigmaCompareExpression: _compare,
    SigmaCIDRExpression: lambda v: partial(_in_network, v.network),
    SigmaRegularExpression: lambda v: _on_text(regex_test(regex_source(v))),
    SigmaString: _string,
}
