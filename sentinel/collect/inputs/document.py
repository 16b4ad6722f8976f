"""The line inside a document: shippers wrap what they read from a file into JSON."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from sentinel.errors import SentinelError


class NoLine(SentinelError):
    """A document has no line where the source says it is."""


def line_of(document: Mapping[str, msgspec.Raw], field: str) -> bytes:
    """Return the text of ``field`` (``message``; ``event.original``, nested or dotted).

    Raises NoLine.
    """
    node: Mapping[str, msgspec.Raw] = document
    name = field
    while name not in node:
        head, dot, name = name.partition(".")
        inner = node.get(head)
        if not dot or inner is None:
            raise NoLine(f"the document has no field {field}")
        try:
            node = msgspec.json.decode(inner, type=dict[str, msgspec.Raw])
        except msgspec.MsgspecError:
            raise NoLine(f"the document has no field {field}") from None
    try:
        return msgspec.json.decode(node[name], type=str).encode()
    except msgspec.MsgspecError:
        raise NoLine(f"the field {field} is not text") from None
