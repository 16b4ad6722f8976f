"""The body of a ``_bulk`` request, as Elasticsearch 9 defines it: pairs of lines in NDJSON.

``create`` and ``index`` carry a document; ``update`` and ``delete`` would change a log, and are
refused one by one. A body that is not such pairs is refused whole: nothing of it is taken.
"""

from __future__ import annotations

import msgspec

from sentinel.collect.body import BadBody, BodyTooLarge


class Target(msgspec.Struct, frozen=True):
    """Where an action points; other parameters are passed over."""

    index: str = msgspec.field(name="_index", default="")
    id: str | int | None = msgspec.field(name="_id", default=None)


class Action(msgspec.Struct, frozen=True):
    """An action line: exactly one of these is set."""

    create: Target | None = None
    index: Target | None = None
    update: Target | None = None
    delete: Target | None = None


class Operation(msgspec.Struct, frozen=True):
    """One item of a bulk. ``document`` is empty for what is refused."""

    name: str
    index: str
    id: str
    document: bytes = b""


_ACTION = msgspec.json.Decoder(Action)
_NAMES = ("create", "index", "update", "delete")


def read_bulk(body: bytes, default_index: str, *, most: int) -> list[Operation]:
    """Return the operations in order. Raises BadBody naming the line, BodyTooLarge."""
    if not body.strip():
        raise BadBody("request body is required")
    if not body.endswith(b"\n"):
        raise BadBody("the bulk request must be terminated by a newline [\\n]")
    lines = body.split(b"\n")
    lines.pop()
    if len(lines) > 2 * most:
        raise BodyTooLarge(f"more than {most} items; send smaller batches")
    operations: list[Operation] = []
    position = 0
    while position < len(lines):
        name, target = _action(lines[position], position + 1)
        index = target.index or default_index
        if not index:
            raise BadBody(f"line {position + 1}: an index is missing")
        own_id = "" if target.id is None else str(target.id)
        position += 1
        document = b""
        if name != "delete":
            if position >= len(lines):
                raise BadBody(f"line {position}: the document after this action is missing")
            document = lines[position]
            position += 1
        operations.append(Operation(name, index, own_id, document))
    return operations


def _action(line: bytes, number: int) -> tuple[str, Target]:
    try:
        action = _ACTION.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise BadBody(f"line {number}: malformed action/metadata line") from None
    given = [(name, target) for name in _NAMES if (target := getattr(action, name)) is not None]
    if len(given) != 1:
        raise BadBody(
            f"line {number}: malformed action/metadata line: one of create, index is expected"
        )
    return given[0]
