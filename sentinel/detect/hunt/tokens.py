"""The words of a query: where each stands, and whether it was quoted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from sentinel.errors import UsageError


class Kind(Enum):
    """Of what a token is."""

    WORD = auto()
    QUOTED = auto()
    SIGN = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """One token. ``column`` counts from 1; ``text`` of a quoted one is what the quotes hold."""

    kind: Kind
    text: str
    column: int

    @property
    def ends(self) -> bool:
        """Whether the query ends here."""
        return self.kind is Kind.END

    def is_sign(self, *signs: str) -> bool:
        """Tell whether this is one of some signs."""
        return self.kind is Kind.SIGN and self.text in signs

    def is_word(self, *words: str) -> bool:
        """Tell whether this is one of some words, in any case, not quoted."""
        return self.kind is Kind.WORD and self.text.lower() in words


_COMPARISONS = (":", "=", "!=", "~", ">", "<", ">=", "<=")


class BadQuery(UsageError):
    """The query is not understood."""


def fault(why: str, column: int, hint: str = "") -> BadQuery:
    """Return the error that names a place in the query."""
    return BadQuery(why, where=f"query, column {column}", hint=hint)


def tokens(text: str) -> list[Token]:
    """Cut a query. Raises BadQuery."""
    found: list[Token] = []
    text, at, lists = text.rstrip(), 0, 0
    while at < len(text):
        start = at + len(text[at:]) - len(text[at:].lstrip())
        after_comparison = bool(found) and found[-1].is_sign(*_COMPARISONS)
        token, at = (_value if after_comparison or lists else _token)(text, start)
        if token.is_sign("(") and (lists or after_comparison or _opens_list(found)):
            lists += 1
        elif token.is_sign(")") and lists:
            lists -= 1
        found.append(token)
    return [*found, Token(Kind.END, "", len(text) + 1)]


def _opens_list(found: list[Token]) -> bool:
    """Tell whether values stand in the bracket that follows: `in (…)`, `@staff(…)`."""
    return bool(found) and (
        found[-1].is_word("in") or (found[-1].kind is Kind.WORD and found[-1].text[0] == "@")
    )


def _token(text: str, start: int) -> tuple[Token, int]:
    """Return what stands where a field, a word of the language or a sign may stand."""
    if text[start] == '"':
        return _quoted(text, start)
    two = text[start : start + 2]
    if two in (">=", "<=", "!="):
        return Token(Kind.SIGN, two, start + 1), start + 2
    if text[start] in "()<>=:~,":
        return Token(Kind.SIGN, text[start], start + 1), start + 1
    return _word(text, start, '()<>=:~,!"')


def _value(text: str, start: int) -> tuple[Token, int]:
    """Return what stands after a comparison or in a list: a colon is text there."""
    if text[start] == '"':
        return _quoted(text, start)
    if text[start] in "(),":
        return Token(Kind.SIGN, text[start], start + 1), start + 1
    return _word(text, start, '(),"')


def _word(text: str, start: int, ends: str) -> tuple[Token, int]:
    at = start
    while at < len(text) and not text[at].isspace() and text[at] not in ends:
        at += 2 if text[at] == "\\" else 1
    if at == start:
        raise fault(f"{text[at]!r} has no meaning here", start + 1, "in a value, quote it")
    if at > len(text):
        raise fault("nothing follows the backslash", len(text), r"write \\ for one")
    return Token(Kind.WORD, text[start:at], start + 1), at


def _quoted(text: str, start: int) -> tuple[Token, int]:
    at, out = start + 1, []
    while at < len(text) and text[at] != '"':
        at += text[at] == "\\"
        out.append(text[at : at + 1])
        at += 1
    if at >= len(text):
        raise fault("the quotation marks do not close", start + 1, r"write \" for one inside")
    return Token(Kind.QUOTED, "".join(out), start + 1), at + 1
