"""Files that go with a purge: documents and evidence of cases, and what no row knows any more."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from sentinel.domain.record import Evidence
from sentinel.errors import StorageError
from sentinel.store.disk import Disk
from sentinel.store.ports import CaseTx

FOLDERS = ("documents", "evidence")
SETTLED = timedelta(days=1)
"""A file is written before its row: a younger one may still get it."""


def remove(paths: Iterable[Path]) -> int:
    """Remove files, durably; return how many were there. Raises StorageError."""
    count, folders = 0, set()
    for path in paths:
        try:
            path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StorageError(error.strerror or str(error), where=str(path)) from error
        count += 1
        folders.add(path.parent)
    for folder in folders:
        try:
            Disk().sync_folder(folder)
        except OSError as error:
            raise StorageError(error.strerror or str(error), where=str(folder)) from error
    return count


def of_case(tx: CaseTx, root: Path, incident_id: str) -> list[Path]:
    """Return the files of a case."""
    documents = [root / one.path for one in tx.incidents.documents(incident_id)]
    return documents + [root / one.path for one in tx.records.find(Evidence, incident_id)]


def orphans(tx: CaseTx, root: Path, incident_ids: Iterable[str], now: datetime) -> list[Path]:
    """Return files below documents and evidence that no row names: a death left them."""
    known = {one.path for one in tx.records.find(Evidence)}
    for incident_id in incident_ids:
        known |= {one.path for one in tx.incidents.documents(incident_id)}
    before = (now - SETTLED).timestamp()
    return [
        path
        for folder in FOLDERS
        for path in sorted((root / folder).rglob("*"))
        if path.is_file()
        and str(path.relative_to(root)) not in known
        and path.stat().st_mtime < before
    ]
