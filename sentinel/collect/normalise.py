"""From parsed fields to an `Event`: allow-list, meaning, redaction, pseudonyms, in this order.

Offline (no pseudonymiser) the values stay as they are: the file is the reader's own, and nothing
is stored.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from sentinel.collect.field_types import bounded, typed
from sentinel.collect.formats.base import Parsed
from sentinel.collect.formats.times import read_time
from sentinel.collect.profile import Profile
from sentinel.collect.pseudonymise import Disguise, Pseudonymiser
from sentinel.collect.redact import Redactor
from sentinel.collect.touched import touch
from sentinel.domain.event import (
    ACTOR_KIND,
    SESSION,
    USER,
    Event,
    LogSource,
    Value,
)
from sentinel.ids import digest_id
from sentinel.store.ports import Sealer

TIME_MISSING = "sentinel.time_missing"
INVALID = "sentinel.invalid_fields"
UNPARSED = "sentinel.unparsed"

Identify = Callable[[str], tuple[str, str]]
"""From the line's own id (or the empty text) to the event's id and reference."""

# No log tells of a time outside these; arithmetic on one, a window or a notice, would overflow.
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_FAILURE_FROM = 400  # HTTP status (RFC 9110, section 15)


class Normaliser:
    """Turns the parsed lines of one source into events."""

    def __init__(
        self,
        profile: Profile,
        *,
        redactor: Redactor,
        source: str = "",
        pseudonymiser: Pseudonymiser | None = None,
        sealer: Sealer | None = None,
    ) -> None:
        self._profile = profile
        self._source = source or profile.id
        self._redactor = redactor
        self._pseudonymiser = pseudonymiser
        self._sealer = sealer
        self._keep = profile.unlisted == "keep_offline" and pseudonymiser is None
        self._disguise = _disguise(profile, pseudonymiser) if pseudonymiser else None

    def event(
        self, parsed: Parsed, *, identify: Identify, received: datetime
    ) -> tuple[Event, list[str]]:
        """Return the event and the names of the fields that the profile does not list."""
        raw = dict(parsed.fields)
        time = _possible(parsed.time or self._time(raw))
        own_id = str(raw.pop(self._profile.own_id, None) or "") if self._profile.own_id else ""
        logsource = self._logsource(raw, parsed.logsource)
        fields, dropped = self._select(raw)
        if time is None:
            time = received
            fields[TIME_MISSING] = True
        self._interpret(fields, raw)
        session = self._session_key(fields)
        self._redactor.redact_fields(fields)
        event_id, ref = identify(own_id)
        sealed = b""
        if self._disguise is not None:
            sealed = self._seal(self._disguise.apply(fields), event_id)
            ref = self._disguise.text(ref)
        if session:
            fields[SESSION] = self._session(session)
        event = Event(
            id=event_id,
            time=time,
            source=self._source,
            ref=ref,
            logsource=logsource,
            fields=fields,
            sealed=sealed,
        )
        return event, dropped

    def unparsed(self, line: str, reason: str, *, event_id: str, received: datetime) -> Event:
        """Return an event that keeps a line that was not understood, sealed after redaction."""
        clean, kinds = self._redactor.redact(line)
        fields: dict[str, Value] = {"event.dataset": UNPARSED, "error.message": reason}
        if kinds:
            fields["sentinel.redacted"] = list(kinds)
        return Event(
            id=event_id,
            time=received,
            source=self._source,
            ref="",
            logsource=self._profile.source,
            fields=fields,
            sealed=self._seal({"event.original": clean}, event_id),
        )

    def _seal(self, originals: dict[str, Value], event_id: str) -> bytes:
        if not originals or self._sealer is None:
            return b""
        return self._sealer.seal(msgspec.json.encode(originals), context=f"event:{event_id}")

    def _time(self, raw: dict[str, Value]) -> datetime | None:
        for name in self._profile.time:
            time = read_time(raw.get(name))
            if time is not None:
                if name not in self._profile.fields:
                    del raw[name]
                return time
        return None

    def _logsource(self, raw: dict[str, Value], told: LogSource | None) -> LogSource:
        names = self._profile.logsource_fields
        if not isinstance(raw.get(names.get("product", "")), str):
            return (
                told if told is not None and not self._profile.logsource else self._profile.source
            )
        own = {
            part: str(raw.pop(name))
            for part, name in names.items()
            if isinstance(raw.get(name), str)
        }
        return LogSource(**{**self._profile.logsource, **own})

    def _select(self, raw: dict[str, Value]) -> tuple[dict[str, Value], list[str]]:
        """Keep what the profile lists under its ECS name and type."""
        fields: dict[str, Value] = dict(self._profile.constants)
        dropped: list[str] = []
        invalid: list[str] = []
        for name, value in raw.items():
            if value is None:
                continue
            rule = self._profile.fields.get(name)
            if rule is None:
                if self._keep:
                    fields[name] = bounded(value)
                else:
                    dropped.append(name)
                continue
            if value == rule.absent:
                continue
            converted = typed(value, rule.type)
            if converted is None:
                invalid.append(name)
            else:
                fields[rule.to] = converted
        if invalid:
            fields[INVALID] = list(invalid)
        return fields, dropped

    def _interpret(self, fields: dict[str, Value], raw: dict[str, Value]) -> None:
        """Say who acts, on whose data, with which outcome, in which session."""
        if self._profile.actor_kind and ACTOR_KIND not in fields:
            known = bool(fields.get(USER))
            fields[ACTOR_KIND] = self._profile.actor_kind if known else "visitor"
        touch(self._profile, fields, raw)
        status = fields.get("http.response.status_code")
        if isinstance(status, int) and "event.outcome" not in fields:
            fields["event.outcome"] = "failure" if status >= _FAILURE_FROM else "success"

    def _session_key(self, fields: dict[str, Value]) -> str:
        """Return what makes a session: the user, or address and browser where nobody signed in.

        Empty where the line names its session itself, or names neither.
        """
        if not self._profile.derive_session or SESSION in fields:
            return ""
        user = fields.get(USER)
        if user:
            return f"user\0{user}"
        if "source.ip" in fields:
            return f"client\0{fields['source.ip']}\0{fields.get('user_agent.original', '')}"
        return ""

    def _session(self, key: str) -> str:
        if self._pseudonymiser is not None:
            return self._pseudonymiser.pseudonym("ses", key)
        return f"ses_{digest_id('session', key)[:16]}"


def _possible(time: datetime | None) -> datetime | None:
    return time if time is not None and _EARLIEST <= time < _LATEST else None


def _disguise(profile: Profile, pseudonymiser: Pseudonymiser) -> Disguise:
    return Disguise(
        pseudonymiser,
        identifiers=profile.identifiers,
        routes=profile.route_table,
        subject_pattern=profile.subject_pattern,
        texts=profile.texts,
    )
