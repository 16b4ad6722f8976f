"""One family of errors. The class docstring is the message; ``where`` and ``hint`` do the rest.

>>> raise UnreadableFile("no permission", where="access.log", hint="run as a member of adm")
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    CONTENT = 3
    IO = 4


class SentinelError(Exception):
    """Something went wrong."""

    exit_code: Exit = Exit.CONTENT

    def __init__(self, detail: str = "", *, where: str = "", hint: str = "") -> None:
        self.detail = detail
        self.where = where
        self.hint = hint
        super().__init__(str(self))

    @property
    def message(self) -> str:
        """The docstring's first line, then the detail."""
        first = (type(self).__doc__ or "").strip().split("\n", 1)[0].rstrip(".")
        return f"{first}: {self.detail}" if self.detail else first

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{where}{self.message}{hint}"


class UsageError(SentinelError):
    """What was asked cannot be done."""

    exit_code = Exit.USAGE


class ConfigError(SentinelError):
    """A setting is wrong."""


class ContentError(SentinelError):
    """A rule, scope, template or runbook is wrong."""


class UnusableRow(ContentError):
    """A row that was to be imported is wrong; nothing was taken in."""


class InvalidInstant(SentinelError):
    """An instant cannot be understood."""

    exit_code = Exit.USAGE


class InvalidValue(SentinelError):
    """A value cannot be accepted."""

    exit_code = Exit.USAGE


class UnreadableFile(SentinelError):
    """A file cannot be read."""

    exit_code = Exit.IO


class StorageError(SentinelError):
    """The data directory cannot be written or is damaged."""

    exit_code = Exit.IO


class CannotListen(SentinelError):
    """A port cannot be opened."""

    exit_code = Exit.IO


class Refused(SentinelError):
    """A guard refuses the action."""

    exit_code = Exit.FINDINGS


class Conflict(SentinelError):
    """Somebody else changed the record in the meantime."""

    exit_code = Exit.FINDINGS


class NotFound(SentinelError):
    """There is no such record."""

    exit_code = Exit.USAGE


class MissingExtra(SentinelError):
    """A part of Sentinel is not installed."""
