"""One Sigma value as a test on one scalar of an event (specification 2.1, modifiers appendix).

Text is compared without case unless `cased`; a number equals a number by value and a text by its
spelling; null is nothing but null, and the empty string nothing but the empty string.
"""

from __future__ import annotations

import ipaddress
import operator
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from sentinel.detect.rules.fields import number_of, text_of
from sentinel.detect.rules.folding import folded
from sentinel.detect.rules.strings import TextTest, alternatives, regex_test, text_test
from sentinel.detect.rules.wanted import (
    Boolean,
    Compare,
    InstantPart,
    Network,
    Null,
    Number,
    Pattern,
    Text,
    Wanted,
    Wild,
)

ValueTest = Callable[[Any], bool]

COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "neq": operator.ne,
    "eq": operator.eq,
}
# ISO 8601 week; the instant is read as the event writes it, without conversion of zones.
TIME_PARTS: Final[dict[str, Callable[[datetime], int]]] = {
    "minute": lambda instant: instant.minute,
    "hour": lambda instant: instant.hour,
    "day": lambda instant: instant.day,
    "week": lambda instant: instant.isocalendar().week,
    "month": lambda instant: instant.month,
    "year": lambda instant: instant.year,
}


def value_test(wanted: Wanted) -> ValueTest:  # noqa: PLR0911 - one return per kind
    """Compile what a rule asks of a scalar. Raises RuleFault where RE2 refuses a pattern."""
    match wanted:
        case Null():
            return _is_null
        case Boolean(value):
            return partial(_equals_bool, value)
        case InstantPart(part, op, number):
            return partial(_time_compare, TIME_PARTS[part], COMPARE[op], number)
        case Number(value, spelling):
            return partial(_equals_number, value, folded(spelling))
        case Compare(op, limit):
            return partial(_compares, COMPARE[op], limit)
        case Network(cidr):
            return partial(_in_network, ipaddress.ip_network(cidr))
        case Pattern(source):
            return _on_text(regex_test(source))
        case Text():
            return _on_text(text_test(wanted))


def any_test(wanted: Sequence[Wanted]) -> ValueTest:
    """Compile alternatives on one scalar; the common texts are folded and compared together."""
    plain, rest = [], []
    for one in wanted:
        if isinstance(one, Text) and not one.cased:
            plain.append(one.parts)
        else:
            rest.append(one)
    together, apart = alternatives(plain)
    tests = [*map(value_test, rest), *(value_test(Text(parts, cased=False)) for parts in apart)]
    if together is not None:
        tests.insert(0, _on_text(together))
    if len(tests) == 1:
        return tests[0]
    return lambda value: any(test(value) for test in tests)


def inner_texts(wanted: Sequence[Wanted]) -> tuple[str, ...] | None:
    """Return folded texts of which every value that satisfies ``wanted`` holds one, or None."""
    found: list[str] = []
    for one in wanted:
        match one:
            case Text((Wild.MANY, str(part), Wild.MANY), cased=False):
                found.append(part)
            case _:
                return None
    return tuple(found)


def _on_text(test: TextTest) -> ValueTest:
    def run(value: Any) -> bool:
        if type(value) is str:
            return test(value)
        text = text_of(value)
        return text is not None and test(text)

    return run


def _is_null(value: Any) -> bool:
    return value is None


def _equals_bool(wanted: bool, value: Any) -> bool:
    if isinstance(value, bool):
        return value is wanted
    return isinstance(value, str) and folded(value) == ("true" if wanted else "false")


def _equals_number(wanted: float, spelling: str, value: Any) -> bool:
    if isinstance(value, str):
        return folded(value) == spelling
    return isinstance(value, int | float) and not isinstance(value, bool) and value == wanted


def _compares(compare: Callable[[float, float], bool], limit: float, value: Any) -> bool:
    found = number_of(value)
    return found is not None and compare(found, limit)


def _time_compare(
    part: Callable[[datetime], int],
    compare: Callable[[float, float], bool],
    wanted: float,
    value: Any,
) -> bool:
    if not isinstance(value, str):
        return False
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return False
    return compare(part(instant), wanted)


def _in_network(network: ipaddress.IPv4Network | ipaddress.IPv6Network, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return ipaddress.ip_address(value) in network
    except ValueError:  # no address: a pseudonym, a host name, damage
        return False
