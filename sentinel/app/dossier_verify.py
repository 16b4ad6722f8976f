"""Verifies a frozen dossier by its two files alone: needs neither case nor store."""

from __future__ import annotations

import hashlib

import msgspec
from cryptography.exceptions import InvalidSignature

from sentinel.domain.canonical import canonical
from sentinel.domain.frozen_dossier import FORMAT, signed_text
from sentinel.errors import ConfigError
from sentinel.store.signing import PublicKey, key_id, read_public_key


def verify(content: bytes, signature: bytes, public: PublicKey | None) -> list[str]:
    """Return what is wrong with a dossier and its signature; empty: they are what was frozen.

    ``public``: the key that is believed; None: the one beside the signature, which proves that
    nothing was altered by accident, and not by whom it was signed.
    """
    try:
        told = msgspec.json.decode(signature, type=dict[str, str])
        value = msgspec.json.decode(content)
        believed = public or read_public_key(told.get("public_key", "").encode())
    except msgspec.MsgspecError as error:
        return [f"no JSON of ours: {error}"]
    except ConfigError:
        return ["it is not signed, or by a key that does not stand beside it: give --public-key"]
    wrong = []
    if told.get("format") != FORMAT:
        wrong.append(f"the format is {told.get('format')!r}, not {FORMAT}")
    if canonical(value) != content:
        wrong.append("the dossier is not in its canonical form (RFC 8785)")
    if hashlib.sha256(content).hexdigest() != told.get("sha256"):
        wrong.append("the SHA-256 is another one: the dossier was altered")
    if told.get("key_id") != key_id(believed):
        wrong.append("it was signed by another key")
    try:
        believed.verify(bytes.fromhex(told.get("signature", "")), signed_text(content))
    except (InvalidSignature, ValueError):
        wrong.append("the signature does not fit")
    return wrong
