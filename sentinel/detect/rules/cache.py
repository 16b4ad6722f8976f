"""What parsing gave, kept between two starts: reading all of SigmaHQ takes seconds, this does not.

One file holds, per hash of a rule file's name and content, the rules of that file as plain data.
It is valid for one version of this package's parser and of pySigma, an entry for the same lists
and pipelines; anything else, and any damage, means that the rules are parsed again. Only files
without a fault and without a filter are kept, so an error is found at every start.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import stat
from collections.abc import Iterable
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec

from sentinel.detect.rules.formula import Formula
from sentinel.detect.rules.model import (
    CacheUse,
    Correlation,
    CorrelationKind,
    Operator,
    Origin,
    Rule,
)
from sentinel.detect.rules.packed import Packed, packed, unpacked
from sentinel.detect.rules.unread import Unread
from sentinel.domain.event import LogSource
from sentinel.domain.finding import RuleInfo

MAGIC: Final = b"sentinel rules 1\n"
MARK: Final = hashlib.sha256().digest_size
PARSERS: Final = ("pySigma", "msgspec", "PyYAML")
MOST: Final = 10_000  # files
OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
FRESH: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


class RuleEntry(msgspec.Struct, frozen=True, array_like=True, tag="rule"):
    """A rule. ``index``: of its document; ``written``: the hash of what the document says."""

    index: int
    written: str
    info: RuleInfo
    name: str
    actor: str
    logsource: LogSource
    expression: Packed

    def item(self, path: Path) -> Rule:
        """Return the rule, read from the file ``path``."""
        return Rule(
            info=self.info,
            name=self.name,
            actor=self.actor,
            logsource=self.logsource,
            expression=unpacked(self.expression),
            origin=_origin(self, path),
        )


class CorrelationEntry(msgspec.Struct, frozen=True, array_like=True, tag="correlation"):
    """A correlation, not yet tied to what it names; the fields are those of `Correlation`."""

    index: int
    written: str
    info: RuleInfo
    name: str
    actor: str
    kind: CorrelationKind
    rules: tuple[str, ...]
    group_by: tuple[str, ...]
    timespan: timedelta
    conditions: tuple[tuple[Operator, int | float], ...]  # a whole number stays one
    fields: tuple[str, ...]
    percentile: int | float | None
    formula: Formula | None
    aliases: dict[str, dict[str, str]]
    generate: bool

    def item(self, path: Path) -> Correlation:
        """Return the correlation, read from the file ``path``."""
        said = {name: getattr(self, name) for name in SAID}
        return Correlation(**said, origin=_origin(self, path))


Entry = RuleEntry | CorrelationEntry
SAID: Final = CorrelationEntry.__struct_fields__[2:]
Files = dict[bytes, msgspec.Raw]  # hash to the items of that file, encoded
_FILES: Final = msgspec.msgpack.Decoder(Files).decode
_ITEMS: Final = msgspec.msgpack.Decoder(tuple[Entry, ...]).decode
_ENCODE: Final = msgspec.msgpack.Encoder().encode


class RuleCache:
    """The cache in one file, shared by all folders of rules; `use` says what it was good for."""

    def __init__(self, path: Path, context: Iterable[bytes]) -> None:
        """Read ``path`` where it fits. ``context``: whatever else decides what a rule means."""
        self._path = path
        self._mark = _mark()
        self._context = _digest(context)
        self._hits = self._misses = 0
        self._fault = ""
        self._known: Files = {}
        self._used: Files = {}
        try:
            self._known = self._read()
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:  # msgspec's errors are ValueErrors
            self._fault = f"{type(error).__name__}: {error}"

    @property
    def use(self) -> CacheUse:
        """Return how many files were found or not, and why the cache could not serve."""
        return CacheUse(self._hits, self._misses, self._fault)

    def find(self, path: Path, content: bytes) -> list[Rule | Correlation] | None:
        """Return what a file holds; None where it has to be parsed."""
        key = self._key(path, content)
        try:
            entries = _ITEMS(self._known[key])
        except (KeyError, msgspec.MsgspecError):
            self._misses += 1
            return None
        self._hits += 1
        self._used[key] = self._known[key]
        return [entry.item(path) for entry in entries]

    def keep(self, path: Path, content: bytes, items: Iterable[Rule | Correlation]) -> None:
        """Take note of what a file without a fault gave."""
        with contextlib.suppress(OverflowError, UnicodeError):  # not to be written: parsed again
            found = _ENCODE(tuple(map(_entry, items)))
            self._used[self._key(path, content)] = msgspec.Raw(found)

    def save(self) -> None:
        """Write what is new, beside what was there; of more than `MOST` files the oldest go.

        A cache that cannot be written costs the next start its speed, nothing else.
        """
        if self._used.keys() <= self._known.keys():
            return
        older = [item for item in self._known.items() if item[0] not in self._used]
        room = max(0, MOST - len(self._used))
        payload = _ENCODE(dict([*older[len(older) - min(room, len(older)) :], *self._used.items()]))
        whole = b"".join((MAGIC, self._mark, hashlib.sha256(payload).digest(), payload))
        beside = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(beside, FRESH, 0o600), "wb") as file:
                file.write(whole)
            beside.replace(self._path)
        except OSError as error:
            self._fault = f"not written: {error.strerror}"
            with contextlib.suppress(OSError):
                beside.unlink()

    def _read(self) -> Files:
        with self._path.open("rb") as file:
            found = os.fstat(file.fileno())
            if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & OTHERS_WRITE:
                raise ValueError("others may write to it")
            whole = file.read()
        head = len(MAGIC)
        if whole[: head + MARK] != MAGIC + self._mark:
            raise ValueError("it belongs to another version")
        payload = whole[head + 2 * MARK :]
        if hashlib.sha256(payload).digest() != whole[head + MARK : head + 2 * MARK]:
            raise ValueError("it is damaged")
        return _FILES(payload)

    def _key(self, path: Path, content: bytes) -> bytes:
        name = os.fsencode(path.name)
        return hashlib.sha256(self._context + name + b"\0" + content).digest()


def user_cache() -> Path | None:
    """Return where commands keep the cache (XDG base directories, 0.8); None without a home."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    try:
        base = Path(given) if given.startswith("/") else Path.home() / ".cache"
    except RuntimeError:
        return None
    return base / "sentinel" / "rules.cache"


def _origin(entry: Entry, path: Path) -> Origin:
    raw = Unread(path, entry.index)
    return Origin(path=path, index=entry.index, raw=raw, digest=entry.written)


def _entry(item: Rule | Correlation) -> Entry:
    place = (item.origin.index, item.origin.written)
    if isinstance(item, Correlation):
        return CorrelationEntry(*place, *(getattr(item, name) for name in SAID))
    whole = packed(item.expression)
    return RuleEntry(*place, item.info, item.name, item.actor, item.logsource, whole)


def _mark() -> bytes:
    """Return a hash of the parser: its own source, and the versions of what it stands on."""
    parts = [f"{name} {version(name)}".encode() for name in PARSERS]
    parts.append(platform.python_version().encode())
    parts += [path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))]
    return _digest(parts)


def _digest(parts: Iterable[bytes]) -> bytes:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "big") + part)
    return whole.digest()
