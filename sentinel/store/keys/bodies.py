"""The originals of an event, sealed so that they close with the persons whom they tell of.

Where an original is the event's own text with identifiers in the place of pseudonyms, nothing is
stored: each person's identifier stands once, under that person's key, in the map of persons. The
rest is sealed in parts, each under the keys of all the persons whom it tells of: with one of them
destroyed nobody opens the part, and the parts of the others open still. What tells of nobody else,
as an address, belongs to who acts; where nobody is known, to the key of tokens of its time.

A body: version (1 byte, 4), then a MessagePack array of pairs: owners (11 bytes a person, or 4
bytes for the number of a key of tokens), and nonce (12, random) with AES-256-GCM ciphertext and
tag, whose plaintext is a MessagePack map of field to original. The event's id is authenticated.
"""

from __future__ import annotations

import base64
import hmac
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sentinel.domain.event import USER, Event, Value
from sentinel.errors import StorageError
from sentinel.store.keys.persons import PersonKeys

VERSION: Final = 4  # 1 and 2 are the sealer's own, 3 is left out: see `sentinel.store.seal`
_NONCE_BYTES: Final = 12
_KINDS: Final = ("usr", "sub")
_PERSON: Final = re.compile(r"\b(?:usr|sub)_[a-z2-7]{16}\b")
_HEAD: Final = bytes([VERSION])
_ENCODER = msgspec.msgpack.Encoder()
_PARTS = msgspec.msgpack.Decoder(list[tuple[bytes, bytes]])

_PERSON_BYTES: Final = 11
_EPOCH_BYTES: Final = 4
_LENGTH: Final = 20  # of a person's pseudonym
_TOKENS: Final = ("ip_", "ses_")

Owners = frozenset[str]
_NOBODY: Final[Owners] = frozenset()


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """What an event said before it was disguised.

    ``originals``: by field, those that open. ``closed``: the pseudonyms whose keys are destroyed.
    """

    originals: dict[str, Value]
    closed: tuple[str, ...]


class EventBodies:
    """Seals and opens bodies with the keys of a map."""

    def __init__(self, keys: PersonKeys) -> None:
        self._keys = keys
        self._uses = keys.uses
        self._cipher = lru_cache(maxsize=16384)(self._sealing)
        keys.forgetting.append(self._cipher.cache_clear)

    def seal(
        self, originals: Mapping[str, Value], fields: Mapping[str, Value], event_id: str
    ) -> bytes:
        """Return what ``fields`` hide, sealed; empty where all of it follows from the map."""
        parts: dict[Owners, dict[str, Value]] = {}
        actor: Owners | None = None
        for name, value in originals.items():
            hidden = fields.get(name)
            owners: Owners = _NOBODY
            if not (hidden.__class__ is str and hidden.startswith(_TOKENS)):
                if self._restored(hidden) == value:
                    continue
                owners = self._people(str(hidden))
            if not owners:
                if actor is None:
                    actor = self._people(str(fields.get(USER, "")))
                owners = actor
            parts.setdefault(owners, {})[name] = value
        return self._written(parts, event_id) if parts else b""

    def add(
        self, body: bytes, texts: Mapping[str, Value], fields: Mapping[str, Value], event_id: str
    ) -> bytes:
        """Return ``body`` with texts of which nobody knows whom they tell of: all of the event."""
        everybody = self._people(" ".join(map(str, fields.values())))
        more = self._written({everybody: dict(texts)}, event_id)
        if not body:
            return more
        pairs = _pairs(body, event_id) + _pairs(more, event_id)
        return _HEAD + _ENCODER.encode(pairs)

    def open(self, event: Event) -> Opened:
        """Return what an event said. The caller has journalled it. Raises StorageError."""
        originals: dict[str, Value] = {}
        closed: set[str] = set()
        for name, hidden in event.fields.items():
            persons = set(_PERSON.findall(str(hidden)))
            closed |= {one for one in persons if self._keys.person(one) is None}
            restored = self._restored(hidden)
            if restored != hidden:
                originals[name] = restored
        if event.sealed:
            for owners, sealed in _pairs(event.sealed, event.id):
                originals |= self._opened(owners, sealed, event.id) or {}
        return Opened(originals=originals, closed=tuple(sorted(closed)))

    def _restored(self, hidden: Value) -> Value:
        """Return ``hidden`` with identifiers in the place of the pseudonyms that open."""
        if isinstance(hidden, str):
            person = self._keys.person(hidden) if len(hidden) == _LENGTH else None
            if person is not None:
                return person.identifier
            return _PERSON.sub(self._identifier, hidden) if "_" in hidden else hidden
        if isinstance(hidden, list):
            return [self._restored(item) for item in hidden]
        return hidden

    def _identifier(self, found: re.Match[str]) -> str:
        person = self._keys.person(found[0])
        return person.identifier if person is not None else found[0]

    def _people(self, text: str) -> Owners:
        """Return the persons whom a text names; who sends a line may invent pseudonyms too."""
        if len(text) == _LENGTH and self._keys.person(text) is not None:
            return frozenset((text,))
        found = _PERSON.findall(text) if "_" in text else ()
        return frozenset(one for one in found if self._keys.person(one) is not None)

    def _written(self, parts: Mapping[Owners, dict[str, Value]], event_id: str) -> bytes:
        pairs = []
        bound = event_id.encode()
        for owners, part in parts.items():
            name, cipher = self._cipher(owners or self._keys.current.number)
            nonce = os.urandom(_NONCE_BYTES)
            pairs.append((name, nonce + cipher.encrypt(nonce, _ENCODER.encode(part), bound)))
        self._uses["seal:event"] += len(pairs)
        return _HEAD + _ENCODER.encode(pairs)

    def _sealing(self, owners: Owners | int) -> tuple[bytes, AESGCM]:
        """Return how owners are written, and what seals for them, who are all in the map."""
        name = owners.to_bytes(_EPOCH_BYTES, "big") if isinstance(owners, int) else _name(owners)
        cipher = self._make_cipher(name)
        assert cipher is not None  # noqa: S101 - they were looked up
        return name, cipher

    def _opened(self, owners: bytes, sealed: bytes, event_id: str) -> dict[str, Value] | None:
        """Return a part; None where a key that it needs was destroyed."""
        if len(owners) != _EPOCH_BYTES and (not owners or len(owners) % _PERSON_BYTES):
            raise StorageError("the body of an event cannot be read", where=event_id)
        cipher = self._make_cipher(owners)
        if cipher is None:
            return None
        self._uses["open:event"] += 1
        try:
            nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
            clear = cipher.decrypt(nonce, body, event_id.encode())
        except (InvalidTag, ValueError) as error:
            raise StorageError(
                "the body of an event was altered, or belongs elsewhere", where=event_id
            ) from error
        return msgspec.msgpack.decode(clear, type=dict[str, Value])

    def _make_cipher(self, owners: bytes) -> AESGCM | None:
        keys = []
        if len(owners) == _EPOCH_BYTES:
            epoch = self._keys.epoch(int.from_bytes(owners, "big"))
            keys = [epoch.key if epoch else None]
        else:
            persons = [self._keys.person(name) for name in _names(owners)]
            keys = [one.key if one else None for one in persons]
        whole = b""
        for key in keys:
            if key is None:
                return None
            whole += key
        return AESGCM(hmac.digest(whole, b"sentinel/event-body/v1", "sha256"))


def is_body(sealed: bytes) -> bool:
    """Tell whether something sealed is a body; an event of before persons had keys has another."""
    return sealed[:1] == _HEAD


def _pairs(body: bytes, event_id: str) -> list[tuple[bytes, bytes]]:
    try:
        if not is_body(body):
            raise StorageError("this is no body of an event", where=event_id)
        return _PARTS.decode(body[1:])
    except msgspec.MsgspecError as error:
        raise StorageError("the body of an event cannot be read", where=event_id) from error


def _name(owners: Owners) -> bytes:
    return b"".join(
        bytes([_KINDS.index(one[:3])]) + base64.b32decode(one[4:].upper()) for one in sorted(owners)
    )


def _names(owners: bytes) -> list[str]:
    ids = [owners[at : at + _PERSON_BYTES] for at in range(0, len(owners), _PERSON_BYTES)]
    return [f"{_KINDS[one[0] % 2]}_{base64.b32encode(one[1:]).decode().lower()}" for one in ids]
