"""Daily anchors of the journal, and the purge that keeps them.

An anchor says where the chain stood. It is worth what its place is worth: kept in the database it
proves nothing against whoever rewrites the database; a copy elsewhere does.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from sentinel.clock import isoformat
from sentinel.domain.anchor import NOTHING_BEFORE, Anchor
from sentinel.errors import Refused, StorageError
from sentinel.store.disk import Disk
from sentinel.store.ports import CaseTx

Sign = Callable[[Anchor], Anchor]
ANCHORER = "sentinel:anchor"
PURGED = "journal.purged"
ANCHORED = "journal.anchored_by_hand"
STAMP_SUFFIX = ".tsr"
KEY_DESTROYED = "journal.key_destroyed"


def digest(anchor: Anchor) -> str:
    """Return what the next anchor calls its predecessor: SHA-256 of what was signed, hex."""
    return hashlib.sha256(anchor.signed_bytes() + bytes.fromhex(anchor.signature)).hexdigest()


def daily_anchor(tx: CaseTx, now: datetime, sign: Sign) -> Anchor | None:
    """Anchor the chain once for every UTC day that has ended; None where it is done already."""
    yesterday = now.astimezone(UTC).date() - timedelta(days=1)
    known = tx.journal.anchors()
    if known and known[-1].day >= yesterday.isoformat():
        return None
    return anchor_now(tx, now, sign, day=yesterday.isoformat())


def anchor_now(tx: CaseTx, now: datetime, sign: Sign, *, day: str = "") -> Anchor | None:
    """Anchor the chain as it stands, with the segment since the last anchor; None where empty."""
    known = tx.journal.anchors()
    last = tx.journal.last()
    before = known[-1] if known else None
    if last is None or (before is not None and before.last_seq >= last.seq):
        return None
    anchor = sign(
        Anchor(
            day=day or now.astimezone(UTC).date().isoformat(),
            first_seq=before.last_seq + 1 if before else 1,
            last_seq=last.seq,
            hash=last.hash,
            previous=digest(before) if before else NOTHING_BEFORE,
            made_at=now,
            key_id="",
        )
    )
    tx.journal.put_anchor(anchor)
    return anchor


def anchor_by_hand(tx: CaseTx, now: datetime, sign: Sign, *, actor: str) -> Anchor | None:
    """Anchor the chain with a line that says who asked for it; None where nothing is new."""
    known, last = tx.journal.anchors(), tx.journal.last()
    if last is None or (known and known[-1].last_seq >= last.seq):
        return None
    tx.journal.append(
        occurred_at=now, actor=actor, action=ANCHORED, object_id="journal:anchors", payload={}
    )
    return anchor_now(tx, now, sign)


def write_anchor(folder: Path, anchor: Anchor) -> Path:
    """Write an anchor as a file of its own, never over another. Raises StorageError.

    Its time-stamp, where it has one, stands beside it as the authority gave it (``.tsr``, DER).
    """
    path = folder / f"anchor-{anchor.day}-{anchor.last_seq:012d}.json"
    bare = msgspec.structs.replace(anchor, timestamp="")
    write_once(path, msgspec.json.format(msgspec.json.encode(bare), indent=1) + b"\n")
    if anchor.timestamp:
        write_once(beside(path), base64.b64decode(anchor.timestamp))
    return path


def beside(path: Path) -> Path:
    """Return where the time-stamp of an anchor's file lies."""
    return path.with_suffix(STAMP_SUFFIX)


def write_once(path: Path, body: bytes) -> None:
    """Write a file whole, durably, never over another content. Raises StorageError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.read_bytes() == body:
            return
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            with os.fdopen(descriptor, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
        Disk().sync_folder(path.parent)
    except OSError as error:
        raise StorageError(error.strerror or str(error), where=str(path)) from error


def purge(tx: CaseTx, *, recorded_before: datetime, actor: str, reason: str, now: datetime) -> int:
    """Drop the payloads recorded before an instant, inside anchored segments; return how many.

    Lines, hashes and anchors stay, so that the chain verifies; a line of the journal says what was
    purged, and only what it says may be empty. Raises Refused where nothing is anchored so far.
    """
    anchors = [one for one in tx.journal.anchors() if one.made_at <= now]
    if not anchors:
        raise Refused("purge: no anchor was made yet: purge what is anchored only")
    dropped, highest = tx.journal.purge(recorded_before=recorded_before, up_to=anchors[-1].last_seq)
    if dropped:
        tx.journal.append(
            occurred_at=now,
            actor=actor,
            action=PURGED,
            object_id=f"journal:1-{highest}",
            payload={
                "payloads": dropped,
                "recorded_before": isoformat(recorded_before),
                "reason": reason,
            },
        )
    return dropped


def destroy_key(tx: CaseTx, object_id: str, *, actor: str, reason: str, now: datetime) -> bool:
    """Make what the journal says of one case, alert or account unreadable for ever (R-47)."""
    gone = tx.journal.destroy_key(object_id)
    if gone:
        tx.journal.append(
            occurred_at=now,
            actor=actor,
            action=KEY_DESTROYED,
            object_id="journal:keys",
            payload={"object": object_id, "reason": reason},
        )
    return gone
