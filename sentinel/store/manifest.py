"""What the embedded event store has committed: one small sealed file, replaced atomically.

A batch touches several day folders; it exists once the manifest that names it has its name. What
lies in a segment beyond the length that the manifest gives was never committed.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

from sentinel.errors import StorageError
from sentinel.store.disk import Disk
from sentinel.store.ports import Sealer

NAME = "manifest"
_CONTEXT = "events:manifest"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """``segments``: committed length in bytes by ``<day>/<file>``, in order of creation.

    ``columns``: length in bytes of the column files, by the same kind of name. The two share one
    sequence of file numbers, of which ``number`` is the last one given away when it was written.
    """

    stored_offset: int = -1
    segments: dict[str, int] = {}
    columns: dict[str, int] = {}
    number: int = 0


def read_manifest(folder: Path, sealer: Sealer) -> Manifest | None:
    """Return the manifest of ``folder``, None where there is none. Raises StorageError, OSError."""
    path = folder / NAME
    try:
        sealed = path.read_bytes()
    except FileNotFoundError:
        return None
    raw = sealer.open(sealed, context=_CONTEXT)
    try:
        return msgspec.json.decode(raw, type=Manifest)
    except msgspec.MsgspecError as error:
        raise StorageError(f"the manifest cannot be read: {error}", where=str(path)) from error


def write_manifest(disk: Disk, folder: Path, sealer: Sealer, manifest: Manifest) -> None:
    """Replace the manifest durably. After an OSError either one may be in force."""
    draft = folder / f"{NAME}.new"
    with suppress(FileNotFoundError):
        disk.unlink(draft)
    fd = disk.create(draft)
    try:
        disk.write(fd, sealer.seal(msgspec.json.encode(manifest), context=_CONTEXT))
        disk.fsync(fd)
    finally:
        disk.close(fd)
    disk.replace(draft, folder / NAME)
    disk.sync_folder(folder)
