"""Pseudonyms for what names a person (GDPR art. 4(5)), made before anything is stored.

The same value under the same key has always the same pseudonym, so that rules can join on it;
without the key nobody can compute it. Kinds keep staff and customers apart, even where a member
of staff and a customer share an identifier. Originals travel sealed beside the event.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import re2

from sentinel.collect.profile import Identifier
from sentinel.collect.routes import Routes
from sentinel.domain.event import ACTOR_KIND, Value

_DIGITS = 16  # base32: 80 bits, no collision in sight below 10^11 persons
_SHORTEST_KEY = 16  # bytes
_EMAIL = re.compile(
    r"[A-Za-z0-9._+-]{1,64}(?:@|%40)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"
)
_ADDRESS_LIKE = re.compile(r"[^a-z]")  # more than a plain word, which may be part of any path

# Where an identifier may hide inside other text.
TEXTS = (
    "url.original",
    "url.path",
    "url.query",
    "http.request.referrer",
    "message",
    "error.message",
    "sentinel.extra",
    "fact.id",  # a back office likes to number the duties of somebody after them
)


class Pseudonymiser:
    """Keyed pseudonyms: HMAC-SHA-256 (RFC 2104), base32, behind the kind."""

    def __init__(self, key: bytes) -> None:
        if len(key) < _SHORTEST_KEY:
            raise ValueError(f"a pseudonym key has at least {_SHORTEST_KEY} bytes")
        self._key = key
        self.pseudonym = lru_cache(maxsize=65536)(self._pseudonym)

    def _pseudonym(self, kind: str, value: str) -> str:
        """Return ``usr_…``, ``sub_…``, ``ip_…`` or ``ses_…`` of ``value``."""
        text = f"{kind}\0{value}".encode("utf-8", "surrogatepass")
        digest = hmac.new(self._key, text, hashlib.sha256).digest()
        return f"{kind}_{base64.b32encode(digest)[:_DIGITS].decode().lower()}"


class Disguise:
    """Replaces the identifiers of one profile's events."""

    def __init__(
        self,
        pseudonymiser: Pseudonymiser,
        *,
        identifiers: Mapping[str, Identifier],
        routes: Routes,
        subject_pattern: str = "",
        texts: Sequence[str] = (),
    ) -> None:
        """``texts``: fields of the profile's own in which a name stands between marks."""
        self._pseudonym = pseudonymiser.pseudonym
        self._identifiers = identifiers
        self._looked_at = (*identifiers, *TEXTS, *texts)
        self._routes = routes
        self._texts = tuple(texts)
        self._subject = re2.compile(subject_pattern) if subject_pattern else None

    def apply(self, fields: dict[str, Value]) -> dict[str, Value]:
        """Replace in place; return the originals of the fields that changed."""
        before = {name: fields[name] for name in self._looked_at if name in fields}
        names = self._replace_fields(fields)
        for name in TEXTS:
            value = fields.get(name)
            if isinstance(value, str):
                fields[name] = self._replace_text(value, names)
        for name in self._texts:
            value = fields.get(name)
            if isinstance(value, str):
                fields[name] = self._replace_text(value, names, words=True)
        return {name: value for name, value in before.items() if fields[name] != value}

    def text(self, value: str) -> str:
        """Replace what the subject pattern or an e-mail address gives away in ``value``."""
        return self._replace_text(value, {})

    def _replace_fields(self, fields: dict[str, Value]) -> dict[str, str]:
        names: dict[str, str] = {}
        actor = "sub" if fields.get(ACTOR_KIND) == "customer" else "usr"
        subjects = _as_set(fields.get("fact.subject")) | _as_set(fields.get("sentinel.subject"))
        for name, identifier in self._identifiers.items():
            value = fields.get(name)
            if value is None or value == "":
                continue

            def one(item: Any, identifier: str = identifier) -> str:
                kind = actor if identifier == "actor" else identifier
                if kind == "party":
                    kind = "sub" if self._is_subject(str(item), subjects) else "usr"
                names[str(item)] = self._pseudonym(kind, str(item))
                return names[str(item)]

            fields[name] = [one(item) for item in value] if isinstance(value, list) else one(value)
        return names

    def _is_subject(self, value: str, subjects: set[str]) -> bool:
        return value in subjects or bool(self._subject and self._subject.fullmatch(value))

    def _replace_text(self, text: str, names: Mapping[str, str], *, words: bool = False) -> str:
        """Replace identifiers. ``words``: also plain ones, which a path may hold by chance."""
        if self._routes:
            text = self._replace_segment(text)
        for raw, pseudonym in names.items():
            if raw in text and (words or (len(raw) > 2 and _ADDRESS_LIKE.search(raw))):  # noqa: PLR2004
                text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(raw)}(?![A-Za-z0-9])", pseudonym, text)
        if self._subject is not None:
            text = self._subject.sub(lambda match: self._pseudonym("sub", match.group(0)), text)
        if "@" in text or "%40" in text:
            text = _EMAIL.sub(self._email, text)
        return text

    def _email(self, match: re.Match[str]) -> str:
        return self._pseudonym("sub", unquote(match[0]).lower())

    def _replace_segment(self, text: str) -> str:
        """Rewrite the subject's segment of a path, of a request target or of a whole URL."""
        start = text.find("/", text.find("://") + 3) if "://" in text[:16] else 0
        if start < 0:
            return text
        end = min((at for at in (text.find("?"), text.find("#")) if at >= 0), default=len(text))
        touched = self._routes.match(text[start:end])
        if touched is None or not touched.subject:
            return text
        pseudonym = self._pseudonym("sub", touched.subject)
        path = re.sub(rf"(?<=/){re.escape(touched.segment)}(?=/|$)", pseudonym, text[start:end])
        return text[:start] + path + text[end:]


def _as_set(value: Value) -> set[str]:
    if value is None:
        return set()
    return {str(item) for item in value} if isinstance(value, list) else {str(value)}
