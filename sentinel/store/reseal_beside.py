"""Seals again what lies beside the case store: who the persons are, their letters, files of cases.

A file is written anew beside itself and takes its own place: killed, it is one or the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError

from sentinel.errors import StorageError
from sentinel.store import campaign_ledger, directory
from sentinel.store.disk import Disk, trouble
from sentinel.store.reseal_rows import Place, reseal_rows
from sentinel.store.seal import AesGcmSealer
from sentinel.store.sql_engine import empty_log, open_engine, said

ENTRIES: Final = Place(
    directory.ENTRIES, directory.ENTRIES.c.body, lambda _: directory.CONTEXT
)  # fmt: skip
LETTERS: Final = Place(
    campaign_ledger.LETTERS, campaign_ledger.LETTERS.c.body, "letter:{}".format
)  # fmt: skip
DRAFT: Final = ".resealing"


def reseal_database(path: Path, sealer: AesGcmSealer, place: Place) -> int:
    """Seal the rows of a database of its own again; return how many. Raises StorageError."""
    if not path.is_file():
        return 0
    engine = open_engine(path)
    try:
        done = reseal_rows(engine, sealer, place)
        empty_log(engine)  # what was sealed under the root before
    except DBAPIError as error:
        raise StorageError(said(error), where=str(path)) from error
    finally:
        engine.dispose()
    return done


def reseal_files(
    files: Iterable[tuple[Path, str]], sealer: AesGcmSealer, disk: Disk | None = None
) -> tuple[int, list[Path]]:
    """Seal whole files again; ``files``: each with the context to which it is bound.

    Returns how many, and those that do not open and stay as they are: an altered file of evidence
    is evidence too. One that is gone was purged meanwhile. Raises StorageError where the disk
    refuses: the file is one or the other, and it may be run again.
    """
    disk = disk or Disk()
    done, closed = 0, []
    for path, context in files:
        try:
            sealed = path.read_bytes()
            if sealer.is_current(sealed):
                continue
            again = sealer.seal(sealer.open(sealed, context=context), context=context)
            _replace(disk, path, again)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise trouble(error, path) from error
        except StorageError:
            closed.append(path)
        else:
            done += 1
    return done, closed


def _replace(disk: Disk, path: Path, content: bytes) -> None:
    draft = path.with_name(path.name + DRAFT)
    with suppress(FileNotFoundError):
        disk.unlink(draft)
    fd = disk.create(draft)
    try:
        disk.write(fd, content)
        disk.fsync(fd)
    finally:
        disk.close(fd)
    if not path.exists():  # purged while it was written: it must not come back
        disk.unlink(draft)
        raise FileNotFoundError(path)
    disk.replace(draft, path)
    disk.sync_folder(path.parent)
