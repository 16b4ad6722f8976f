"""Signs anchors of the journal: Ed25519 (RFC 8032), under a key that seals nothing.

Whoever holds the master key reads the data; only whoever holds this key can say where the journal
stood. The public key is meant to be handed out.
"""

from __future__ import annotations

import hashlib
import secrets

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from sentinel.domain.anchor import Anchor
from sentinel.errors import ConfigError

SEED_BYTES = 32
PublicKey = Ed25519PublicKey


def generate_anchor_key() -> str:
    """Return a fresh signing key as 64 hex digits."""
    return secrets.token_hex(SEED_BYTES)


def key_id(public: Ed25519PublicKey) -> str:
    """Return the first 16 hex digits of the SHA-256 of the raw public key."""
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]


class AnchorSigner:
    """Signs under one key, given as 64 hex digits."""

    def __init__(self, seed: str) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
        self.public = self._private.public_key()
        self.key_id = key_id(self.public)

    def sign(self, anchor: Anchor) -> Anchor:
        """Return ``anchor`` with this key's id and signature."""
        named = msgspec.structs.replace(anchor, key_id=self.key_id)
        signature = self._private.sign(named.signed_bytes()).hex()
        return msgspec.structs.replace(named, signature=signature)

    def sign_bytes(self, text: bytes) -> str:
        """Return the signature over ``text``, hex; what is signed opens with its own format."""
        return self._private.sign(text).hex()

    def public_pem(self) -> str:
        """Return the public key as PEM (SubjectPublicKeyInfo, RFC 8410)."""
        return self.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def read_public_key(pem: bytes) -> Ed25519PublicKey:
    """Return the key of a PEM file. Raises ConfigError."""
    try:
        key = load_pem_public_key(pem)
    except ValueError as error:
        raise ConfigError("this is no public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError("the public key is not Ed25519")
    return key


def signed_by(anchor: Anchor, public: Ed25519PublicKey) -> bool:
    """Tell whether ``anchor`` carries the signature of ``public``."""
    try:
        public.verify(bytes.fromhex(anchor.signature), anchor.signed_bytes())
    except (InvalidSignature, ValueError):
        return False
    return anchor.key_id == key_id(public)


def signature_fits(text: bytes, signature: str, public: Ed25519PublicKey) -> bool:
    """Tell whether ``signature`` (hex) is that of ``public`` over ``text``."""
    try:
        public.verify(bytes.fromhex(signature), text)
    except (InvalidSignature, ValueError):
        return False
    return True


def signed_bytes_by(text: bytes, signature: str, public: Ed25519PublicKey) -> bool:
    """Tell whether ``signature`` (hex) over ``text`` is of ``public``."""
    try:
        public.verify(bytes.fromhex(signature), text)
    except (InvalidSignature, ValueError):
        return False
    return True
