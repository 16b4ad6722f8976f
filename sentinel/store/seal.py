"""Envelope encryption: what lies on disk is useless without a key that lies elsewhere (R-31, R-32).

One key, 32 bytes: the master key, or a root key that it wraps (`sentinel.store.keys.ring`). Every
context ("journal", "data-key:spool:7") has a key of its own, derived by HKDF-SHA-256 (RFC 5869),
and is authenticated as associated data of AES-256-GCM (NIST SP 800-38D), so that a sealed value
moved to another place does not open there. Bulk data is encrypted under data keys, which are
themselves sealed: see `wrap`. Contexts of which there are as many as lines or persons
(``event:<id>``) share keys, each derived from a random salt and left after 2^24 uses: the context
is still authenticated, and no derivation is paid for each.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter, OrderedDict
from collections.abc import Iterable
from threading import Lock

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sentinel.config import Keys
from sentinel.errors import ConfigError, StorageError
from sentinel.store.ports import Sealer

KEY_BYTES = 32
VERSION = 1
SALTED = 2
_KEY_ID_BYTES = 8
_NONCE_BYTES = 12
_TAG_BYTES = 16
_PREFIX_BYTES = 1 + _KEY_ID_BYTES + _NONCE_BYTES
_SALT_BYTES = 16
_CACHED_KEYS = 1024
_MANY = ("event:", "person:")
# Random nonces of 96 bits under one key: a repetition stays below 2^-49 (SP 800-38D, 8.3: 2^-32).
_USES_OF_A_SALT = 1 << 24


def generate_master_key() -> str:
    """Return a fresh master key as 64 hex digits."""
    return secrets.token_hex(KEY_BYTES)


def load_master_key(keys: Keys) -> bytes:
    """Return the master key, 32 bytes. Raises ConfigError where none is set."""
    if keys.master is None:
        raise ConfigError(
            "keys.master: no master key",
            where="keys",
            hint="`sentinel init` makes one; set keys.master_file or SENTINEL_KEYS__MASTER_FILE",
        )
    return bytes.fromhex(keys.master.get_secret_value())


def derive_key(master_key: bytes, purpose: str) -> bytes:
    """Return 32 bytes for ``purpose`` alone: whoever learns them learns no other key."""
    return _derive(master_key, f"sentinel/derive/v1/{purpose}", KEY_BYTES)


class AesGcmSealer:
    """A `Sealer` under one master key; ``older`` ones open what they sealed, and seal nothing.

    A sealed value is: version (1 byte), key id (8), in version 2 the salt (16), nonce (12,
    random), ciphertext, tag (16).
    """

    def __init__(self, master_key: bytes, older: Iterable[bytes] = ()) -> None:
        self._masters: dict[bytes, bytes] = {}
        for key in (master_key, *older):
            if len(key) != KEY_BYTES:
                raise ConfigError(
                    f"the master key has {len(key)} bytes instead of {KEY_BYTES}", where="keys"
                )
            self._masters.setdefault(key_id(key), key)
        self._ciphers: OrderedDict[tuple[bytes, str], AESGCM] = OrderedDict()
        self._lock = Lock()
        self._key_id = key_id(master_key)
        self.uses: Counter[str] = Counter()
        """How often it sealed and opened, by purpose, since whoever audits it last looked."""
        self._head = bytes([VERSION]) + self._key_id
        self._salted: tuple[AESGCM, bytes] | None = None
        self._uses = 0

    def seal(self, plaintext: bytes, *, context: str) -> bytes:
        """Encrypt; ``context`` is authenticated and must be given again to open."""
        nonce = os.urandom(_NONCE_BYTES)
        self.uses[f"seal:{purpose_of(context)}"] += 1
        if context.startswith(_MANY):
            cipher, head = self._shared()
        else:
            cipher, head = self._cipher(self._key_id, context), self._head
        return head + nonce + cipher.encrypt(nonce, plaintext, head + context.encode())

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Decrypt. Raises StorageError where the key, the context or a byte is wrong."""
        if len(sealed) < _PREFIX_BYTES + _TAG_BYTES:
            raise StorageError("a sealed value is cut short", where=context, hint=_RESTORE)
        if sealed[0] not in (VERSION, SALTED):
            raise StorageError(
                f"a sealed value has version {sealed[0]}, this Sentinel knows {SALTED}",
                where=context,
                hint="a newer Sentinel wrote it, or it is damaged",
            )
        head = 1 + _KEY_ID_BYTES
        under = sealed[1:head]
        if under not in self._masters and not self._unknown(under):
            raise StorageError(
                f"sealed under key {under.hex()}, the key in force is {self._key_id.hex()}",
                where=context,
                hint="set keys.master_file to the key that this data directory was made with",
            )
        key = context
        if sealed[0] == SALTED:
            head += _SALT_BYTES
            key = _salted(sealed[head - _SALT_BYTES : head])
        nonce, body = sealed[head : head + _NONCE_BYTES], sealed[head + _NONCE_BYTES :]
        self.uses[f"open:{purpose_of(context)}"] += 1
        try:
            return self._cipher(under, key).decrypt(nonce, body, sealed[:head] + context.encode())
        except InvalidTag as error:
            raise StorageError(
                "a sealed value was altered, or belongs elsewhere", where=context, hint=_RESTORE
            ) from error

    def knows(self, sealed: bytes) -> bool:
        """Tell whether something looks as if it was sealed under one of the keys at hand."""
        return (
            len(sealed) >= _PREFIX_BYTES + _TAG_BYTES
            and sealed[0] in (VERSION, SALTED)
            and sealed[1 : 1 + _KEY_ID_BYTES] in self._masters
        )

    def is_current(self, sealed: bytes) -> bool:
        """Tell whether something was sealed under the key that seals now."""
        return sealed[1 : 1 + _KEY_ID_BYTES] == self._key_id

    def _unknown(self, under: bytes) -> bool:
        """Tell whether a key was found after all."""
        return under in self._masters

    def _shared(self) -> tuple[AESGCM, bytes]:
        """Return a cipher that many contexts share, and the head of what it seals."""
        with self._lock:
            self._uses += 1
            if self._salted is not None and self._uses <= _USES_OF_A_SALT:
                return self._salted
            salt, self._uses = os.urandom(_SALT_BYTES), 1
            key = _derive(
                self._masters[self._key_id], f"sentinel/seal/v1/{_salted(salt)}", KEY_BYTES
            )
            self._salted = AESGCM(key), bytes([SALTED]) + self._key_id + salt
            return self._salted

    def _cipher(self, under: bytes, context: str) -> AESGCM:
        with self._lock:
            cipher = self._ciphers.get((under, context))
            if cipher is None:
                key = _derive(self._masters[under], f"sentinel/seal/v1/{context}", KEY_BYTES)
                cipher = self._ciphers[under, context] = AESGCM(key)
                if len(self._ciphers) > _CACHED_KEYS:
                    self._ciphers.popitem(last=False)
            else:
                self._ciphers.move_to_end((under, context))
            return cipher


def key_id(key: bytes) -> bytes:
    """Return the 8 bytes by which a key is named in what it sealed; they tell nothing of it."""
    return _derive(key, "sentinel/key-id/v1", _KEY_ID_BYTES)


def purpose_of(context: str) -> str:
    """Return what a context is for, without what names one thing: ``event`` of ``event:<id>``."""
    first, _, rest = context.partition(":")
    return f"{first}:{rest.partition(':')[0]}" if first == "data-key" else first


def wrap(sealer: Sealer, data_key: bytes, *, purpose: str) -> bytes:
    """Seal a data key so that it may lie beside the data; ``purpose`` names that data."""
    return sealer.seal(data_key, context=f"data-key:{purpose}")


def unwrap(sealer: Sealer, wrapped: bytes, *, purpose: str) -> bytes:
    """Return the data key that `wrap` sealed. Raises StorageError."""
    return sealer.open(wrapped, context=f"data-key:{purpose}")


def _salted(salt: bytes) -> str:
    return f"events-under/{salt.hex()}"


def _derive(master: bytes, info: str, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info.encode()).derive(master)


_RESTORE = "restore it from a backup"
