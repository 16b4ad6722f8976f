"""A mistake inside one rule, told by its place in the document; `locate` turns it into a line."""

from __future__ import annotations

from sentinel.errors import ContentError

Path = tuple[str | int, ...]


class RuleFault(Exception):
    """Why a rule cannot be used. ``path``: keys from the top of its document."""

    def __init__(self, reason: str, *, path: Path = (), hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path
        self.hint = hint

    def at(self, *path: str | int) -> RuleFault:
        """Return the same fault placed under ``path``."""
        return RuleFault(self.reason, path=(*path, *self.path), hint=self.hint)

    def located(self, where: str) -> ContentError:
        """Return the error that users see."""
        return ContentError(self.reason, where=where, hint=self.hint)
