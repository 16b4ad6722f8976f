"""A backup on disk: one encrypted stream that shows every cut, change and wrong key.

====================  =======================================================================
Header                magic ``SNTLBKP1``, u32 length (big-endian), JSON `Header`
Frame                 u8: 1 in the last frame, else 0; u32 length; ciphertext and tag
====================  =======================================================================

The stream inside is cut into pieces of 1 MiB, each compressed by zstd and sealed by AES-256-GCM
under a key of this archive alone (HKDF-SHA-256 of the backup key and the header's salt). The nonce
is the number of the frame; the header's SHA-256 and the mark of the last frame are authenticated,
so that frames cannot be dropped, moved or taken from another archive (the STREAM construction of
Hoang, Reyhanitabar, Rogaway and Vizár, 2015). Memory: a piece.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO

import msgspec
import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sentinel.errors import StorageError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

MAGIC = b"SNTLBKP1"
PIECE = 1 << 20
_LENGTH = struct.Struct(">I")
_FRAME = struct.Struct(">BI")
_MOST_HEADER = 1 << 16
_LEVEL = 1


class UnusableBackup(StorageError):
    """A backup cannot be used."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in clear. ``key_id``: names the backup key, tells nothing of it."""

    id: str
    kind: str
    made_at: datetime
    software: str
    key_id: str
    salt: str


def key_id(key: bytes) -> str:
    """Return what names a backup key: 16 hex digits, derived."""
    return _derive(key, b"", b"sentinel/backup/key-id/v1", 8).hex()


def make_header(key: bytes, *, archive_id: str, kind: str, at: datetime, software: str) -> Header:
    """Return the header of a new archive, with a salt of its own."""
    return Header(
        id=archive_id,
        kind=kind,
        made_at=at,
        software=software,
        key_id=key_id(key),
        salt=os.urandom(32).hex(),
    )


class ArchiveWriter(io.RawIOBase):
    """Writes a stream into ``file``. `finish` ends it: without, the archive is cut short."""

    def __init__(self, file: BinaryIO, key: bytes, header: Header) -> None:
        super().__init__()
        raw = msgspec.json.encode(header)
        self._file = file
        self._cipher, self._bound = _open(key, header, raw)
        self._waiting = bytearray()
        self._number = 0
        file.write(MAGIC + _LENGTH.pack(len(raw)) + raw)

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        """Take bytes of the stream."""
        taken = memoryview(data).nbytes
        self._waiting += data
        while len(self._waiting) > PIECE:
            self._frame(bytes(self._waiting[:PIECE]), last=False)
            del self._waiting[:PIECE]
        return taken

    def finish(self) -> None:
        """Write the last frame."""
        self._frame(bytes(self._waiting), last=True)
        self._waiting.clear()

    def _frame(self, piece: bytes, *, last: bool) -> None:
        packed = zstandard.ZstdCompressor(level=_LEVEL).compress(piece)
        bound = _bound(self._bound, self._number, last=last)
        sealed = self._cipher.encrypt(_nonce(self._number), packed, bound)
        self._file.write(_FRAME.pack(int(last), len(sealed)) + sealed)
        self._number += 1


class ArchiveReader(io.RawIOBase):
    """Reads the stream of an archive. Raises UnusableBackup where a byte is another."""

    def __init__(self, file: BinaryIO, key: bytes, *, where: str) -> None:
        super().__init__()
        self._file = file
        self._where = where
        self.header, raw = read_header(file, where=where)
        if self.header.key_id != key_id(key):
            raise UnusableBackup(
                f"it was made under key {self.header.key_id}, the key in force is {key_id(key)}",
                where=where,
                hint="set backup.key_file to the key that it was made with",
            )
        self._cipher, self._bound = _open(key, self.header, raw)
        self._number = 0
        self._ready = bytearray()
        self._ended = False

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes of the stream, fewer only at its end."""
        while not self._ended and (size < 0 or len(self._ready) < size):
            self._next()
        taken = bytes(self._ready if size < 0 else self._ready[:size])
        del self._ready[: len(taken)]
        return taken

    def finish(self) -> None:
        """Read to the end, and check that nothing is missing or follows. Raises UnusableBackup."""
        while not self._ended:
            self._next()
        self._ready.clear()
        if self._file.read(1):
            raise UnusableBackup("it was altered: more follows its end", where=self._where)

    def _next(self) -> None:
        head = self._file.read(_FRAME.size)
        if len(head) < _FRAME.size:
            raise self._cut()
        last, length = _FRAME.unpack(head)
        if length > 2 * PIECE:
            raise self._altered()
        sealed = self._file.read(length)
        if len(sealed) < length:
            raise self._cut()
        try:
            packed = self._cipher.decrypt(
                _nonce(self._number), sealed, _bound(self._bound, self._number, last=bool(last))
            )
            self._ready += zstandard.ZstdDecompressor().decompress(packed, max_output_size=PIECE)
        except (InvalidTag, zstandard.ZstdError) as error:
            raise self._altered() from error
        self._number += 1
        self._ended = last == 1

    def _cut(self) -> UnusableBackup:
        return UnusableBackup(
            f"it is cut short after piece {self._number}",
            where=self._where,
            hint="take another one: sentinel backup list",
        )

    def _altered(self) -> UnusableBackup:
        return UnusableBackup(
            f"it was altered or is damaged at piece {self._number + 1}",
            where=self._where,
            hint="take another one: sentinel backup list",
        )


def read_header(file: BinaryIO, *, where: str) -> tuple[Header, bytes]:
    """Return the header of an archive, and its bytes. Raises UnusableBackup."""
    start = file.read(len(MAGIC) + _LENGTH.size)
    if start[: len(MAGIC)] != MAGIC:
        raise UnusableBackup("it is no backup of Sentinel", where=where)
    if len(start) < len(MAGIC) + _LENGTH.size:
        raise UnusableBackup("it is cut short in its header", where=where)
    length = _LENGTH.unpack(start[len(MAGIC) :])[0]
    raw = file.read(length) if length <= _MOST_HEADER else b""
    if len(raw) < length or not raw:
        raise UnusableBackup("it is cut short in its header", where=where)
    try:
        return msgspec.json.decode(raw, type=Header), raw
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnusableBackup("its header was altered", where=where) from error


def seal_small(key: bytes, content: bytes, *, purpose: str) -> bytes:
    """Seal a small file that lies beside the archives: nonce, ciphertext, tag."""
    nonce = os.urandom(12)
    cipher = AESGCM(_derive(key, b"", f"sentinel/backup/{purpose}/v1".encode(), 32))
    return nonce + cipher.encrypt(nonce, content, purpose.encode())


def open_small(key: bytes, sealed: bytes, *, purpose: str, where: str) -> bytes:
    """Return what `seal_small` sealed. Raises UnusableBackup."""
    cipher = AESGCM(_derive(key, b"", f"sentinel/backup/{purpose}/v1".encode(), 32))
    try:
        return cipher.decrypt(sealed[:12], sealed[12:], purpose.encode())
    except (InvalidTag, ValueError) as error:
        raise UnusableBackup(
            "it was altered, or sealed under another backup key", where=where
        ) from error


def _open(key: bytes, header: Header, raw: bytes) -> tuple[AESGCM, bytes]:
    try:
        salt = bytes.fromhex(header.salt)
    except ValueError as error:
        raise UnusableBackup("its header was altered", where="salt") from error
    cipher = AESGCM(_derive(key, salt, b"sentinel/backup/v1", 32))
    return cipher, hashlib.sha256(raw).digest()


def _bound(header: bytes, number: int, *, last: bool) -> bytes:
    return header + number.to_bytes(8, "big") + bytes([last])


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _derive(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt or None, info=info).derive(key)
