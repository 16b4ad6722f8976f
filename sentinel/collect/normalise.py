"""From parsed fields to an `Event`: allow-list, meaning, redaction, pseudonyms, in this order.

`Normaliser.event` does it all for one line. `draft`, `look` and `finish` do the same for many: the
first step of each, then one look over all, then redaction and pseudonyms where they may find
anything. The two give equal events.

Offline (no pseudonymiser) the values stay as they are: the file is the reader's own, and nothing
is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from sentinel.collect.field_types import bounded, typed
from sentinel.collect.formats.base import Parsed
from sentinel.collect.formats.times import read_time
from sentinel.collect.profile import FieldRule, FieldType, Profile
from sentinel.collect.pseudonymise import Disguise, Pseudonymiser, actor_prefix
from sentinel.collect.redact import Redactor, is_secret_name
from sentinel.collect.screen import holding, laid_end_to_end, signs
from sentinel.collect.touched import touches
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


_PLAIN: dict[FieldType, tuple[type, ...]] = {
    "any": (str, int),
    "text": (str,),
    "int": (int,),
    "bool": (bool,),
}
_SHORT_NUMBER = 10**12  # below it, no number has the digits of a payment card


class Draft(msgspec.Struct, gc=False):
    """An event before redaction and pseudonyms: never stored, never shown.

    ``session``: what makes its session. ``secrets``, ``subjects``: False where a look over its
    texts has shown that they hold none.
    """

    id: str
    time: datetime
    ref: str
    logsource: LogSource
    fields: dict[str, Value]
    session: str
    dropped: list[str]
    secrets: bool = True
    subjects: bool = True


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
        self._bodies = pseudonymiser.bodies if pseudonymiser else None
        self._keep = profile.unlisted == "keep_offline" and pseudonymiser is None
        self._disguise = _disguise(profile, pseudonymiser) if pseudonymiser else None
        self._touches = touches(profile)
        self._rules = {
            name: (rule.to, rule.absent, *_plain(rule)) for name, rule in profile.fields.items()
        }
        self._signs = signs()
        self._subject = laid_end_to_end(profile.subject_pattern)
        names = [*profile.constants, *(rule.to for rule in profile.fields.values())]
        # A field that is a secret by its name is found by its name alone.
        self._closely = self._keep or any(map(is_secret_name, names))

    def event(
        self, parsed: Parsed, *, identify: Identify, received: datetime
    ) -> tuple[Event, list[str]]:
        """Return the event and the names of the fields that the profile does not list."""
        draft = self.draft(parsed, identify=identify, received=received)
        return self.finish(draft), draft.dropped

    def draft(self, parsed: Parsed, *, identify: Identify, received: datetime) -> Draft:
        """Read one line as far as it may be read before redaction."""
        raw = dict(parsed.fields)
        time = _possible(parsed.time or self._time(raw))
        own_id = str(raw.pop(self._profile.own_id, None) or "") if self._profile.own_id else ""
        logsource = self._logsource(raw, parsed.logsource)
        fields, dropped = self._select(raw)
        if time is None:
            time = received
            fields[TIME_MISSING] = True
        self._interpret(fields, raw)
        event_id, ref = identify(own_id)
        session = self._session_key(fields)
        return Draft(event_id, time, ref, logsource, fields, session, dropped)

    def look(self, drafts: Sequence[Draft]) -> None:
        """Look over ``drafts`` and note on each what need not be searched for."""
        if not self._closely:
            texts = [_text(draft.fields.values()) for draft in drafts]
            suspects = holding(self._signs, [text or b"" for text in texts])
            for index, draft in enumerate(drafts):
                draft.secrets = texts[index] is None or index in suspects
        if self._subject is not None and self._disguise is not None:
            names = [name for name, _ in self._disguise.texts]
            texts = [_text([d.ref, *map(d.fields.get, names)]) for d in drafts]
            suspects = holding(self._subject, [text or b"" for text in texts])
            for index, draft in enumerate(drafts):
                draft.subjects = texts[index] is None or index in suspects

    def finish(self, draft: Draft) -> Event:
        """Redact and disguise a draft, which is used up."""
        fields, ref, sealed = draft.fields, draft.ref, b""
        if draft.secrets:
            self._redactor.redact_fields(fields)
        if self._disguise is not None:
            # Redaction may bring together what makes a subject, or an end of one.
            subjects = draft.subjects or draft.secrets
            originals = self._disguise.apply(fields, subjects=subjects)
            sealed = self._sealed(originals, fields, draft.id)
            ref = self._disguise.text(ref, subjects=draft.subjects)
        if draft.session:
            fields[SESSION] = self._session(draft.session, fields)
        return Event(
            id=draft.id,
            time=draft.time,
            source=self._source,
            ref=ref,
            logsource=draft.logsource,
            fields=fields,
            sealed=sealed,
        )

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

    def _sealed(
        self, originals: dict[str, Value], fields: dict[str, Value], event_id: str
    ) -> bytes:
        if self._bodies is None:
            return self._seal(originals, event_id)
        return self._bodies.seal(originals, fields, event_id) if originals else b""

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

    def _select(self, raw: Mapping[str, Any]) -> tuple[dict[str, Value], list[str]]:
        """Keep what the profile lists under its ECS name and type."""
        fields: dict[str, Value] = dict(self._profile.constants)
        dropped: list[str] = []
        invalid: list[str] = []
        rules = self._rules
        for name, value in raw.items():
            if value is None:
                continue
            rule = rules.get(name)
            if rule is None:
                if self._keep:
                    fields[name] = bounded(value)
                else:
                    dropped.append(name)
                continue
            to, absent, plain, wanted = rule
            if value == absent:
                continue
            kind = value.__class__
            if kind in plain and (kind is not int or -_SHORT_NUMBER < value < _SHORT_NUMBER):
                fields[to] = value
                continue
            converted = typed(value, wanted)
            if converted is None:
                invalid.append(name)
            else:
                fields[to] = converted
        if invalid:
            fields[INVALID] = list(invalid)
        return fields, dropped

    def _interpret(self, fields: dict[str, Value], raw: dict[str, Value]) -> None:
        """Say who acts, on whose data, with which outcome, in which session."""
        if self._profile.actor_kind and ACTOR_KIND not in fields:
            known = bool(fields.get(USER))
            fields[ACTOR_KIND] = self._profile.actor_kind if known else "visitor"
        for step in self._touches:
            step(self._profile, fields, raw)
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

    def _session(self, key: str, fields: dict[str, Value]) -> str:
        if self._pseudonymiser is not None:
            made_of, _, name = key.partition("\0")
            if made_of == "user":
                return self._pseudonymiser.session(actor_prefix(fields), name)
            return self._pseudonymiser.pseudonym("ses", key)
        return f"ses_{digest_id('session', key)[:16]}"


def _plain(rule: FieldRule) -> tuple[tuple[type, ...], FieldType]:
    """Return the classes whose values need no conversion, and the type that others are given."""
    return _PLAIN.get(rule.type, ()), rule.type


def _text(values: Iterable[Any]) -> bytes | None:
    """Return the texts among ``values``, one a line; None where they are not texts alone."""
    texts: list[str] = []
    for value in values:
        kind = value.__class__
        if kind is str:
            texts.append(value)
        elif kind is int:
            if not -_SHORT_NUMBER < value < _SHORT_NUMBER:
                return None
        elif kind is list:
            if not all(item.__class__ is str for item in value):
                return None
            texts += value
        elif value is not None and kind is not bool and kind is not float:
            return None
    try:
        return "\n".join(texts).encode()
    except UnicodeEncodeError:
        return None


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
