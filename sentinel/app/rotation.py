"""Rotation of the master key: wrapped anew at once, then sealed again, one by one, what can be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sentinel.app import parts
from sentinel.app.campaign.house import FILE as CAMPAIGNS
from sentinel.app.directory import FILE as DIRECTORY
from sentinel.clock import SystemClock
from sentinel.config import Settings
from sentinel.domain.record import Evidence
from sentinel.errors import ConfigError, UnreadableFile
from sentinel.respond.documents import document_context
from sentinel.respond.evidence import evidence_context
from sentinel.respond.reclassify import ALL_CASES
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.disk import Disk, FolderLock, make_folder, trouble
from sentinel.store.keys import ring
from sentinel.store.keys.master import LocalMasterKey, MasterKey, open_master_key
from sentinel.store.keys.reseal import reseal_map
from sentinel.store.ports import CaseTx
from sentinel.store.reseal_beside import ENTRIES, LETTERS, reseal_database, reseal_files
from sentinel.store.seal import KEY_BYTES, AesGcmSealer, generate_master_key

OBJECT = "keys"


def rotate(settings: Settings, new: MasterKey, by: str) -> Iterator[tuple[str, int]]:
    """Wrap the roots under ``new`` too and seal again what can be; yield what was sealed.

    Killed at any moment, everything still opens by the old master key, and by the new one from the
    first yield on; run again, it goes on. The service may run. Raises StorageError, ConfigError.
    """
    old = open_master_key(settings.keys)
    folder = settings.data_dir
    with _alone(folder):
        before = ring.read_ring(folder)
        made = ring.rotated(folder, old, new)
        sealer = ring.open_sealer(folder, new)
        cases = parts.open_cases(settings, sealer, SystemClock())
        try:
            if made != before:
                _journal(cases, by, "keys.rotated", {"from": old.id, "to": new.id,
                         "root": made.roots[-1].id})  # fmt: skip
            yield "root keys", len(made.roots)
            for passed in reseal_map(folder, sealer):
                yield "persons", passed
            yield from cases.reseal(sealer)
            yield from _reseal_beside(folder, cases, sealer)
            _journal(cases, by, "keys.resealed", {"root": made.roots[-1].id})
        finally:
            cases.close()


def _reseal_beside(
    folder: Path, cases: SqlCaseStore, sealer: AesGcmSealer
) -> Iterator[tuple[str, int]]:
    yield "directory", reseal_database(folder / DIRECTORY, sealer, ENTRIES)
    yield "letters", reseal_database(folder / CAMPAIGNS, sealer, LETTERS)
    with cases.begin() as tx:
        files = sealed_files(tx, folder)
    done, closed = reseal_files(files, sealer)
    yield "files of cases", done
    if closed:
        yield "files that do not open and stay as they are", len(closed)


def sealed_files(tx: CaseTx, root: Path) -> list[tuple[Path, str]]:
    """Return the sealed files of every case, each with the context to which it is bound."""
    documents = [
        (root / one.path, document_context(one.id))
        for case in tx.incidents.find(limit=ALL_CASES)
        for one in tx.incidents.documents(case.id)
        if one.sealed
    ]
    evidence = [(root / one.path, evidence_context(one.id)) for one in tx.records.find(Evidence)]
    return documents + evidence


def retire(settings: Settings, by: str) -> list[str]:
    """Drop what other master keys than the one in force unwrap; return which. Raises StorageError.

    From then on the old master key opens nothing that was wrapped anew.
    """
    with _alone(settings.data_dir):
        gone = ring.retired(settings.data_dir, open_master_key(settings.keys))
    if gone:
        cases = parts.open_cases(settings, parts.open_sealer(settings), SystemClock())
        try:
            _journal(cases, by, "keys.retired", {"masters": gone})
        finally:
            cases.close()
    return gone


def key_from(path: Path) -> LocalMasterKey:
    """Return the master key of a file, made if there is none. Raises ConfigError."""
    try:
        if not path.exists():
            _write_new(path, generate_master_key() + "\n")
        text = path.read_text(encoding="ascii").strip()
        key = bytes.fromhex(text)
    except OSError as error:
        raise UnreadableFile(error.strerror or str(error), where=str(path)) from error
    except ValueError as error:
        raise ConfigError("a master key has 64 hex digits", where=str(path)) from error
    if len(key) != KEY_BYTES:
        raise ConfigError("a master key has 64 hex digits", where=str(path))
    return LocalMasterKey(key)


def _write_new(path: Path, text: str) -> None:
    """Write a secret that is on the medium before anything relies on it."""
    disk = Disk()
    make_folder(disk, path.resolve().parent)
    fd = disk.create(path)
    try:
        disk.write(fd, text.encode())
        disk.fsync(fd)
    finally:
        disk.close(fd)
    disk.sync_folder(path.resolve().parent)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep a second rotation out."""
    keys = folder / ring.FILE.parent
    try:
        make_folder(Disk(), keys)
    except OSError as error:
        raise trouble(error, keys) from error
    lock = FolderLock(keys)
    try:
        yield
    finally:
        lock.release()


def _journal(cases: SqlCaseStore, by: str, action: str, payload: dict[str, object]) -> None:
    with cases.begin() as tx:
        tx.journal.append(
            occurred_at=SystemClock().now(),
            actor=by,
            action=action,
            object_id=OBJECT,
            payload=payload,
        )
