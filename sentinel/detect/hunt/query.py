"""The query language of hunting, read into a condition.

::

    user.name:usr_x and http.response.status_code >= 400 and not url.path:/health*
    source.ip:(ip_a or ip_b)   url.query ~ "union select"   sentinel.subject:*

`not` binds before `and`, `and` before `or`; two tests side by side are both asked for. A word
takes wildcards, quotation marks take the text as it stands. `docs/reference/hunt.md` is the
reference for users.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from ipaddress import ip_network

from sentinel.detect.hunt.tokens import Kind, Token, fault, tokens
from sentinel.domain.hunt import ALWAYS, All, Any_, Condition, Exists, In, Not, Op, Test

Named = Callable[[str, str], Sequence[str]]
"""From the kind of an identifier (`PEOPLE`) and the identifier to its pseudonyms."""

PEOPLE = {"staff": "usr", "customer": "sub", "ip": "ip", "session": "ses"}
_DEEPEST = 60
_FIELD = re.compile(r"[@A-Za-z_][\w.@\-]*")
_NUMERIC = {">": Op.GT, ">=": Op.GTE, "<": Op.LT, "<=": Op.LTE}
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
_NETWORK = re.compile(r"[0-9A-Fa-f.:]+/\d{1,3}")
_IDENTIFIER = re.compile(r"@(\w+)")


def condition_of(text: str, named: Named | None = None) -> Condition:
    """Return what a query asks. ``named`` looks identifiers up (`@staff(a.martin)`).

    An empty query, or `*`, asks for everything. Raises BadQuery, which names the column.
    """
    parser = _Parser(tokens(text), named)
    return parser.whole()


class _Parser:
    def __init__(self, found: list[Token], named: Named | None) -> None:
        self._tokens = found
        self._at = 0
        self._depth = 0
        self._named = named

    def whole(self) -> Condition:
        if self._next.ends:
            return ALWAYS
        found = self._or()
        rest = self._next
        if not rest.ends:
            raise fault(f"{rest.text!r} is not expected here", rest.column, _BRACKETS)
        return found

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._tokens[self._at]
        self._at += token.kind is not Kind.END
        return token

    def _or(self) -> Condition:
        parts = [self._and()]
        while self._next.is_word("or"):
            self._take()
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else Any_(tuple(parts))

    def _and(self) -> Condition:
        parts = [self._not()]
        while not (self._next.ends or self._next.is_sign(")") or self._next.is_word("or")):
            if self._next.is_word("and"):
                self._take()
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _not(self) -> Condition:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise fault("the query is nested too deeply", self._next.column)
        try:
            if self._next.is_word("not"):
                self._take()
                return Not(self._not())
            return self._primary()
        finally:
            self._depth -= 1

    def _primary(self) -> Condition:
        token = self._take()
        if token.is_sign("("):
            found = self._or()
            self._close(token)
            return found
        if token.kind is Kind.END:
            raise fault("a test is missing at the end", token.column, _EXAMPLE)
        if token.kind is Kind.WORD and token.text == "*":
            return ALWAYS
        if token.kind is Kind.SIGN or token.is_word("and", "or"):
            raise fault(f"{token.text!r} stands where a test should", token.column, _EXAMPLE)
        return self._test(token)

    def _test(self, field: Token) -> Condition:
        if field.kind is Kind.WORD and not _FIELD.fullmatch(field.text):
            raise fault(f"{field.text!r} is no name of a field", field.column, _EXAMPLE)
        sign = self._take()
        if sign.is_word("in"):
            return self._list(field.text)
        if not sign.is_sign(":", "=", "!=", "~", *_NUMERIC):
            close = get_close_matches(field.text.lower(), ["and", "or", "not"], 1)
            hint = f"did you mean {close[0]}?" if close else _EXAMPLE
            raise fault(f"after {field.text!r} a comparison is missing", sign.column, hint)
        if self._next.is_sign("(") and sign.is_sign(":", "="):
            return self._list(field.text)
        value = self._take()
        if value.kind in (Kind.SIGN, Kind.END):
            raise fault(f"after {sign.text!r} a value is missing", value.column, 'as in "a text"')
        return self._compared(field.text, sign.text, value)

    def _compared(self, field: str, sign: str, value: Token) -> Condition:
        if sign in _NUMERIC:
            return Test(field=field, op=_NUMERIC[sign], value=_number(value))
        if sign == "~":
            return Test(field=field, op=Op.CONTAINS, value=_plain(value), ignore_case=True)
        found = self._equal(field, value)
        return Not(found) if sign == "!=" else found

    def _equal(self, field: str, value: Token) -> Condition:
        if value.kind is Kind.QUOTED:
            return Test(field=field, op=Op.IS, value=value.text)
        who = _IDENTIFIER.fullmatch(value.text)
        if who and self._next.is_sign("("):
            return self._pseudonyms(field, who[1], value)
        if value.text == "*":
            return Exists(field)
        if _NETWORK.fullmatch(value.text):
            return _network(field, value)
        return _glob(field, value)

    def _list(self, field: str) -> Condition:
        opening = self._take()
        if not opening.is_sign("("):
            raise fault("after 'in' a list is missing", opening.column, "in (a, b)")
        parts = []
        while True:
            value = self._take()
            if value.kind in (Kind.SIGN, Kind.END):
                raise fault("a value is missing in the list", value.column, "(a or b), or (a, b)")
            parts.append(self._equal(field, value))
            if self._next.is_word("or") or self._next.is_sign(","):
                self._take()
                continue
            self._close(opening)
            return parts[0] if len(parts) == 1 else Any_(tuple(parts))

    def _pseudonyms(self, field: str, who: str, value: Token) -> Condition:
        opening, identifier = self._take(), self._take()
        if who not in PEOPLE:
            raise fault(f"@{who} is not known", value.column, f"one of @{', @'.join(PEOPLE)}")
        if identifier.kind not in (Kind.WORD, Kind.QUOTED):
            raise fault("an identifier is missing", identifier.column, "@staff(a.martin)")
        self._close(opening)
        if self._named is None:
            raise fault("identifiers cannot be looked up here", value.column)
        return In(field, tuple(self._named(PEOPLE[who], _plain(identifier))))

    def _close(self, opening: Token) -> None:
        token = self._take()
        if not token.is_sign(")"):
            raise fault(f"the bracket of column {opening.column} does not close", token.column)


def _number(value: Token) -> int | float:
    if not _NUMBER.fullmatch(value.text):
        hint = "time is asked by --since and --until" if "time" in value.text else "as in >= 400"
        raise fault(f"{value.text!r} is no number", value.column, hint)
    number = float(value.text)
    return int(value.text) if value.text.lstrip("+-").isdigit() else number


def _plain(value: Token) -> str:
    """Return the text of a value, in which `*` and `?` mean themselves."""
    return value.text if value.kind is Kind.QUOTED else re.sub(r"\\(.)", r"\1", value.text)


def _network(field: str, value: Token) -> Condition:
    try:
        ip_network(value.text, strict=False)
    except ValueError:
        raise fault(
            f"{value.text!r} is no network", value.column, "quote it if it is a text"
        ) from None
    return Test(field=field, op=Op.CIDR, value=value.text)


def _glob(field: str, value: Token) -> Condition:
    r"""Return a test by wildcards; ``\`` before a character takes its meaning away."""
    parts = re.findall(r"\\.|.", value.text, re.DOTALL)
    wild = [place for place, part in enumerate(parts) if part in ("*", "?")]
    plain = "".join(part[-1] for part in parts)
    if not wild:
        return Test(field=field, op=Op.IS, value=plain)
    if "?" not in parts:
        inner = "".join(part[-1] for part in parts if part != "*")
        ends = (parts[0] == "*", parts[-1] == "*")
        if len(wild) == sum(ends) and inner:
            op = {(True, True): Op.CONTAINS, (False, True): Op.PREFIX, (True, False): Op.SUFFIX}
            return Test(field=field, op=op[ends], value=inner)
    escaped = [
        part if part in ("*", "?") or part in (r"\*", r"\?", r"\\") else part[-1] for part in parts
    ]
    return Test(field=field, op=Op.LIKE, value="".join(escaped))


_EXAMPLE = "a test is FIELD:VALUE, FIELD ~ TEXT, or FIELD >= NUMBER"
_BRACKETS = "is a bracket missing?"
