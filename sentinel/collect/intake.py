"""From the lines of a declared source to a batch for the spool. No line is lost.

A line that is not understood becomes an event too (``event.dataset: sentinel.unparsed``), with
the reason in clear and the line sealed, so that a format that changes overnight is seen and its
lines can be read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import chain

import msgspec
import structlog

from sentinel.clock import Clock
from sentinel.collect.batch import Batch, Item, Spooler, UnparsedLine
from sentinel.collect.choose import SAMPLE_LINES, profile_named
from sentinel.collect.envelope import numbered
from sentinel.collect.formats.base import Format, Parsed, Unparsed
from sentinel.collect.formats.registry import AUTO, format_named
from sentinel.collect.normalise import TIME_MISSING, Draft, Normaliser
from sentinel.collect.profile import Profile
from sentinel.collect.pseudonymise import Pseudonymiser
from sentinel.collect.redact import Redactor
from sentinel.collect.sniff import Sniffer
from sentinel.config import SourceSettings
from sentinel.domain.event import Event, Value
from sentinel.domain.hunt import NORMAL, RETENTION
from sentinel.errors import ConfigError, SentinelError, UsageError
from sentinel.ids import digest_id, digest_ids
from sentinel.store.ports import Sealer

__all__ = ["Batch", "Intake", "Item", "Spooler", "UnparsedLine"]

SLICE_EVENTS = 256
SLICE_BYTES = 128 * 1024  # redaction reads each byte several times; one line may still be longer


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
        self._sniffer = Sniffer(
            profiles,
            format_name=source.format,
            profile_name=source.profile,
            report=partial(_tell, source.name),
        )
        self._pseudonymiser = pseudonymiser
        self._sealer = sealer
        self._clock = clock
        self._longest = max_line_bytes
        self._redactor = Redactor()
        self._normalisers: dict[str, Normaliser] = {}

    def batch(self, lines: Sequence[bytes | Item], batch_id: str) -> Batch:
        """Read all ``lines`` at once."""
        whole = Batch.empty()
        for part in self.slices(lines, batch_id):
            whole.add(part)
        return whole

    def slices(self, lines: Sequence[bytes | Item], batch_id: str) -> Iterator[Batch]:
        """Read ``lines`` (without their ends) in slices, so that a caller may breathe between.

        Equal lines under an equal ``batch_id`` give equal event ids. Blank lines carry nothing.
        """
        received = self._clock.now()
        rest = numbered(lines, batch_id)
        first, sample = self._sample(rest)
        fmt, profile = self._sniffer.choose(sample)
        parser, normaliser = fmt.fresh(), self._normaliser(profile)
        waiting = chain(first, rest)
        while chunk := _slice(waiting):
            yield self._read(chunk, batch_id, parser, normaliser, received)

    def _read(
        self,
        numbered: Iterable[tuple[int, Item]],
        batch_id: str,
        parser: Format,
        normaliser: Normaliser,
        received: datetime,
    ) -> Batch:
        self._pseudonymiser.at(received)
        with self._pseudonymiser.batch():
            return self._read_named(numbered, batch_id, parser, normaliser, received)

    def _read_named(
        self,
        numbered: Iterable[tuple[int, Item]],
        batch_id: str,
        parser: Format,
        normaliser: Normaliser,
        received: datetime,
    ) -> Batch:
        lines: list[_Line] = []
        digest = digest_ids("event", self.source, batch_id)
        for number, item in numbered:
            text = self._decoded(item.raw)
            if not text or text.isspace():
                continue
            line = _Line(number, item, text, _Identity(self.source, digest, number, item))
            line.draft = self._draft(parser, normaliser, line, received)
            if line.draft is not None:
                lines.append(line)
        normaliser.look([line.draft for line in lines if isinstance(line.draft, Draft)])
        batch = Batch.empty()
        for line in lines:
            self._finish(normaliser, line, received, batch)
        return batch

    def _draft(
        self, parser: Format, normaliser: Normaliser, line: _Line, received: datetime
    ) -> Draft | Unparsed | None:
        """Read one line. What our own code cannot bear is one unparsed line, not a lost batch."""
        item = line.item
        if item.fault:
            return Unparsed(item.fault)
        if len(item.raw) > self._longest:
            return Unparsed(f"the line is longer than {self._longest} bytes")
        try:
            parsed = parser.parse(line.text)
            if parsed is None or isinstance(parsed, Unparsed):
                return parsed
            if item.offered:
                parsed = Parsed({**item.offered, **parsed.fields}, parsed.time)
            return normaliser.draft(parsed, identify=line.identify, received=received)
        except SentinelError:
            raise
        except Exception as error:
            return _unforeseen(error)

    def _finish(
        self, normaliser: Normaliser, line: _Line, received: datetime, batch: Batch
    ) -> None:
        """Add to ``batch`` what became of a line."""
        draft, item = line.draft, line.item
        if isinstance(draft, Draft):
            try:
                event = self._with_transport(normaliser.finish(draft), item)
                batch.events.append(self._classed(event))
                if draft.dropped:
                    batch.dropped_fields.update(draft.dropped)
                return
            except SentinelError:
                raise
            except Exception as error:
                draft = _unforeseen(error)
        reason = draft.reason if draft is not None else ""
        event_id, ref = line.identify("")
        event = normaliser.unparsed(line.text, reason, event_id=event_id, received=received)
        if item.beside or ref:
            event = msgspec.structs.replace(event, fields={**item.beside, **event.fields}, ref=ref)
        batch.events.append(self._classed(event))
        batch.unparsed.append(UnparsedLine(line.number, reason))

    def _classed(self, event: Event) -> Event:
        """Give the event the retention class of its source; a line cannot choose its own."""
        kind = self._settings.retention
        if event.fields.get(RETENTION, NORMAL) == kind:
            return event
        fields = {name: value for name, value in event.fields.items() if name != RETENTION}
        if kind != NORMAL:
            fields[RETENTION] = kind
        return msgspec.structs.replace(event, fields=fields)

    def _with_transport(self, event: Event, item: Item) -> Event:
        """Lay beside the event what its transport said of it."""
        if not (item.beside or item.kept or item.time):
            return event
        fields = {**item.beside, **event.fields}
        time, sealed = event.time, event.sealed
        if item.time is not None and fields.pop(TIME_MISSING, None):
            time = item.time
        if item.kept:
            kept = {name: self._redactor.redact(text)[0] for name, text in item.kept.items()}
            sealed = self._with_kept(sealed, kept, fields, event.id)
        return msgspec.structs.replace(event, time=time, fields=fields, sealed=sealed)

    def _with_kept(
        self, sealed: bytes, kept: Mapping[str, Value], fields: Mapping[str, Value], event_id: str
    ) -> bytes:
        """Seal texts of the transport with what is sealed already."""
        bodies = self._pseudonymiser.bodies
        if bodies is not None:
            return bodies.add(sealed, kept, fields, event_id)
        context = f"event:{event_id}"
        inside = msgspec.json.decode(self._sealer.open(sealed, context=context)) if sealed else {}
        return self._sealer.seal(msgspec.json.encode({**inside, **kept}), context=context)

    def _decoded(self, raw: bytes) -> str:
        r"""Decode UTF-8; other bytes become ``\xHH``. Of an overlong line, the start is kept."""
        return raw[: self._longest].decode("utf-8", "backslashreplace").removesuffix("\r")

    def _sample(
        self, items: Iterator[tuple[int, Item]]
    ) -> tuple[list[tuple[int, Item]], list[str]]:
        """Take from ``items`` until there are texts enough; return what was taken, and them."""
        taken: list[tuple[int, Item]] = []
        texts: list[str] = []
        for entry in items:
            taken.append(entry)
            text = self._decoded(entry[1].raw)
            if text.strip():
                texts.append(text)
                if len(texts) == SAMPLE_LINES:
                    break
        return taken, texts

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


def _slice(waiting: Iterator[tuple[int, Item]]) -> list[tuple[int, Item]]:
    """Take the lines that may be read at one go: the event loop waits meanwhile."""
    chunk: list[tuple[int, Item]] = []
    size = 0
    for number, item in waiting:
        chunk.append((number, item))
        size += len(item.raw)
        if len(chunk) >= SLICE_EVENTS or size >= SLICE_BYTES:
            break
    return chunk


def _tell(source: str, name: str, profile: str) -> None:
    log = structlog.get_logger("collector")
    log.info("format chosen", source=source, format=name, profile=profile)


def _unforeseen(error: Exception) -> Unparsed:
    return Unparsed(f"unforeseen {type(error).__name__}")


class _Identity(msgspec.Struct, frozen=True, gc=False):
    """Gives the event of one line its id and reference; by its own id where the line has one."""

    source: str
    digest: Callable[[str], str]
    number: int
    item: Item

    def __call__(self, own_id: str) -> tuple[str, str]:
        if own_id:
            return digest_id("event", self.source, own_id), f"{self.source}#{own_id}"
        if self.item.own_id:
            ref = self.item.ref or self.item.own_id
            return digest_id("event", self.source, self.item.own_id), f"{self.source}#{ref}"
        return self.digest(str(self.number)), ""


class _Line(msgspec.Struct, gc=False):
    """A line on its way to an event, or to a reason."""

    number: int
    item: Item
    text: str
    identify: _Identity
    draft: Draft | Unparsed | None = None
