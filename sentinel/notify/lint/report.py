"""What the linter says of a letter."""

from __future__ import annotations

import msgspec

CODES = (
    "subject_not_explicit",
    "vague_measures",
    "minimising_language",
    "jargon",
    "unresolved_placeholder",
    "empty_field",
    "marketing_content",
    "third_party_personal_data",
    "asks_for_credentials",
    "shortened_link",
)


class Hit(msgspec.Struct, frozen=True):
    """Where a rule found something: offset in the raw file, and what stands there."""

    code: str
    offset: int
    excerpt: str


class LintFinding(msgspec.Struct, frozen=True, kw_only=True):
    """``line``, ``column``: from 1, in the file. ``reason``: why it may not be sent."""

    code: str
    line: int
    column: int
    excerpt: str
    reason: str


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """A function that the letter does not fulfil, and why it must."""

    function: str
    reason: str


class LintReport(msgspec.Struct, frozen=True, kw_only=True):
    """``sendable``: nothing is missing and nothing was found."""

    file: str
    language: str
    sendable: bool
    missing: tuple[str, ...]
    findings: tuple[LintFinding, ...]
    reasons: dict[str, str]
