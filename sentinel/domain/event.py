"""One thing that happened, in the names of the Elastic Common Schema (ECS 8/9).

``fields`` is flat: the key is the dotted ECS name (``user.name``), the value a scalar or a list
of scalars. Names of our own start with ``sentinel.``; business facts use ``fact.``. The names on
which rooms agree are constants below; everything else is free.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

Scalar = str | int | float | bool | None
Value = str | int | float | bool | None | list[Any]

# Who
USER = "user.name"
ROLES = "user.roles"
TEAM = "user.group.name"
ACTOR_KIND = "sentinel.actor.kind"  # staff | customer | service | visitor
SESSION = "sentinel.session"
# Whose data
SUBJECT = "sentinel.subject"  # list of data subjects
CATEGORY = "sentinel.data_category"
RECORDS = "sentinel.record_count"
# Verdict of the scope engine
SCOPE_VERDICT = "sentinel.scope.verdict"
SCOPE_TEMPLATE = "sentinel.scope.template"
SCOPE_REASON = "sentinel.scope.reason"
SCOPE_REASON_FR = "sentinel.scope.reason_fr"
SCOPE_WEAK = "sentinel.scope.weak"  # why the explanation is weak; absent when it is not
LEAVER = "sentinel.actor.leaver"  # bool
# Marks of redaction, list of kinds found ("card_number", "iban", "secret"...)
REDACTED = "sentinel.redacted"


class LogSource(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Sigma's three logsource fields (Sigma specification 2.1, "Log source"); empty = unset."""

    category: str = ""
    product: str = ""
    service: str = ""


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A normalised event.

    ``id``: 32 hex digits, the same when the same line of the same source is sent again.
    ``time``: event time, aware, UTC. ``source``: id of the source. ``ref``: where the line
    stands (``access.log:17``, or ``source#sequence`` for what came over the network).
    ``sealed``: the original identifiers, encrypted; empty offline.
    """

    id: str
    time: datetime
    source: str
    ref: str
    logsource: LogSource = LogSource()
    fields: dict[str, Value] = {}
    sealed: bytes = b""

    def get(self, name: str) -> Value:
        """Return the field ``name``, or None where it is absent."""
        return self.fields.get(name)

    def text(self, name: str) -> str:
        """Return the field as text; the empty string where absent or null."""
        value = self.fields.get(name)
        if value is None:
            return ""
        return value if isinstance(value, str) else str(value)

    def items(self, name: str) -> list[str]:
        """Return the field as a list of text: a scalar counts as a list of one."""
        value = self.fields.get(name)
        if value is None:
            return []
        return [str(item) for item in value] if isinstance(value, list) else [str(value)]

    def enriched(self, extra: dict[str, Value]) -> Event:
        """Return a copy with ``extra`` laid over the fields."""
        return msgspec.structs.replace(self, fields={**self.fields, **extra})


def nested(fields: dict[str, Value]) -> dict[str, Any]:
    """Turn flat ECS names into the nested object that ECS documents are.

    A name that is both a value and a parent (``url`` beside ``url.path``) keeps its dotted form.
    """
    tree: dict[str, Any] = {}
    for name in sorted(fields):
        node, parts = tree, name.split(".")
        for index, part in enumerate(parts[:-1]):
            child = node.setdefault(part, {})
            if not isinstance(child, dict):
                node[".".join(parts[index:])] = fields[name]
                break
            node = child
        else:
            node[parts[-1]] = fields[name]
    return tree


def flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Value]:
    """Turn a nested object into dotted names. Lists of objects are kept as lists."""
    out: dict[str, Value] = {}
    stack: list[tuple[str, dict[str, Any]]] = [(prefix, tree)]
    while stack:
        head, node = stack.pop()
        for key, value in node.items():
            name = f"{head}{key}"
            if isinstance(value, dict):
                stack.append((f"{name}.", value))
            else:
                out[name] = value
    return out
