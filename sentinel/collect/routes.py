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

_REMEMBERED = 512  # characters; longer paths rarely repeat
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
        self._starts = tuple({_start(route.path) for route in routes})
        self._matched = lru_cache(maxsize=8192)(self._match)
        self.subject_starts = tuple({_start(r.path) for r in routes if "{subject}" in r.path})
        """Without one of these in it, no path names a subject."""

    def __bool__(self) -> bool:
        return bool(self._routes)

    def match(self, path: str) -> Touched | None:
        """Return what ``path`` (without query) touches; None where no template fits."""
        if not path.startswith(self._starts):
            return None
        return self._matched(path) if len(path) <= _REMEMBERED else self._match(path)

    def _match(self, path: str) -> Touched | None:
        for pattern, route in self._routes:
            match = pattern.fullmatch(path)
            if match:
                segment = match.groupdict().get("subject") or ""
                return Touched(route, segment, unquote(segment))
        return None


def _start(template: str) -> str:
    """Return what every path of the template begins with."""
    found = _PLACEHOLDER.search(template)
    return template[: found.start()] if found else template


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
