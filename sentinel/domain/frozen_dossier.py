"""A dossier as it was frozen to be filed: its bytes lie as documents, its hash is signed."""

from __future__ import annotations

import msgspec

from sentinel.domain.incident import FilingKind
from sentinel.domain.record import CaseRecord

FORMAT = "sentinel-dossier-1"


class FrozenDossier(CaseRecord, kw_only=True):
    """``sha256``: hex, of the canonical JSON. ``key_id``, ``signature``: Ed25519, empty: unsigned.

    ``json_id``, ``pdf_id``: its documents. ``late``, ``reasons``: whether it was late when it was
    frozen, and says why. ``gaps``: fields that still lacked something; ``unknown``: how many
    answers follow later. ``english``: the English of the sentences that the record made, by their
    French, for a reading copy; no part of what is signed, and empty in a dossier frozen before.
    """

    kind: FilingKind
    form: str
    sha256: str
    json_id: str
    pdf_id: str
    key_id: str = ""
    signature: str = ""
    late: bool = False
    reasons: bool = False
    gaps: tuple[str, ...] = ()
    unknown: int = 0
    english: dict[str, str] = msgspec.field(default_factory=dict)


def signed_text(canonical: bytes) -> bytes:
    """Return what the signature covers: the name of the format, then the canonical JSON."""
    return FORMAT.encode() + b"\n" + canonical
