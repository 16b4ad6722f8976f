"""The files of evidence: hashed as they came in, sealed on disk, hashed again at each access."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

import msgspec

from sentinel.domain.incident import Actor
from sentinel.domain.record import Evidence
from sentinel.errors import Refused, StorageError
from sentinel.ids import uuid7
from sentinel.store.ports import Sealer
from sentinel.store.private_file import keep_new

MAX_BYTES = 64 * 1024 * 1024
FOLDER = Path("evidence")


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """What is written on an evidence. ``acquired_at``: when it was taken from its ``source``."""

    name: str
    media_type: str
    described: str
    source: str
    acquired_at: datetime


def take_in(
    root: Path, sealer: Sealer, content: bytes, *, label: Label, actor: Actor, now: datetime
) -> Evidence:
    """Seal ``content`` under ``root/evidence`` and return its record, to be added to a case.

    The file is durable before the record is. Raises Refused, StorageError.
    """
    if not content or len(content) > MAX_BYTES:
        raise Refused(f"evidence has 1 to {MAX_BYTES} bytes")
    evidence_id = uuid7()
    path = FOLDER / f"{evidence_id}.sealed"
    keep_new(root / path, sealer.seal(content, context=evidence_context(evidence_id)))
    return Evidence(
        id=evidence_id,
        incident_id="",
        created_at=now,
        created_by=actor.id,
        name=_plain(label.name),
        media_type=label.media_type,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        path=str(path),
        described=label.described.strip(),
        source=label.source.strip(),
        acquired_at=label.acquired_at,
    )


def read_out(root: Path, sealer: Sealer, evidence: Evidence) -> tuple[bytes, str]:
    """Return the bytes and their SHA-256 as they are now. Raises StorageError."""
    path = root / evidence.path
    try:
        sealed = path.read_bytes()
    except OSError as error:
        raise StorageError(error.strerror or str(error), where=str(path)) from error
    content = sealer.open(sealed, context=evidence_context(evidence.id))
    return content, hashlib.sha256(content).hexdigest()


def _plain(name: str) -> str:
    """Return a file's name without folders and control characters."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(one for one in last if one.isprintable() and one != '"')[:120] or "evidence"


def evidence_context(evidence_id: str) -> str:
    """Return the context that binds a sealed file to its evidence."""
    return f"evidence:{evidence_id}"
