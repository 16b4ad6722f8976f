"""Any JSON object per line (NDJSON), nested or flat; names are the sender's own."""

from __future__ import annotations

from typing import Any

import msgspec

from sentinel.collect.formats.base import Parsed, Stateless, Unparsed
from sentinel.domain.event import Value, flat

_DECODER = msgspec.json.Decoder()


class JsonObject(Stateless):
    """``json``: the source profile says what the names mean."""

    name = "json"
    title = "JSON object, the sender's own names"

    def claims(self, line: str) -> bool:
        """Look for an object."""
        return line.lstrip()[:1] == "{"

    def parse(self, line: str) -> Parsed | Unparsed:
        """Read one line into dotted names."""
        fields = read_object(line)
        return fields if isinstance(fields, Unparsed) else Parsed(fields)


class Ecs(Stateless):
    """``ecs``: an object that carries ``@timestamp``, as Beats, Elastic Agent and Vector write."""

    name = "ecs"
    title = "Elastic Common Schema"

    def claims(self, line: str) -> bool:
        """Look for an object with the name."""
        return line.lstrip()[:1] == "{" and '"@timestamp"' in line

    def parse(self, line: str) -> Parsed | Unparsed:
        """Read one line into dotted ECS names; the instant stays in ``@timestamp``."""
        fields = read_object(line)
        if isinstance(fields, Unparsed):
            return fields
        if "@timestamp" not in fields:
            return Unparsed("a JSON object without @timestamp")
        return Parsed(fields)


def read_object(line: str) -> dict[str, Value] | Unparsed:
    """Decode an object and flatten it; anything else is a reason."""
    try:
        tree: Any = _DECODER.decode(line)
    except msgspec.DecodeError as error:
        return Unparsed(f"not JSON: {_position(str(error))}")
    except (RecursionError, ValueError):
        return Unparsed("not JSON: nested too deeply, or not text")
    if not isinstance(tree, dict):
        return Unparsed("JSON, but not an object")
    return flat(tree)


def _position(message: str) -> str:
    """Keep the decoder's words, which name a byte and a position but quote no value."""
    return message.removeprefix("JSON is malformed: ")
