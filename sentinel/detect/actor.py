"""Who did it: the field that names the actor of a finding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sentinel.domain.event import SESSION, USER

ACTOR_FIELDS: Final = (USER, SESSION, "source.ip")


def actor_fields(own: str) -> tuple[str, ...]:
    """Return the fields to try, the rule's own first."""
    return (own, *ACTOR_FIELDS) if own else ACTOR_FIELDS


def actor_of(fields: Mapping[str, Any], own: str = "") -> str:
    """Return the first of the actor fields that has a value; the empty string if none has."""
    for name in actor_fields(own):
        value = fields.get(name)
        if isinstance(value, list):
            value = value[0] if value else None
        if value not in (None, ""):
            return str(value)
    return ""
