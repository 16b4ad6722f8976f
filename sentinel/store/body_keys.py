"""One data key per object of the journal, so that destroying it erases what its lines say (R-47).

The chain covers the ciphertext: without the key it still verifies, and nobody reads it any more.
A payload is: version (1 byte, 2), nonce (12, random), AES-256-GCM ciphertext and tag. Payloads of
version 1 lie under the master key itself; they were written before objects had keys.
"""

from __future__ import annotations

import os

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, delete, insert, select

from sentinel.errors import StorageError
from sentinel.store.sql_codec import SealedBodies
from sentinel.store.tables import BODY_KEYS

VERSION = 2
_KEY_BYTES = 32
_NONCE_BYTES = 12


class BodyKeys:
    """Seals under the key of an object, made when it is first needed."""

    def __init__(self, connection: Connection, bodies: SealedBodies) -> None:
        self._connection = connection
        self._bodies = bodies
        self._known: dict[str, AESGCM] = {}

    def seal(self, payload: object, object_id: str, context: str) -> bytes:
        """Return ``payload`` as JSON, sealed under the key of ``object_id``."""
        cipher = self._cipher(object_id) or self._make(object_id)
        nonce = os.urandom(_NONCE_BYTES)
        sealed = cipher.encrypt(nonce, msgspec.json.encode(payload), context.encode())
        return bytes([VERSION]) + nonce + sealed

    def open(self, sealed: bytes, object_id: str, context: str) -> object:
        """Return what `seal` sealed; None where the key was destroyed. Raises StorageError."""
        if sealed[0] != VERSION:
            return self._bodies.read_any(sealed, context)
        cipher = self._cipher(object_id)
        if cipher is None:
            return None
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            clear = cipher.decrypt(nonce, body, context.encode())
        except InvalidTag:
            # After a destruction a later line made a new key: the old payloads stay closed.
            return None
        return msgspec.json.decode(clear)

    def destroy(self, object_id: str) -> bool:
        """Delete the key of ``object_id``; False where it had none."""
        self._known.pop(object_id, None)
        gone = self._connection.execute(delete(BODY_KEYS).where(BODY_KEYS.c.id == object_id))
        return gone.rowcount == 1

    def _cipher(self, object_id: str) -> AESGCM | None:
        if object_id not in self._known:
            wrapped = self._connection.scalar(
                select(BODY_KEYS.c.wrapped).where(BODY_KEYS.c.id == object_id)
            )
            if wrapped is None:
                return None
            key = self._bodies.open(wrapped, _context(object_id))
            if len(key) != _KEY_BYTES:
                raise StorageError("a data key has a wrong length", where=_context(object_id))
            self._known[object_id] = AESGCM(key)
        return self._known[object_id]

    def _make(self, object_id: str) -> AESGCM:
        key = os.urandom(_KEY_BYTES)
        wrapped = self._bodies.seal(key, _context(object_id))
        self._connection.execute(insert(BODY_KEYS).values(id=object_id, wrapped=wrapped))
        self._known[object_id] = AESGCM(key)
        return self._known[object_id]


def _context(object_id: str) -> str:
    return f"data-key:journal:{object_id}"
