"""Lines of no format that we know: named as such, so that nobody takes them for read."""

from __future__ import annotations

from sentinel.collect.formats.base import Stateless, Unparsed


class Unknown(Stateless):
    """What `auto` answers where no format reads a line of the sample."""

    name = "unknown"
    title = "no known format"

    def parse(self, line: str) -> Unparsed:
        """Answer the reason."""
        if line.lstrip()[:1] == "{":
            return Unparsed("JSON that is cut or not an object")
        return Unparsed("no known format: name it with --format, or in the source's settings")
