"""A dossier for the authority: its answers, in the order of the form, and its canonical bytes.

GDPR art. 33(3): what must be said. Art. 33(4): what is not known yet follows in phases.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping

import msgspec

from sentinel.domain.canonical import canonical
from sentinel.notify.dossier_change import Change

LATE_REASONS = "t.late_reasons"


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Where the numbers come from: the selection, its digest, what it found. No pseudonyms."""

    query: str
    sha256: str
    subjects: int
    records: int


class Previous(msgspec.Struct, frozen=True, kw_only=True):
    """What was filed before. ``number``: the authority's. ``sha256``: of the dossier, if frozen."""

    kind: str
    number: str
    filed_at: str
    sha256: str = ""


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """A dossier. ``answers`` has one entry for each field of the form, in its order.

    ``kind``: a `FilingKind`. ``previous``: the filing that ``changes`` differ from. An answer is a
    value, ``None`` (nothing yet), ``{"unknown": {"owner", "due"}}`` or
    ``{"not_applicable": true}``. Instants are RFC 3339 in UTC.
    """

    schema: str
    form: str
    kind: str
    reference: str
    created_at: str
    aware_at: str
    due_strict: str
    late: bool
    drill: bool
    answers: dict[str, object]
    evidence: Evidence | None
    previous: Previous | None = None
    changes: tuple[Change, ...] = ()

    def canonical(self) -> bytes:
        """Return the dossier as canonical JSON (RFC 8785). The same facts, the same bytes."""
        return canonical(msgspec.to_builtins(self))

    @property
    def sha256(self) -> str:
        """Digest of the canonical JSON, hex: what a filing is bound to."""
        return hashlib.sha256(self.canonical()).hexdigest()

    @property
    def unknown(self) -> tuple[str, ...]:
        """Fields whose answer is not known yet."""
        return tuple(field for field, answer in self.answers.items() if is_unknown(answer))


def is_unknown(answer: object) -> bool:
    """Tell whether an answer says that it is not known yet."""
    return isinstance(answer, Mapping) and "unknown" in answer


def is_not_applicable(answer: object) -> bool:
    """Tell whether an answer says that the question does not arise."""
    return isinstance(answer, Mapping) and "not_applicable" in answer


def codes_of(answer: object) -> Collection[str]:
    """Return the codes that an answer selects: of one choice, of several, with or without text."""
    if isinstance(answer, str):
        return (answer,)
    if isinstance(answer, Mapping):
        answer = answer.get("codes", [answer["code"]] if "code" in answer else [])
    return [str(code) for code in answer] if isinstance(answer, list) else ()
