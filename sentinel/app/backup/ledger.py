"""The purge ledger: what took something away, kept with the backups and not with the data.

A restore brings back what was erased since the backup. The ledger says what that was: lines of the
journal, each a small sealed file, copied as they are written. Time-based erasure needs no ledger
(the purge runs again); the erasure of a person, a destroyed key, a purged case and a legal hold do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from sentinel.app.purge.certificates import CERTIFIED, take_back
from sentinel.config import Settings
from sentinel.domain.hold import Hold
from sentinel.domain.journal import JournalLine
from sentinel.errors import StorageError
from sentinel.respond import anchoring
from sentinel.respond.anchoring import KEY_DESTROYED, PURGED, write_once
from sentinel.respond.reclassify import CASE_PURGED, KEEPER, purged_cases, take_away
from sentinel.store.archive import open_small, seal_small
from sentinel.store.ports import CaseTx

ERASURE = "person.erasure_ordered"
HOLD = "hold."
ACTIONS = (KEY_DESTROYED, PURGED, CASE_PURGED, ERASURE, CERTIFIED)
STATE, PREVIOUS = "ledger:seq", "ledger:previous"
REAPPLIED = "retention.reapplied"
_PURPOSE = "purge-ledger"
_AT_ONCE = 10_000


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line. ``hash``: of the journal's line, which tells it from any other.

    ``previous``: hash of the entry written before: one that is taken away leaves a gap.
    """

    seq: int
    hash: str
    occurred_at: datetime
    actor: str
    action: str
    subject: str
    payload: object = None
    previous: str = ""


def backup_key(settings: Settings) -> bytes | None:
    """Return the key of the backups; None where none is set."""
    key = settings.backup.key
    return bytes.fromhex(key.get_secret_value()) if key is not None else None


def export(tx: CaseTx, settings: Settings) -> int:
    """Copy the lines that are not in the ledger yet; return how many. Raises StorageError."""
    folder, key = settings.ledger_path, backup_key(settings)
    if folder is None or key is None:
        return 0
    after, copied = int(tx.state.get(STATE) or b"0"), 0
    previous = (tx.state.get(PREVIOUS) or b"").decode()
    while lines := tx.journal.lines(after=after, limit=_AT_ONCE):
        for line in lines:
            if line.action in ACTIONS or line.action.startswith(HOLD):
                _write(folder, key, _entry(tx, line, previous))
                previous = line.hash
                copied += 1
        after = lines[-1].seq
        tx.state.put(STATE, str(after).encode())
        tx.state.put(PREVIOUS, previous.encode())
    return copied


def entries(settings: Settings) -> list[Entry]:
    """Return the ledger in the order of what happened. Raises StorageError."""
    folder, key = settings.ledger_path, backup_key(settings)
    if folder is None or key is None or not folder.is_dir():
        return []
    found = []
    for path in sorted(folder.glob("*.entry")):
        raw = open_small(key, path.read_bytes(), purpose=_PURPOSE, where=str(path))
        try:
            found.append(msgspec.json.decode(raw, type=Entry))
        except msgspec.MsgspecError as error:
            raise StorageError("this is no line of the ledger", where=str(path)) from error
    return sorted(found, key=lambda one: (one.occurred_at, one.seq))


def gaps(ledger: Sequence[Entry]) -> int:
    """Return how many entries name one before them that is not there."""
    known = {one.hash for one in ledger} | {""}
    return sum(one.previous not in known for one in ledger)


def missing(tx: CaseTx, ledger: Iterable[Entry]) -> list[Entry]:
    """Return the entries that the journal does not hold: they came after the backup."""
    known = {one.hash for one in _all_lines(tx)}
    return [one for one in ledger if one.hash not in known]


def reapply(tx: CaseTx, found: Iterable[Entry], now: datetime) -> None:
    """Do again what the entries tell. An order to erase a person is written down again: whoever
    opens the house next carries it out (`app.erasure`).

    A line of the journal names each entry, so that the restored journal tells what it lost.
    """  # noqa: D205
    for one in found:
        done = True
        if one.action == KEY_DESTROYED:
            tx.journal.destroy_key(str(_of(one, "object")))
        elif one.action == PURGED:
            before = datetime.fromisoformat(str(_of(one, "recorded_before")))
            if tx.journal.anchors():
                anchoring.purge(
                    tx, recorded_before=before, actor=KEEPER, reason="after a restore", now=now
                )
        elif one.action == CASE_PURGED:
            done = _case(tx, one, now)
        elif one.action.startswith(HOLD):
            done = _hold(tx, one)
        elif one.action == CERTIFIED:
            done = take_back(tx, one.payload)
        elif one.action == ERASURE:
            tx.journal.append(
                occurred_at=one.occurred_at,
                actor=one.actor,
                action=ERASURE,
                object_id=one.subject,
                payload=one.payload,
            )
        tx.journal.append(
            occurred_at=now,
            actor=KEEPER,
            action=REAPPLIED,
            object_id=one.subject,
            payload={"line": msgspec.to_builtins(one), "done": done},
        )


def _case(tx: CaseTx, one: Entry, now: datetime) -> bool:
    known = {incident.id: incident for incident in tx.incidents.find(limit=1_000_000)}
    if one.subject not in known or one.subject in purged_cases(tx):
        return False
    number = _of(one, "certificate")
    take_away(tx, known[one.subject], number if isinstance(number, int) else 0, now)
    return True


def _hold(tx: CaseTx, one: Entry) -> bool:
    hold = msgspec.convert(_of(one, "hold"), Hold)
    stored = next((known for known in tx.records.find(Hold) if known.id == hold.id), None)
    version = stored.version + 1 if stored is not None else 1
    tx.records.put(msgspec.structs.replace(hold, version=version))
    return True


def _of(one: Entry, field: str) -> object:
    return one.payload.get(field) if isinstance(one.payload, dict) else None


def _entry(tx: CaseTx, line: JournalLine, previous: str) -> Entry:
    return Entry(
        seq=line.seq,
        hash=line.hash,
        occurred_at=line.occurred_at,
        actor=line.actor,
        action=line.action,
        subject=line.object,
        payload=tx.journal.opened(line),
        previous=previous,
    )


def _write(folder: Path, key: bytes, entry: Entry) -> None:
    path = folder / f"{entry.seq:012d}-{entry.hash[:16]}.entry"
    if path.exists():
        return
    write_once(path, seal_small(key, msgspec.json.encode(entry), purpose=_PURPOSE))


def _all_lines(tx: CaseTx) -> Iterable[JournalLine]:
    after = 0
    while page := tx.journal.lines(after=after, limit=_AT_ONCE):
        yield from page
        after = page[-1].seq
