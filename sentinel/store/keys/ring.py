"""The ring of root keys: what seals all data, wrapped by the master key, so that that can change.

Without a ring the master key seals by itself, as it does until it is first rotated. A rotation
adds a root key, which seals from then on, and wraps every root under the new master key *beside*
the old one: whichever of the two is set, everything opens. When the new one is set everywhere, the
wraps of the old one are dropped. The ring is one small file, replaced atomically: a kill at any
moment leaves the one before or the one after.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from sentinel.errors import ConfigError, StorageError
from sentinel.store.disk import Disk, make_folder, trouble
from sentinel.store.keys.master import LocalMasterKey, MasterKey
from sentinel.store.seal import KEY_BYTES, AesGcmSealer, key_id

FILE: Final = Path("keys") / "ring.json"
VERSION: Final = 1


class Root(msgspec.Struct, frozen=True, kw_only=True):
    """A root key: its id (hex), and its wraps (base64) by the id of the master key."""

    id: str
    wraps: dict[str, str]


class Ring(msgspec.Struct, frozen=True, kw_only=True):
    """The root keys, oldest first; the last one seals."""

    version: int = VERSION
    roots: tuple[Root, ...]

    @property
    def masters(self) -> set[str]:
        """The master keys by which every root can be unwrapped."""
        return set.intersection(*(set(root.wraps) for root in self.roots))


class RingSealer(AesGcmSealer):
    """A sealer under the roots of a ring. A root that another process added is read when met."""

    def __init__(self, folder: Path, master: MasterKey, roots: Sequence[bytes]) -> None:
        super().__init__(roots[-1], roots[:-1])
        self._folder = folder
        self._by = master

    def _unknown(self, under: bytes) -> bool:
        ring = read_ring(self._folder)
        if ring is None or under.hex() not in {root.id for root in ring.roots}:
            return False
        for key in unwrapped(ring, self._by):
            self._masters.setdefault(key_id(key), key)
        return True


def open_sealer(folder: Path, master: MasterKey) -> AesGcmSealer:
    """Return what seals the data in ``folder``. Raises StorageError where the master key is wrong.

    A master key that does not come out of its KMS gets a ring at once.
    """
    return RingSealer(folder, master, open_roots(folder, master))


def open_roots(folder: Path, master: MasterKey) -> list[bytes]:
    """Return the keys that open what lies in ``folder``, oldest first; the last one seals."""
    ring = read_ring(folder)
    if ring is None:
        if isinstance(master, LocalMasterKey):
            return [master.key]
        ring = Ring(roots=(_wrapped(os.urandom(KEY_BYTES), [master]),))
        write_ring(folder, ring)
    return unwrapped(ring, master)


def rotated(folder: Path, old: MasterKey, new: MasterKey) -> Ring:
    """Wrap every root under ``new`` too, and add one that seals from now on; durable at return.

    Again it does nothing: a rotation that was cut short is done, or was not begun.
    """
    ring = read_ring(folder)
    if ring is not None and new.id in ring.masters:
        return ring
    if old.id == new.id:
        raise ConfigError("the new master key is the one in force", where="keys")
    roots = [*open_roots(folder, old), os.urandom(KEY_BYTES)]
    made = Ring(roots=tuple(_wrapped(key, [old, new]) for key in roots))
    write_ring(folder, made)
    return made


def retired(folder: Path, master: MasterKey) -> list[str]:
    """Drop the wraps of every master key but this one; return whose were dropped.

    Raises StorageError where this one does not unwrap every root: then nothing is dropped.
    """
    ring = read_ring(folder)
    if ring is None:
        return []
    unwrapped(ring, master)
    others = sorted({name for root in ring.roots for name in root.wraps} - {master.id})
    if others:
        kept = tuple(
            msgspec.structs.replace(root, wraps={master.id: root.wraps[master.id]})
            for root in ring.roots
        )
        write_ring(folder, Ring(roots=kept))
    return others


def read_ring(folder: Path) -> Ring | None:
    """Return the ring of ``folder``, None where there is none. Raises StorageError."""
    path = folder / FILE
    try:
        ring = msgspec.json.decode(path.read_bytes(), type=Ring)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise trouble(error, path) from error
    except msgspec.MsgspecError as error:
        raise StorageError(f"the ring of keys cannot be read: {error}", where=str(path)) from error
    if ring.version != VERSION or not ring.roots:
        raise StorageError(
            f"the ring of keys has version {ring.version}, this Sentinel knows {VERSION}",
            where=str(path),
            hint="a newer Sentinel wrote it, or it is damaged",
        )
    return ring


def unwrapped(ring: Ring, master: MasterKey) -> list[bytes]:
    """Return the roots. Raises StorageError where ``master`` does not unwrap every one."""
    keys = []
    for root in ring.roots:
        wrapped = root.wraps.get(master.id)
        if wrapped is None:
            raise StorageError(
                f"the data are sealed under the master key {', '.join(sorted(root.wraps))}, the "
                f"key in force is {master.id}",
                where=str(FILE),
                hint="set keys.master_file to the key that `sentinel keys rotate` made, or before",
            )
        key = master.unwrap(base64.b64decode(wrapped), purpose=root.id)
        if key_id(key).hex() != root.id:
            raise StorageError(f"root key {root.id} unwraps to another one", where=str(FILE))
        keys.append(key)
    return keys


def write_ring(folder: Path, ring: Ring, disk: Disk | None = None) -> None:
    """Replace the ring durably. Raises StorageError; after it either one may be in force."""
    disk = disk or Disk()
    path = folder / FILE
    draft = path.with_suffix(".new")
    try:
        make_folder(disk, path.parent)
        with suppress(FileNotFoundError):
            disk.unlink(draft)
        fd = disk.create(draft)
        try:
            disk.write(fd, msgspec.json.encode(ring))
            disk.fsync(fd)
        finally:
            disk.close(fd)
        disk.replace(draft, path)
        disk.sync_folder(path.parent)
    except OSError as error:
        raise trouble(error, path) from error


def _wrapped(key: bytes, masters: Sequence[MasterKey]) -> Root:
    name = key_id(key).hex()
    wraps = {one.id: base64.b64encode(one.wrap(key, purpose=name)).decode() for one in masters}
    return Root(id=name, wraps=wraps)
