"""A parser never raises, an event is always storable, and nothing is lost, whatever comes."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.clock import ManualClock
from sentinel.collect.bank_numbers import is_card
from sentinel.collect.body import BadBody, BodyTooLarge, decompressed, lines_of
from sentinel.collect.formats.base import Parsed, Unparsed
from sentinel.collect.formats.combined import NginxCombined
from sentinel.collect.formats.registry import all_formats, detect_format
from sentinel.collect.formats.times import read_time
from sentinel.collect.intake import Intake
from sentinel.collect.profile import load_profiles
from sentinel.collect.pseudonymise import Pseudonymiser
from sentinel.collect.redact import Redactor
from sentinel.config import SourceSettings
from sentinel.content import content_dir
from sentinel.store.payload import encode
from sentinel.store.seal import AesGcmSealer

KEY = bytes(range(32))
LOGS = Path(__file__).resolve().parents[1] / "fixtures" / "logs"
PROFILES = load_profiles(content_dir("rules") / "sources")
FORMATS = sorted(all_formats())
CLOCK = ManualClock(datetime(2026, 3, 1, tzinfo=UTC))

COMBINED = '192.0.2.4 - C00123 [24/Jan/2026:07:34:57 +0000] "GET /a?b=1 HTTP/1.1" 200 6 "-" "M"'
SEEDS = (
    COMBINED,
    '192.0.2.4 - - [24/Jan/2026:07:34:57 +0000] "GET / HTTP/1.1" 304 -',
    "Mar 27 13:06:56 web1 sshd[1]: Failed password for root from 192.0.2.1 port 22 ssh2",
    '{"remote_addr":"192.0.2.1","request":"GET / HTTP/1.1","status":"200","msec":"1.5"}',
    '{"@timestamp":"2026-01-02T03:04:05Z","user":{"name":"a"}}',
    '{"id":"1","time":"2026-01-02T03:04:05Z","actor":{"id":"a","kind":"staff"},"action":"x"}',
    "kind,id,customer",
    *(line for path in sorted(LOGS.glob("*.log")) for line in path.read_text().splitlines()),
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=8,
)
NAMES = ("id", "time", "actor", "action", "customers", "records", "mfa", "ip", "path", "session")
crm_like = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), json_values, max_size=8)


@st.composite
def bent_lines(draw: st.DrawFn) -> str:
    """A real line with a piece cut out and something else put in."""
    line = draw(st.sampled_from(SEEDS))
    start = draw(st.integers(0, len(line)))
    end = draw(st.integers(start, len(line)))
    return line[:start] + draw(st.text(max_size=12)) + line[end:]


lines = st.text(max_size=200) | bent_lines() | crm_like.map(json.dumps)


def intake(profile: str = "") -> Intake:
    return Intake(
        SourceSettings(name="src", profile=profile),
        PROFILES,
        pseudonymiser=Pseudonymiser(KEY),
        sealer=AesGcmSealer(KEY),
        clock=CLOCK,
        max_line_bytes=10_000,
    )


@given(st.sampled_from(FORMATS), st.lists(lines | st.text(st.characters(codec=None)), max_size=4))
def test_a_parser_never_raises(name: str, sample: list[str]) -> None:
    parser = all_formats()[name].fresh()
    for line in sample:
        parsed = parser.parse(line)
        assert parsed is None or isinstance(parsed, Parsed | Unparsed)
        if isinstance(parsed, Parsed) and parsed.time is not None:
            assert parsed.time.tzinfo is UTC


@given(st.lists(lines, max_size=4))
def test_detection_never_raises_and_names_a_reader(sample: list[str]) -> None:
    fmt = detect_format(sample)
    if fmt is not None:
        parser = fmt.fresh()
        assert any(isinstance(parser.parse(line), Parsed) for line in sample)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["", *PROFILES]),
    st.lists(lines.map(lambda text: text.encode("utf-8")) | st.binary(max_size=80), max_size=5),
)
def test_every_line_becomes_one_storable_event(profile: str, batch: list[bytes]) -> None:
    batch = [line.replace(b"\n", b" ") for line in batch]
    result = intake(profile).batch(batch, "b")
    full = sum(bool(line.decode("utf-8", "backslashreplace").strip()) for line in batch)
    headers = full - len(result.events)
    assert 0 <= headers <= full
    if "csv" not in (PROFILES[profile].formats if profile else ["csv"]):
        assert headers == 0
    assert len(encode(result.events)) == len(result.events)
    again = intake(profile).batch(batch, "b")
    assert [event.id for event in again.events] == [event.id for event in result.events]


@settings(max_examples=150, deadline=None)
@given(crm_like)
def test_no_identifier_of_a_crm_line_is_stored_in_clear(extra: dict[str, object]) -> None:
    line = {
        **extra,
        "actor": {"id": "zo.martin7", "kind": "staff"},
        "customers": ["C70123"],
        "ip": "192.0.2.77",
        "path": "/crm/customers/C70123/invoices?by=zo.martin7&from=192.0.2.77&other=C70999",
    }
    (event,) = intake("crm-audit").batch([json.dumps(line).encode()], "b").events
    clear = msgspec.json.encode(msgspec.structs.replace(event, sealed=b"")).decode()
    for identifier in ("zo.martin7", "C70123", "C70999", "192.0.2.77"):
        assert identifier not in clear


quoted = st.text(
    st.characters(codec="ascii", min_codepoint=0x20, max_codepoint=0x7E), max_size=40
).filter(lambda text: text not in ("", "-"))


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


@given(quoted, quoted, st.integers(100, 599), st.integers(0, 10**12))
def test_what_a_server_escapes_comes_back(
    agent: str, referrer: str, status: int, size: int
) -> None:
    line = (
        f'192.0.2.4 - - [24/Jan/2026:07:34:57 +0000] "GET / HTTP/1.1" {status} {size} '
        f'"{escaped(referrer)}" "{escaped(agent)}"'
    )
    parsed = NginxCombined().parse(line)
    assert isinstance(parsed, Parsed)
    assert parsed.fields["user_agent.original"] == agent
    assert parsed.fields["http.request.referrer"] == referrer
    assert parsed.fields["http.response.status_code"] == status
    assert parsed.fields["http.response.body.bytes"] == size


@given(st.datetimes(datetime(1980, 1, 1), datetime(2200, 1, 1)))  # noqa: DTZ001 - made aware below
def test_instants_survive_their_notations(naive: datetime) -> None:
    instant = naive.replace(tzinfo=UTC, microsecond=naive.microsecond // 1000 * 1000)
    assert read_time(instant.isoformat()) == instant
    assert read_time(round(instant.timestamp() * 1000)) == instant
    whole = instant.replace(microsecond=0)
    assert read_time(whole.strftime("%d/%b/%Y:%H:%M:%S +0000")) == whole


@given(st.text() | st.from_regex(r"[0-9 -]{10,40}") | bent_lines())
def test_redaction_is_idempotent_and_never_raises(text: str) -> None:
    once, kinds = Redactor().redact(text)
    assert Redactor().redact(once) == (once, ())
    assert bool(kinds) == (once != text)


@given(st.from_regex(r"4[0-9]{14}", fullmatch=True), st.sampled_from(["", " ", "-"]))
def test_every_well_formed_card_is_found(digits: str, gap: str) -> None:
    number = next(digits + check for check in "0123456789" if is_card(digits + check))
    written = gap.join(number[at : at + 4] for at in range(0, 16, 4))
    assert Redactor().redact(f"paid {written} today") == (
        "paid [redacted:card_number] today",
        ("card_number",),
    )


@given(st.binary(max_size=4000), st.integers(0, 4000), st.sampled_from(["gzip", "zstd"]))
def test_compression_comes_back_whole_or_is_refused(body: bytes, cut: int, encoding: str) -> None:
    pack = gzip.compress if encoding == "gzip" else zstandard.compress
    packed = pack(body) + pack(body)  # two members, two frames
    assert decompressed(packed, encoding, limit=8000) == body + body
    if 0 < cut < len(packed) and cut != len(packed) // 2:
        with pytest.raises(BadBody):
            decompressed(packed[:cut], encoding, limit=8000)
    if body:
        with pytest.raises(BodyTooLarge):
            decompressed(packed, encoding, limit=2 * len(body) - 1)


@given(st.lists(json_values, max_size=5))
def test_a_json_array_is_a_line_an_element(items: list[object]) -> None:
    body = json.dumps(items, indent=1).encode()
    assert [json.loads(line) for line in lines_of(body, "application/json", most=10_000)] == items


@given(st.lists(st.text(st.characters(blacklist_characters="\n", codec="utf-8")), min_size=1))
def test_plain_lines_come_back(items: list[str]) -> None:
    body = "".join(f"{item}\n" for item in items).encode()
    expected = [item.encode() for item in items]
    if expected[0].startswith(b"\xef\xbb\xbf"):
        expected[0] = expected[0][3:]
    assert lines_of(body, "text/plain", most=10_000) == expected
