"""The register of breaches (GDPR art. 33(5)): one row a breach, notified or not."""

from __future__ import annotations

import hashlib

import msgspec

from sentinel.domain.canonical import canonical

FORMAT = "sentinel-register-1"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Facts, effects, remedial action, decisions, and where the proof lies.

    Instants: RFC 3339, UTC, or empty. ``journal_seq``, ``journal_hash``: the case's last line in
    the hash-chained journal. ``dossiers``: SHA-256 of what was frozen to be filed.
    """

    reference: str
    kind: str
    occurred_from: str
    occurred_to: str
    detected_at: str
    aware_at: str
    awareness_basis: str
    nature: tuple[str, ...]
    facts: str
    persons: tuple[str, ...]
    persons_count: int | None
    data: tuple[str, ...]
    records_count: int | None
    effects: tuple[str, ...]
    risk: str
    risk_reasoning: str
    action: tuple[str, ...]
    authority: str
    filings: tuple[str, ...]
    delay: str
    why_not_notified: str
    informed: str
    why_not_informed: str
    closed_at: str
    dossiers: tuple[str, ...]
    journal_seq: int
    journal_hash: str

    @property
    def sha256(self) -> str:
        """Digest of the row's canonical JSON, hex."""
        return hashlib.sha256(canonical(msgspec.to_builtins(self))).hexdigest()


class Anchored(msgspec.Struct, frozen=True, kw_only=True):
    """Where the journal stood: its last line, and the newest signed anchor, if there is one."""

    last_seq: int
    last_hash: str
    anchor_day: str = ""
    anchor_seq: int = 0
    anchor_hash: str = ""
    anchor_key: str = ""
    anchor_signature: str = ""


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of a range, by awareness. ``since``, ``until``: RFC 3339 or empty; end excluded."""

    format: str
    controller: str
    made_at: str
    since: str
    until: str
    language: str
    rows: tuple[Row, ...]
    journal: Anchored

    def canonical(self) -> bytes:
        """Return the register with the digest of each row, as canonical JSON (RFC 8785)."""
        rows = [{**msgspec.to_builtins(row), "row_sha256": row.sha256} for row in self.rows]
        return canonical({**msgspec.to_builtins(self), "rows": rows})
