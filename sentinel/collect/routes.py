"""Route templates: from the path of a request to the person and the data that it touches.

``{subject}`` takes one segment and names the data subject; ``{anything_else}`` takes one
segment; a last ``*`` takes whatever follows. The first template that fits wins.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import unquote

import msgspec

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}|(/\*$)")


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One template and what it means."""

    path: str
    category: str = ""
    subject: str = ""
    action: str = ""


class Touched(msgspec.Struct, frozen=True):
    """What a path touches. ``segment``: the subject as written; ``subject``: decoded."""

    route: Route
    segment: str = ""
    subject: str = ""


class Routes:
    """Templates, compiled."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = [(_compiled(route.path), route) for route in routes]
        self.match = lru_cache(maxsize=4096)(self._match)

    def __bool__(self) -> bool:
        return bool(self._routes)

    def _match(self, path: str) -> Touched | None:
        """Return what ``path`` (without query) touches; None where no template fits."""
        for pattern, route in self._routes:
            match = pattern.fullmatch(path)
            if match:
                segment = match.groupdict().get("subject") or ""
                return Touched(route, segment, unquote(segment))
        return None


def _compiled(template: str) -> re.Pattern[str]:
    pattern = ""
    position = 0
    for match in _PLACEHOLDER.finditer(template):
        pattern += re.escape(template[position : match.start()])
        if match[2]:
            pattern += "(?:/.*)?"
        else:
            pattern += r"(?P<subject>[^/]+)" if match[1] == "subject" else r"[^/]+"
        position = match.end()
    return re.compile(pattern + re.escape(template[position:]) + "/?", re.DOTALL)
