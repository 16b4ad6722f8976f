"""From the lines of a declared source to a batch for the spool. No line is lost.

A line that is not understood becomes an event too (``event.dataset: sentinel.unparsed``), with
the reason in clear and the line sealed, so that a format that changes overnight is seen and its
lines can be read again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Protocol

import msgspec

from sentinel.clock import Clock
from sentinel.collect.choose import SAMPLE_LINES, choose, profile_named
from sentinel.collect.formats.base import Format, Unparsed
from sentinel.collect.formats.registry import AUTO, format_named
from sentinel.collect.normalise import Normaliser
from sentinel.collect.profile import Profile
from sentinel.collect.pseudonymise import Pseudonymiser
from sentinel.collect.redact import Redactor
from sentinel.config import SourceSettings
from sentinel.domain.event import Event
from sentinel.errors import ConfigError, SentinelError, UsageError
from sentinel.ids import digest_id
from sentinel.store.ports import Sealer

SLICE_EVENTS = 64
SLICE_BYTES = 32 * 1024  # redaction reads each byte several times; one line may still be longer


class Spooler(Protocol):
    """Where accepted events become durable."""

    async def append(self, events: Sequence[Event]) -> int:
        """Store a batch, return the offset of its last event. Raises SpoolFull, StorageError."""
        ...


class UnparsedLine(msgspec.Struct, frozen=True):
    """A line that was not understood. ``line_number`` from 1; ``path``: its file, offline."""

    line_number: int
    reason: str
    path: str = ""


class Batch(msgspec.Struct):
    """What became of some lines. ``events`` holds the unparsed lines' events too, in order."""

    events: list[Event]
    unparsed: list[UnparsedLine]
    dropped_fields: Counter[str]

    @classmethod
    def empty(cls) -> Batch:
        """Return a batch of nothing."""
        return cls([], [], Counter())

    @property
    def accepted(self) -> int:
        """How many lines were understood."""
        return len(self.events) - len(self.unparsed)

    def add(self, other: Batch) -> None:
        """Append ``other``."""
        self.events.extend(other.events)
        self.unparsed.extend(other.unparsed)
        self.dropped_fields.update(other.dropped_fields)


class Intake:
    """Reads the lines of one declared source, pseudonymised and sealed."""

    def __init__(
        self,
        source: SourceSettings,
        profiles: Mapping[str, Profile],
        *,
        pseudonymiser: Pseudonymiser,
        sealer: Sealer,
        clock: Clock,
        max_line_bytes: int,
    ) -> None:
        """Raise ConfigError where the source names a format or a profile that is not there."""
        try:
            if source.format != AUTO:
                format_named(source.format)
            if source.profile:
                profile_named(profiles, source.profile)
        except UsageError as error:
            raise ConfigError(f"source {source.name}: {error.detail}", hint=error.hint) from error
        self.source = source.name
        self._settings = source
        self._profiles = profiles
        self._pseudonymiser = pseudonymiser
        self._sealer = sealer
        self._clock = clock
        self._longest = max_line_bytes
        self._redactor = Redactor()
        self._normalisers: dict[str, Normaliser] = {}

    def batch(self, lines: Sequence[bytes], batch_id: str) -> Batch:
        """Read all ``lines`` at once."""
        whole = Batch.empty()
        for part in self.slices(lines, batch_id):
            whole.add(part)
        return whole

    def slices(self, lines: Sequence[bytes], batch_id: str) -> Iterator[Batch]:
        """Read ``lines`` (without their ends) in slices, so that a caller may breathe between.

        Equal lines under an equal ``batch_id`` give equal event ids. Blank lines carry nothing.
        """
        received = self._clock.now()
        fmt, profile = choose(
            self._profiles,
            format_name=self._settings.format,
            profile_name=self._settings.profile,
            sample=self._sample(lines),
        )
        parser, normaliser = fmt.fresh(), self._normaliser(profile)
        numbered = enumerate(lines, start=1)
        while chunk := _slice(numbered):
            yield self._read(chunk, batch_id, parser, normaliser, received)

    def _read(
        self,
        numbered: Iterable[tuple[int, bytes]],
        batch_id: str,
        parser: Format,
        normaliser: Normaliser,
        received: datetime,
    ) -> Batch:
        batch = Batch.empty()
        for number, raw in numbered:
            line = self._decoded(raw)
            if not line.strip():
                continue
            identify = _Identity(self.source, batch_id, number)
            result = self._event(parser, normaliser, raw, line, identify, received)
            if result is None:
                continue
            if isinstance(result, Unparsed):
                event_id = digest_id("event", self.source, batch_id, str(number))
                batch.events.append(
                    normaliser.unparsed(line, result.reason, event_id=event_id, received=received)
                )
                batch.unparsed.append(UnparsedLine(number, result.reason))
                continue
            event, dropped = result
            batch.events.append(event)
            batch.dropped_fields.update(dropped)
        return batch

    def _event(
        self,
        parser: Format,
        normaliser: Normaliser,
        raw: bytes,
        line: str,
        identify: _Identity,
        received: datetime,
    ) -> tuple[Event, list[str]] | Unparsed | None:
        """Read one line. What our own code cannot bear is one unparsed line, not a lost batch."""
        if len(raw) > self._longest:
            return Unparsed(f"the line is longer than {self._longest} bytes")
        try:
            parsed = parser.parse(line)
            if parsed is None or isinstance(parsed, Unparsed):
                return parsed
            return normaliser.event(parsed, identify=identify, received=received)
        except SentinelError:
            raise
        except Exception as error:
            return Unparsed(f"unforeseen {type(error).__name__}")

    def _decoded(self, raw: bytes) -> str:
        r"""Decode UTF-8; other bytes become ``\xHH``. Of an overlong line, the start is kept."""
        return raw[: self._longest].decode("utf-8", "backslashreplace").removesuffix("\r")

    def _sample(self, lines: Sequence[bytes]) -> list[str]:
        texts = (self._decoded(raw) for raw in lines)
        return list(islice((text for text in texts if text.strip()), SAMPLE_LINES))

    def _normaliser(self, profile: Profile) -> Normaliser:
        if profile.id not in self._normalisers:
            self._normalisers[profile.id] = Normaliser(
                profile,
                redactor=self._redactor,
                source=self.source,
                pseudonymiser=self._pseudonymiser,
                sealer=self._sealer,
            )
        return self._normalisers[profile.id]


def _slice(numbered: Iterator[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Take the lines that may be read at one go: the event loop waits meanwhile."""
    chunk: list[tuple[int, bytes]] = []
    size = 0
    for number, raw in numbered:
        chunk.append((number, raw))
        size += len(raw)
        if len(chunk) >= SLICE_EVENTS or size >= SLICE_BYTES:
            break
    return chunk


class _Identity(msgspec.Struct, frozen=True):
    """Gives the event of one line its id and reference; by its own id where the line has one."""

    source: str
    batch_id: str
    number: int

    def __call__(self, own_id: str) -> tuple[str, str]:
        if own_id:
            return digest_id("event", self.source, own_id), f"{self.source}#{own_id}"
        return digest_id("event", self.source, self.batch_id, str(self.number)), ""
