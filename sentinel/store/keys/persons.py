"""The map of persons: one random key each, by which a pseudonym is made; it can be destroyed.

A row holds a search tag (a keyed hash of the identifier), the pseudonym, and, sealed together, the
person's key and identifier. No other place says which person a pseudonym stands for, and nothing
derives it: with the row gone, nobody can link the two any more, and what was sealed under the key
stays closed (promise R-47). Addresses and sessions are no persons: `sentinel.store.keys.tokens`.

A row is on the medium before anything tells its pseudonym: see `PersonKeys.batch`.
"""

from __future__ import annotations

import hmac
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec

from sentinel.store.keys.map_file import MapFile
from sentinel.store.keys.tokens import KEY_BYTES, Epoch, TokenKeys, named, token
from sentinel.store.ports import Sealer

FILE: Final = Path("keys") / "persons.sqlite"
PERSONS: Final = ("usr", "sub")
_REMEMBERED: Final = 1 << 16
SEEN_EXACT: Final = 30
"""Days after which it is written again that a person was met."""
SECRETS: Final = ("tag_key", "seed", "former")


class Person(msgspec.Struct, frozen=True, gc=False):
    """A person of the map, opened: never stored, never shown. ``key``: 32 bytes."""

    pseudonym: str
    kind: str
    identifier: str
    key: bytes


class PersonKeys:
    """The map in a folder. Several processes may use one; safe from threads."""

    def __init__(
        self,
        folder: Path,
        sealer: Sealer,
        *,
        seed: bytes = b"",
        former: bytes = b"",
        token_days: int = 30,
        kept_days: int = 365,
    ) -> None:
        """Open or make the map. ``seed``, ``former``: of a new one, see below. Raises StorageError.

        ``seed``: see `seeded`. ``former``: the one key under which pseudonyms were made before
        there was a map: they stay as they are, since what is stored names persons by them.
        """
        self._sealer = sealer
        counted = getattr(sealer, "uses", None)
        self.uses: Counter[str] = counted if counted is not None else Counter()
        """How often keys sealed and opened: of the sealer, and of the persons."""
        self._file = MapFile(folder / FILE)
        self._people: dict[str, Person] = {}
        self._tag_key, self._seed, self._former = self._secrets(seed, former)
        self._tokens = TokenKeys(
            self._file,
            sealer,
            seed=self._seed,
            former=self._former,
            period=timedelta(days=token_days),
            kept=timedelta(days=kept_days),
        )
        self._batch: ExitStack | None = None
        self._day = 0
        self._seen = self._file.changed()
        self._erasures = self._erased()
        self.pseudonym = lru_cache(maxsize=_REMEMBERED)(self._pseudonym)
        self.session = lru_cache(maxsize=_REMEMBERED)(self._session)
        self.forgetting: list[Callable[[], None]] = []
        """Called when what was opened must be forgotten."""

    @property
    def seeded(self) -> bool:
        """Whether keys follow from a seed, as in the demo: then erasing destroys nothing."""
        return bool(self._seed)

    @property
    def computable(self) -> bool:
        """Whether pseudonyms follow from a key too: in the demo, and where they did before."""
        return bool(self._seed or self._former)

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Make who is new in the block durable at its end, at once. Raises StorageError.

        Nothing that was named in the block may leave before. Nobody else writes meanwhile.
        """
        try:
            with self._file.turn(), ExitStack() as stack:
                outer, self._batch = self._batch, self._batch or stack
                try:
                    yield
                finally:
                    self._batch = outer
        except BaseException:
            self._forget()  # who was new may not be in the map now
            raise

    def at(self, now: datetime) -> None:
        """Let time pass: change the key of tokens when it is due; notice what others changed."""
        seen = self._file.changed()
        if seen != self._seen:
            self._seen = seen
            self._tokens.read()
            erasures = self._erased()
            if erasures != self._erasures:
                self._erasures = erasures
                self._forget()
        due = self._tokens.due(now)
        if due:
            self._tokens.change(now)
        if due or self._day != now.date().toordinal():
            self._day = now.date().toordinal()
            self.pseudonym.cache_clear()  # so that everybody who comes is looked up once a day
            self.session.cache_clear()

    def tokens(self, kind: str, value: str) -> tuple[str, ...]:
        """Return every pseudonym under which ``value`` may be stored, the newest first.

        One for a person; for an address or a session one for each key that is kept. Nothing is
        made: a person who is not in the map has none.
        """
        if kind in PERSONS:
            found = self.known(kind, value)
            return (found.pseudonym,) if found else ()
        return tuple(token(kind, epoch.key, value) for epoch in reversed(self._tokens.epochs))

    def known(self, kind: str, identifier: str) -> Person | None:
        """Return a person of the map by identifier, or None."""
        found = self._find("tag", self._tag(kind, identifier))
        return found[0] if found else None

    def person(self, pseudonym: str) -> Person | None:
        """Return a person of the map by pseudonym; None where the key was destroyed."""
        person = self._people.get(pseudonym)
        if person is None and (found := self._find("pseudonym", pseudonym)):
            person = found[0]
            self._remember(person)
        return person

    def epoch(self, number: int) -> Epoch | None:
        """Return a key of tokens; None where it was destroyed."""
        return next((one for one in self._tokens.epochs if one.number == number), None)

    @property
    def current(self) -> Epoch:
        """The key of tokens in force. `at` was called before."""
        return self._tokens.epochs[-1]

    def erase(self, pseudonyms: Sequence[str]) -> list[str]:
        """Destroy the keys of persons for ever; return which had one. Raises StorageError.

        At return no byte of them is in the file: freed pages are overwritten, the log is cut.
        """
        with self._file.writing():
            gone = [
                name
                for name in pseudonyms
                if self._file.do("DELETE FROM persons WHERE pseudonym = ?", name)
            ]
            self._file.do("UPDATE meta SET value = value + 1 WHERE name = 'erasures'")
        self._forget()
        self._file.empty_log()
        return gone

    def forget_unseen(self, now: datetime, kept: timedelta) -> int:
        """Destroy the keys of persons whom nobody met for so long; return how many (R-55)."""
        day = (now - kept).date().toordinal() - SEEN_EXACT
        names = [name for (name,) in self._file.all(
            "SELECT pseudonym FROM persons WHERE seen < ?", day
        )]  # fmt: skip
        return len(self.erase(names)) if names else 0

    def count(self) -> int:
        """Return how many persons the map holds."""
        row = self._file.one("SELECT count(*) FROM persons")
        return int(row[0]) if row else 0

    def _pseudonym(self, kind: str, value: str) -> str:
        """Return ``usr_…``, ``sub_…``, ``ip_…`` or ``ses_…`` of ``value``."""
        if kind in PERSONS:
            return self._named(kind, value).pseudonym
        return token(kind, self.current.key, value)

    def _session(self, kind: str, identifier: str) -> str:
        """Return the session of a person who signed in; it dies with the person's key."""
        return token("ses", self._named(kind, identifier).key, str(self.current.number))

    def _named(self, kind: str, identifier: str) -> Person:
        """Return a person, taken into the map where nobody knew them."""
        tag = self._tag(kind, identifier)
        found = self._find("tag", tag)
        if found is None or self._day - found[1] > SEEN_EXACT:
            with self._file.turn():
                if self._batch is not None and not self._file.held:
                    self._batch.enter_context(self._file.writing())
                with self._file.writing():
                    found = self._find("tag", tag)  # another process may have been first
                    if found is None:
                        found = self._take_in(tag, kind, identifier), self._day
                    else:
                        self._file.do("UPDATE persons SET seen = ? WHERE tag = ?", self._day, tag)
        self._remember(found[0])
        return found[0]

    def _take_in(self, tag: bytes, kind: str, identifier: str) -> Person:
        key = os.urandom(KEY_BYTES)
        if self._seed:
            key = hmac.digest(self._seed, named(kind, identifier), "sha256")
        name = token(kind, self._former or key, identifier if self._former else "")
        body = key + named(kind, identifier)
        self._file.do(
            "INSERT INTO persons (tag, pseudonym, seen, sealed) VALUES (?, ?, ?, ?)",
            tag, name, self._day, self._sealer.seal(body, context=person_context(name)),
        )  # fmt: skip
        return Person(name, kind, identifier, key)

    def _tag(self, kind: str, identifier: str) -> bytes:
        return hmac.digest(self._tag_key, named(kind, identifier), "sha256")[:16]

    def _find(self, column: str, value: str | bytes) -> tuple[Person, int] | None:
        """Return a person, and the day of `seen`."""
        row = self._file.one(
            f"SELECT pseudonym, seen, sealed FROM persons WHERE {column} = ?",  # noqa: S608 - ours
            value,
        )
        if row is None:
            return None
        name, seen, sealed = row
        person = self._people.get(name)
        if person is None:
            body = self._sealer.open(sealed, context=person_context(name))
            kind, _, identifier = body[KEY_BYTES:].decode("utf-8", "surrogatepass").partition("\0")
            person = Person(name, kind, identifier, body[:KEY_BYTES])
        return person, seen

    def _remember(self, person: Person) -> None:
        if len(self._people) >= _REMEMBERED:
            self._people.clear()
        self._people[person.pseudonym] = person

    def _forget(self) -> None:
        self._people.clear()
        self.pseudonym.cache_clear()
        self.session.cache_clear()
        for forget in self.forgetting:
            forget()

    def _erased(self) -> int:
        row = self._file.one("SELECT value FROM meta WHERE name = 'erasures'")
        return int(row[0]) if row else 0

    def _secrets(self, seed: bytes, former: bytes) -> tuple[bytes, bytes, bytes]:
        """Return the key of the tags, the seed, the former key; a new map gets them now."""
        tag_key = hmac.digest(seed, b"tags", "sha256") if seed else os.urandom(KEY_BYTES)
        found = []
        with self._file.writing():
            for name, value in zip(SECRETS, (tag_key, seed, former), strict=True):
                row = self._file.one("SELECT value FROM meta WHERE name = ?", name)
                if row is None:
                    sealed = self._sealer.seal(value, context=secret_context(name))
                    self._file.do("INSERT INTO meta (name, value) VALUES (?, ?)", name, sealed)
                    row = (sealed,)
                found.append(self._sealer.open(row[0], context=secret_context(name)))
        return found[0], found[1], found[2]


def secret_context(name: str) -> str:
    """Return what binds a secret of the map to its place."""
    return f"person-map:{name}"


def person_context(pseudonym: str) -> str:
    """Return what binds a sealed person to the pseudonym."""
    return f"person:{pseudonym}"
