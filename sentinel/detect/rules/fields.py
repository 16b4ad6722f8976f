"""Reading a field of an event under the names that rules use.

Sigma's `webserver` and `proxy` rules speak W3C names (`cs-uri-query`, `c-useragent`); our events
speak ECS. An alias is followed only where the event has no field of the literal name. Some aliases
read two ECS fields: public rules put paths into `cs-uri-query` as often as queries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

Fields = Mapping[str, Any]
Reader = Callable[[Fields], Any]
ITEM: Final = 512  # characters that an item of a list, or a key, costs beside its own
SCALAR: Final = 16  # characters that a value costs that is no text
TIMESTAMP: Final = "@timestamp"  # the event time, which the engine lends to rules that ask for it

ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "c-ip": ("source.ip",),
    "c-uri": ("url.original", "url.full"),
    "c-uri-query": ("url.query", "url.original"),
    "c-uri-stem": ("url.path",),
    "c-useragent": ("user_agent.original",),
    "cs-bytes": ("http.request.body.bytes",),
    "cs-cookie": ("http.request.cookies",),
    "cs-host": ("url.domain",),
    "cs-method": ("http.request.method",),
    "cs-referer": ("http.request.referrer",),
    "cs-referrer": ("http.request.referrer",),
    "cs-uri": ("url.original", "url.full"),
    "cs-uri-query": ("url.query", "url.original"),
    "cs-uri-stem": ("url.path",),
    "cs-user-agent": ("user_agent.original",),
    "cs-username": ("user.name",),
    "cs-version": ("http.version",),
    "sc-bytes": ("http.response.body.bytes",),
    "sc-status": ("http.response.status_code",),
}


class Missing:
    """The type of `MISSING`: no such field, as against a field that holds null."""


MISSING: Final = Missing()


def reader(name: str) -> Reader:
    """Return what reads field ``name``: its value, a list, or `MISSING`."""
    targets = ALIASES.get(name)
    if targets is None:
        return lambda fields: fields.get(name, MISSING)
    return lambda fields: _first_or_aliases(fields, name, targets)


def _first_or_aliases(fields: Fields, name: str, targets: tuple[str, ...]) -> Any:
    if name in fields:
        return fields[name]
    found = [fields[target] for target in targets if target in fields]
    if not found:
        return MISSING
    return found[0] if len(found) == 1 else list(flatten(found))


def names_read(name: str) -> tuple[str, ...]:
    """Return every event field that a rule naming ``name`` may read."""
    return (name, *ALIASES.get(name, ()))


def flatten(value: Any) -> Iterable[Any]:
    """Yield the scalars of a value: itself, or the items of a list, however deep."""
    if not isinstance(value, list):
        yield value
        return
    open_lists = [iter(value)]  # no recursion: an event nests as deep as its sender likes
    while open_lists:
        for item in open_lists[-1]:
            if isinstance(item, list):
                open_lists.append(iter(item))
                break
            yield item
        else:
            open_lists.pop()


def length(value: Any) -> int:
    """Return the characters of a value, and `ITEM` for each item inside it, however deep."""
    if type(value) is str:
        return len(value)
    total, waiting = 0, [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            total += len(value)
        elif isinstance(value, list):
            total += ITEM * len(value)
            waiting.extend(value)
        elif isinstance(value, Mapping):
            total += ITEM * len(value) + sum(len(str(key)) for key in value)
            waiting.extend(value.values())
        elif value is not MISSING:
            total += SCALAR
    return total


def text_of(value: Any) -> str | None:
    """Return a scalar as Sigma compares it: text. None for null; booleans in lower case."""
    if isinstance(value, str):
        return value
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def number_of(value: Any) -> float | None:
    """Return a scalar as a finite number, or None; text counts where it spells one."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if number - number == 0 else None  # inf and nan are no quantities
