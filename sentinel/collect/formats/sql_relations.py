"""Which tables an SQL statement names, without understanding it: enough to say whose data."""

from __future__ import annotations

import re

_NAME = r'(?:"[^"]{1,63}"|[A-Za-z_][\w$]{0,62})'
_AFTER = re.compile(
    rf"\b(?:from|join|into|update|table|copy)\s{{1,32}}(?:only\s{{1,32}})?({_NAME}(?:\.{_NAME})?)",
    re.IGNORECASE,
)
_LITERAL = re.compile(r"'[^']*(?:''[^']*)*'")
_MOST = 32
_LONGEST = 65536  # characters; what a statement names stands near its start
_NO_TABLES = frozenset({"select", "set", "lateral", "unnest", "generate_series"})


def relations(statement: str) -> list[str]:
    """Return the names after FROM, JOIN, INTO, UPDATE, TABLE and COPY, each once, in order."""
    text = _LITERAL.sub("''", statement[:_LONGEST])
    found: dict[str, None] = {}
    for match in _AFTER.finditer(text):
        name = match[1].replace('"', "")
        if name.lower() not in _NO_TABLES:
            found.setdefault(name)
        if len(found) == _MOST:
            break
    return list(found)
