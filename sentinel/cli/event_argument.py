"""An event given on the command line: a JSON file, ``-`` for standard input, or the JSON itself."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from sentinel.detect.rules.fields import TIMESTAMP
from sentinel.domain.event import Event, LogSource, flat
from sentinel.errors import UnreadableFile, UsageError
from sentinel.ids import digest_id

SOURCE = "sentinel.source.logsource."
PARTS = ("category", "product", "service")


def read_event(text: str, default: LogSource) -> Event:
    """Return the event of ``text``, nested or flat ECS, as `sentinel parse` prints it or by hand.

    ``default``: its log source where it names none. Raises UsageError, UnreadableFile.
    """
    content, where = _content(text)
    try:
        tree: Any = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        lines = content.count(b"\n")
        hint = "one event, not a file of many" if lines > 1 else ""
        raise UsageError(f"the event is no JSON: {error}", where=where, hint=hint) from error
    if not isinstance(tree, dict):
        raise UsageError("an event is a JSON object", where=where)
    fields = flat(tree)
    named = {part: str(fields.pop(SOURCE + part)) for part in PARTS if SOURCE + part in fields}
    named |= {
        part: str(fields.pop(f"logsource.{part}"))
        for part in PARTS
        if f"logsource.{part}" in fields
    }
    return Event(
        id=digest_id("event", where, content.decode(errors="replace")),
        time=_time(fields.get(TIMESTAMP), where),
        source="",
        ref=where,
        logsource=LogSource(**named) if named else default,
        fields=fields,
    )


def _content(text: str) -> tuple[bytes, str]:
    if text.lstrip().startswith("{"):
        return text.encode(), "EVENT"
    if text == "-":
        return sys.stdin.buffer.read(), "standard input"
    try:
        return Path(text).read_bytes(), text
    except OSError as error:
        hint = "EVENT is a JSON file, - or a JSON object"
        raise UnreadableFile(error.strerror or "unreadable", where=text, hint=hint) from error


def _time(value: object, where: str) -> datetime:
    if value is None:
        return datetime.now(UTC)
    try:
        instant = datetime.fromisoformat(str(value))
    except ValueError:
        raise UsageError(f"{TIMESTAMP} is no instant (ISO 8601)", where=where) from None
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
