"""What the look over many lines passes over is clean: the fast way gives the plain way's events."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.clock import ManualClock
from sentinel.collect.envelope import records
from sentinel.collect.formats.base import Parsed
from sentinel.collect.formats.registry import format_named
from sentinel.collect.intake import Intake
from sentinel.collect.normalise import Normaliser
from sentinel.collect.profile import load_profiles
from sentinel.collect.pseudonymise import Pseudonymiser
from sentinel.collect.redact import Redactor
from sentinel.collect.screen import holding, laid_end_to_end, signs
from sentinel.config import SourceSettings
from sentinel.content import content_dir
from sentinel.domain.event import Event
from sentinel.ids import digest_id
from sentinel.store.seal import AesGcmSealer

NOW = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
KEY = bytes(range(32))
PROFILES = load_profiles(content_dir("rules") / "sources")
PSEUDONYMS = Pseudonymiser(KEY)
SEALER = AesGcmSealer(KEY)
TESTS = Path(__file__).resolve().parents[1]
WEB = TESTS.parents[1] / "shared" / "data" / "web"

# Pieces of what redaction and pseudonyms look for, whole, cut, and disguised as something else.
PIECES = [
    "password=hunter2", "token%3Dabcd", "key[secret]=4", "pin: 1234", "'pwd' : 'x'", "bypass=1",
    "auth: bearer abcdefghijklmnopqr", "Authorization: Basic dXNlcg==", "--password x", "PWD=/home",
    "sshpass -p x", "curl/7.1 -u a:b", "curl -s --user a:b x", "mysql -u x -phello", "://u:p@h/",
    "4111111111111111", "4111 1111 1111 1111", "4111%201111-1111+1111", "41111111111111",
    "FR7630006000011234567890189", "fr76 3000 6000 0112 3456 7890 189", "ZZ7630006000011234567",
    "eyJhbGciOiJI.eyJzdWIiOiIx.abc", "AKIAABCDEFGHIJKLMNOP", "glpat-abcdefghijklmnopqrst",
    "xoxb-1234567890", "sk_live_0123456789abcdef", "cookie: a=b", "Set-Cookie='s=1'",
    "-----BEGIN PRIVATE KEY-----", "C00123", "C00123C00124", "xC00123", "a.b@example.org",
    "a.b%40example.org", "192.0.2.4", "s-81", "\u017fecret=x1", "\u212aey", "\x0b", "\u00e9", "%",
]  # fmt: skip


def plain(name: str, profile: str, lines: list[bytes]) -> list[Event]:
    """Read each line by itself, each field looked at: the way of `Normaliser.event`."""
    normaliser = Normaliser(
        PROFILES[profile],
        redactor=Redactor(),
        source="src",
        pseudonymiser=PSEUDONYMS,
        sealer=SEALER,
    )
    parser, events = format_named(name).fresh(), list[Event]()
    for number, line in enumerate(lines, start=1):
        text = line.decode("utf-8", "backslashreplace").removesuffix("\r")
        parsed = parser.parse(text) if text.strip() else None
        if isinstance(parsed, Parsed):

            def identify(own: str, number: int = number) -> tuple[str, str]:
                if own:
                    return digest_id("event", "src", own), f"src#{own}"
                return digest_id("event", "src", "b", str(number)), ""

            event, _ = normaliser.event(parsed, identify=identify, received=NOW)
            events.append(event)
    return events


def opened(event: Event) -> tuple[Event, Any]:
    originals = SEALER.open(event.sealed, context=f"event:{event.id}") if event.sealed else b"{}"
    return msgspec.structs.replace(event, sealed=b""), msgspec.json.decode(originals)


def compare(name: str, profile: str, lines: list[bytes]) -> int:
    """Hold the two ways against each other; return how many events were compared."""
    intake = Intake(
        SourceSettings(name="src", format=name, profile=profile),
        PROFILES,
        pseudonymiser=PSEUDONYMS,
        sealer=SEALER,
        clock=ManualClock(NOW),
        max_line_bytes=1 << 20,
    )
    batch = intake.batch(lines, "b")
    fast = [e for e in batch.events if e.fields.get("event.dataset") != "sentinel.unparsed"]
    expected = plain(name, profile, lines)
    for event, other in zip(fast, expected, strict=True):
        assert opened(event) == opened(other)
    return len(fast)


def access_line(number: int, target: str, referrer: str, agent: str) -> bytes:
    user = f"C{number % 900:05}" if number % 3 else "-"
    head = f"192.0.2.{number % 250} - {user} [24/Jan/2026:07:34:{number % 60:02} +0000]"
    line = f'{head} "GET {target} HTTP/1.1" 200 {number} "{referrer}" "{agent}"'
    return line.replace("\n", "\\x0A").encode("utf-8", "replace")


def audit_line(number: int, one: str, other: str) -> bytes:
    record = {
        "id": f"crm-{number}-{one if number % 4 else ''}",
        "time": "2026-01-02T03:04:05.678Z",
        "actor": {
            "id": other if number % 5 else "a.martin",
            "kind": ["staff", "customer"][number % 2],
        },
        "action": one,
        "customers": ["C00123", other] if number % 3 else one,
        "records": [1, 4111111111111111, 2**70, "3"][number % 4],
        "mfa": [True, "yes", 1][number % 3],
        "ip": one,
        "path": f"/crm/customers/{one}/invoices/{other}",
        "session": other,
        "agent": {"x": one} if number % 11 == 0 else other,
    }
    return json.dumps(record).encode()


def hostile() -> Iterator[tuple[int, str, str]]:
    for number in range(len(PIECES) ** 2):
        yield number, PIECES[number % len(PIECES)], PIECES[number // len(PIECES)]


def test_hostile_web_lines() -> None:
    lines = [
        access_line(n, f"/customers/{a}/invoices/{n}?x={a}&{b}", b if n % 3 else "-", a + b)
        for n, a, b in hostile()
    ]
    assert compare("nginx_combined", "nginx-site", lines) > 1_000
    assert compare("nginx_combined", "generic-web", lines) > 1_000


def test_hostile_audit_lines() -> None:
    lines = [audit_line(n, a, b) for n, a, b in hostile()]
    assert compare("json", "crm-audit", lines) == len(lines)
    assert compare("json", "generic-json", lines) == len(lines)


def _is_document(line: bytes) -> bool:
    return records(line.decode("utf-8", "backslashreplace")) is not None


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_samples_and_what_the_fuzzer_kept(profile: str) -> None:
    fuzzed = [
        base64.b85decode(json.loads(line)["input"])
        for line in (TESTS / "fuzz" / "corpus.ndjson").read_bytes().splitlines()
    ]
    compared = 0
    for name in PROFILES[profile].formats:
        sample = TESTS / "fixtures" / "logs" / f"{name}.log"
        lines = sample.read_bytes().split(b"\n") if sample.is_file() else []
        for data in fuzzed:
            asked, _, body = data.partition(b"\n")
            if asked == name.encode():
                lines += body.split(b"\n")
        compared += compare(name, profile, [one for one in lines if not _is_document(one)])
    assert compared


@pytest.mark.skipif(not WEB.is_dir(), reason=f"no shared data at {WEB}")
def test_real_logs() -> None:
    for pattern, step in (("elastic/apache_combined.log.gz", 5), ("ait_*/access2.log.gz", 5)):
        for path in WEB.glob(pattern):
            lines = gzip.decompress(path.read_bytes()).split(b"\n")[::step]
            assert compare("apache_combined", "generic-web", lines) > len(lines) * 0.9


TEXTS = st.lists(
    st.one_of(st.sampled_from(PIECES), st.text(max_size=6), st.sampled_from(list("=:;&'\" %\\|,"))),
    max_size=6,
).map("".join)


@settings(max_examples=600, deadline=None)
@given(TEXTS, st.lists(TEXTS, max_size=3))
def test_what_redaction_changes_has_a_sign(text: str, beside: list[str]) -> None:
    if Redactor().redact(text)[1]:
        texts = [one.encode() for one in (*beside, text, *beside)]
        assert len(beside) in holding(signs(), texts)


@settings(max_examples=200, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_a_subject_is_found_wherever_its_text_lies(texts: list[str]) -> None:
    pattern = r"\bC\d{5,8}\b"
    laid = laid_end_to_end(pattern)
    encoded = [text.encode() for text in texts]
    found = holding(laid, encoded)
    assert {n for n, text in enumerate(encoded) if laid and laid.search(text)} <= found


def test_a_pattern_that_asks_for_an_edge_sees_each_text_by_itself() -> None:
    assert laid_end_to_end(r"^C\d+$") is None
    assert laid_end_to_end("") is None
