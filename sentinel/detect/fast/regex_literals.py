"""Literals without which a regular expression cannot match.

A cautious reading of RE2's syntax: what it does not understand for certain gives no literal, and
a rule without one is evaluated on every event.
"""

from __future__ import annotations

import re
from typing import Final

_FLAGS: Final = re.compile(r"\(\?([ims]*)\)")
_GROUP: Final = re.compile(r"\((?:\?(?:P?<[A-Za-z_]\w*>|[ims]*:))?")
_REPEAT: Final = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_CLASS: Final = re.compile(r"\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]", re.DOTALL)
_CLASS_ESCAPES: Final = frozenset("dDwWsSbBAzCX")
_CONTROLS: Final = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}


class _Unclear(Exception):
    """The pattern holds syntax that is not read here."""


Literals = tuple[str, ...]


def required_literals(pattern: str) -> Literals | None:
    """Return literals of which any text that ``pattern`` finds holds at least one, or None."""
    return _rarest(all_literals(pattern))


def all_literals(pattern: str) -> list[Literals]:
    """Return sets of literals: any text that ``pattern`` finds holds one of each."""
    at, insensitive = 0, False
    while found := _FLAGS.match(pattern, at):
        at, insensitive = found.end(), insensitive or "i" in found[1]
    try:
        reader = _Reader(pattern, at)
        choices = reader.sets()
        if reader.at != len(pattern):
            return []
    except _Unclear:
        return []
    return [one for one in choices if not insensitive or all(text.isascii() for text in one)]


def _rarest(choices: list[Literals]) -> Literals | None:
    return max(choices, key=lambda texts: min(map(len, texts)), default=None)


class _Reader:
    """Reads one alternation after the other, recursively. ``at``: the next character."""

    def __init__(self, pattern: str, at: int) -> None:
        self.pattern = pattern
        self.at = at

    def alternatives(self) -> Literals | None:
        """Read as `sets` does; return the rarest set."""
        return _rarest(self.sets())

    def sets(self) -> list[Literals]:
        """Read up to the closing parenthesis or the end; of several branches, one set of all."""
        branches = [self._branch()]
        while self._next("|"):
            branches.append(self._branch())
        if len(branches) == 1:
            return branches[0]
        found: list[str] = []
        for branch in map(_rarest, branches):
            if branch is None:
                return []
            found += branch
        return [tuple(dict.fromkeys(found))]

    def _branch(self) -> list[Literals]:
        choices: list[Literals] = []
        run = ""
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            literal, inner = self._atom()
            least, exactly = self._repeat()
            if literal is not None and exactly:
                run += literal
                continue
            if literal is not None and least > 0:
                run += literal
            if run:
                choices.append((run,))
            run = literal or "" if least > 0 else ""
            if inner and least > 0:
                choices.append(inner)
        if run:
            choices.append((run,))
        return choices

    def _atom(self) -> tuple[str | None, tuple[str, ...] | None]:
        """Return the literal character that stands next, or the literals of a group."""
        char = self.pattern[self.at]
        if char == "(":
            return None, self._group()
        if char == "[":
            found = _CLASS.match(self.pattern, self.at)
            if found is None:
                raise _Unclear
            self.at = found.end()
            return None, None
        if char in "*+?{":  # RE2 reads a brace that is no repetition as itself
            raise _Unclear
        self.at += 1
        if char in "^$.":
            return None, None
        return (self._escaped() if char == "\\" else char), None

    def _group(self) -> tuple[str, ...] | None:
        found = _GROUP.match(self.pattern, self.at)
        if found is None or self.pattern.startswith("?", found.end()):
            raise _Unclear
        flags_change = "i" in found[0].partition(":")[0].partition("<")[0]
        self.at = found.end()
        inner = self.alternatives()
        if not self._next(")"):
            raise _Unclear
        return None if flags_change else inner

    def _escaped(self) -> str | None:
        if self.at == len(self.pattern):
            raise _Unclear
        char = self.pattern[self.at]
        self.at += 1
        if char in _CLASS_ESCAPES:
            return None
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char.isalnum() or not char.isascii():  # \x41, \pL, \Q...\E, \1
            raise _Unclear
        return char

    def _repeat(self) -> tuple[int, bool]:
        """Return the least number of repetitions, and whether it is exactly one."""
        least, exactly = 1, True
        found = _REPEAT.match(self.pattern, self.at)
        if found is not None:
            least, exactly, self.at = int(found[1]), False, found.end()
        elif self.pattern[self.at : self.at + 1] in {"*", "?", "+"}:
            least, exactly = int(self.pattern[self.at] == "+"), False
            self.at += 1
        else:
            return least, exactly
        self._next("?")
        if self.pattern[self.at : self.at + 1] in {"*", "?", "+"} or _REPEAT.match(
            self.pattern, self.at
        ):
            raise _Unclear
        return least, exactly

    def _next(self, char: str) -> bool:
        if not self.pattern.startswith(char, self.at):
            return False
        self.at += 1
        return True
