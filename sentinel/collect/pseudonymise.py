"""Pseudonyms for what names a person (GDPR art. 4(5)), made before anything is stored.

The same value has the same pseudonym, so that rules can join on it; without keys nobody can compute
it. Kinds keep staff and customers apart, even where a member of staff and a customer share an
identifier. Originals travel sealed beside the event. In the service each person has a key of their
own (`sentinel.store.keys.persons`), so that erasing one leaves the others as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from functools import lru_cache
from urllib.parse import unquote

import re2

from sentinel.collect.profile import Identifier
from sentinel.collect.routes import Routes
from sentinel.domain.event import ACTOR_KIND, Value
from sentinel.store.keys.bodies import EventBodies
from sentinel.store.keys.persons import PersonKeys
from sentinel.store.keys.tokens import token

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
    """Pseudonyms under one key: HMAC-SHA-256 (RFC 2104), base32, behind the kind.

    For what is not kept: measurements, tests. The service uses `PersonPseudonymiser`.
    """

    bodies: EventBodies | None = None
    """Seals originals for the persons whom they tell of; None: the sealer does, for nobody."""

    def __init__(self, key: bytes) -> None:
        if len(key) < _SHORTEST_KEY:
            raise ValueError(f"a pseudonym key has at least {_SHORTEST_KEY} bytes")
        self._key = key
        self.pseudonym: Callable[[str, str], str] = lru_cache(maxsize=65536)(self._pseudonym)
        """From a kind and a value to ``usr_…``, ``sub_…``, ``ip_…`` or ``ses_…``."""

    def session(self, kind: str, identifier: str) -> str:
        """Return the session of whoever signed in; ``kind``: ``usr`` or ``sub``."""
        del kind
        return self.pseudonym("ses", f"user\0{identifier}")

    def at(self, now: datetime) -> None:
        """Let time pass: keys of tokens may change. Raises StorageError."""

    def batch(self) -> AbstractContextManager[None]:
        """Return a block at whose end everybody named in it is durable. Raises StorageError."""
        return nullcontext()

    def tokens(self, kind: str, value: str) -> tuple[str, ...]:
        """Return every pseudonym under which ``value`` may be stored, the newest first."""
        return (self.pseudonym(kind, value),)

    def _pseudonym(self, kind: str, value: str) -> str:
        return token(kind, self._key, value)


class PersonPseudonymiser(Pseudonymiser):
    """Pseudonyms out of the map of persons."""

    def __init__(self, keys: PersonKeys) -> None:
        self.keys = keys
        self.bodies = EventBodies(keys)
        self.pseudonym = keys.pseudonym

    def session(self, kind: str, identifier: str) -> str:
        """Return the session of whoever signed in, which rotates."""
        return self.keys.session(kind, identifier)

    def at(self, now: datetime) -> None:
        """Let time pass. Raises StorageError."""
        self.keys.at(now)

    def batch(self) -> AbstractContextManager[None]:
        """Return a block at whose end everybody named in it is durable. Raises StorageError."""
        return self.keys.batch()

    def tokens(self, kind: str, value: str) -> tuple[str, ...]:
        """Return every pseudonym under which ``value`` may be stored, the newest first."""
        return self.keys.tokens(kind, value)


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
        self._parties = "party" in identifiers.values()
        self._routes = routes
        self.texts = tuple((name, False) for name in TEXTS) + tuple((name, True) for name in texts)
        """The fields that are searched, and whether for plain words too."""
        self._subject = re2.compile(subject_pattern) if subject_pattern else None
        self._hint = re2.compile(subject_pattern.encode()) if subject_pattern else None

    def apply(self, fields: dict[str, Value], *, subjects: bool = True) -> dict[str, Value]:
        """Replace in place; return the originals of the fields that changed.

        ``subjects``: False where the subject pattern is known to match in none of `texts`.
        """
        originals: dict[str, Value] = {}
        names = self._replace_fields(fields, originals)
        for name, words in self.texts:
            value = fields.get(name)
            if isinstance(value, str):
                text = self._replace_text(value, names, words=words, subjects=subjects)
                if text != value:
                    originals.setdefault(name, value)
                    fields[name] = text
        return originals

    def text(self, value: str, *, subjects: bool = True) -> str:
        """Replace what the subject pattern or an e-mail address gives away in ``value``."""
        return self._replace_text(value, {}, subjects=subjects) if value else value

    def _replace_fields(
        self, fields: dict[str, Value], originals: dict[str, Value]
    ) -> dict[str, str]:
        names: dict[str, str] = {}
        actor = actor_prefix(fields)
        subjects = _subjects(fields) if self._parties else set()
        for name, identifier in self._identifiers.items():
            value = fields.get(name)
            if value is None or value == "":
                continue
            kind = actor if identifier == "actor" else identifier
            new: Value
            if isinstance(value, list):
                new = [self._name(kind, str(item), subjects, names) for item in value]
            else:
                new = self._name(kind, str(value), subjects, names)
            fields[name] = new
            if new != value:
                originals[name] = value
        return names

    def _name(self, kind: str, raw: str, subjects: set[str], names: dict[str, str]) -> str:
        if kind == "party":
            kind = "sub" if self._is_subject(raw, subjects) else "usr"
        names[raw] = pseudonym = self._pseudonym(kind, raw)
        return pseudonym

    def _is_subject(self, value: str, subjects: set[str]) -> bool:
        return value in subjects or bool(self._subject and self._subject.fullmatch(value))

    def _replace_text(
        self, text: str, names: Mapping[str, str], *, words: bool = False, subjects: bool = True
    ) -> str:
        """Replace identifiers. ``words``: also plain ones, which a path may hold by chance."""
        given = text
        for start in self._routes.subject_starts:
            if start in text:
                text = self._replace_segment(text)
                break
        for raw, pseudonym in names.items():
            if raw and raw in text and (words or (len(raw) > 2 and _ADDRESS_LIKE.search(raw))):  # noqa: PLR2004
                text = _with_word(text, raw, pseudonym)
        # A pseudonym that now stands in the text may make or unmake a match.
        if self._subject is not None and (subjects or text != given):
            text = self._replace_subjects(text)
        if "@" in text or "%40" in text:
            text = _EMAIL.sub(self._email, text)
        return text

    def _replace_subjects(self, text: str) -> str:
        assert self._subject is not None and self._hint is not None  # noqa: S101, PT018
        if self._hint.search(text.encode()) is None:  # bytes need no map of positions
            return text
        replaced: str = self._subject.sub(lambda m: self._pseudonym("sub", m.group(0)), text)
        return replaced

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
        if "\n" in text:
            path = re.sub(rf"(?<=/){re.escape(touched.segment)}(?=/|$)", pseudonym, text[start:end])
            return text[:start] + path + text[end:]
        first, *parts = text[start:end].split("/")
        parts = [pseudonym if part == touched.segment else part for part in parts]
        return text[:start] + "/".join([first, *parts]) + text[end:]


def actor_prefix(fields: Mapping[str, Value]) -> str:
    """Return what the pseudonym of who acts begins with: a customer is a data subject."""
    return "sub" if fields.get(ACTOR_KIND) == "customer" else "usr"


def _with_word(text: str, word: str, new: str) -> str:
    """Replace ``word`` where no letter and no digit of ASCII stands beside it."""
    pieces: list[str] = []
    done = searched = 0
    while (at := text.find(word, searched)) >= 0:
        end = at + len(word)
        if _is_plain(text[at - 1 : at]) or _is_plain(text[end : end + 1]):
            searched = at + 1
            continue
        pieces += (text[done:at], new)
        done = searched = end
    return "".join(pieces) + text[done:]


def _is_plain(beside: str) -> bool:
    return beside.isascii() and beside.isalnum()


def _subjects(fields: Mapping[str, Value]) -> set[str]:
    return _as_set(fields.get("fact.subject")) | _as_set(fields.get("sentinel.subject"))


def _as_set(value: Value) -> set[str]:
    if value is None:
        return set()
    return {str(item) for item in value} if isinstance(value, list) else {str(value)}
