"""What is fuzzed: bytes become a format and some lines, which must be read, named, and cost little.

An input is the name of a format, a line feed, and lines. Three things are faults: an exception, a
reason that quotes the line, and CPU time beyond `budget`.
"""

from __future__ import annotations

import gc
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from sentinel.clock import ManualClock
from sentinel.collect.choose import choose
from sentinel.collect.envelope import records
from sentinel.collect.formats.auth import AuthLog
from sentinel.collect.formats.base import Format, Parsed, Unparsed
from sentinel.collect.formats.registry import AUTO, all_formats
from sentinel.collect.normalise import Normaliser
from sentinel.collect.profile import load_profiles
from sentinel.collect.pseudonymise import Pseudonymiser
from sentinel.collect.redact import Redactor
from sentinel.content import content_dir
from sentinel.store.payload import encode
from sentinel.store.seal import AesGcmSealer

NOW = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
KEY = bytes(range(32))
FORMATS: dict[str, Format] = all_formats() | {"auth": AuthLog(ManualClock(NOW))}
PROFILES = load_profiles(content_dir("rules") / "sources")
PSEUDONYMS = Pseudonymiser(KEY)
SEALER = AesGcmSealer(KEY)
LOGS = Path(__file__).resolve().parents[1] / "fixtures" / "logs"

_SECRET_LENGTH = 12  # shorter pieces of a line may stand in a reason by chance
_NORMALISERS: dict[tuple[str, bool], Normaliser] = {}


class Fault(AssertionError):
    """What the fuzzer looks for."""


def seeds() -> list[bytes]:
    """Return one input a sample file, and one under `auto`."""
    found: list[bytes] = []
    for path in sorted(LOGS.glob("*.log")):
        text = path.read_bytes()
        found += [path.stem.encode() + b"\n" + text, AUTO.encode() + b"\n" + text]
    return found


def run(data: bytes) -> Counter[str]:
    """Read the input as the service and as `sentinel scan` would; count what became of lines."""
    name, _, body = data.partition(b"\n")
    texts = body.decode("utf-8", "backslashreplace").split("\n")
    asked = name.decode("ascii", "replace")
    known = asked if asked in FORMATS else AUTO
    gc.disable()  # a sweep of the whole process's garbage is no cost of the input
    try:
        started = time.thread_time()
        outcome, fmt = _outcome(texts, known)
        spent = time.thread_time() - started
    finally:
        gc.enable()
    if spent > budget(len(body)):
        raise Fault(f"{spent:.2f} s of CPU for {len(body)} bytes of {fmt.name}")
    return outcome


def _outcome(texts: list[str], known: str) -> tuple[Counter[str], Format]:
    outcome: Counter[str] = Counter()
    texts = [one for text in texts for one in (records(text) or [text])]
    fmt, profile = choose(PROFILES, format_name=known, profile_name="", sample=texts)
    for kept in (False, True):
        parser = fmt.fresh()
        normaliser = _normaliser(profile.id, stored=kept)
        for text in texts:
            outcome[_read(parser, normaliser, text) if text.strip() else "blank"] += 1
    return outcome, fmt


def budget(size: int) -> float:
    """Return how many seconds of CPU an input may cost, instrumented: linear, generous."""
    return 1.0 + size * 50e-6


def _read(parser: Format, normaliser: Normaliser, text: str) -> str:
    result = parser.parse(text)
    if isinstance(result, Unparsed):
        if len(text) >= _SECRET_LENGTH and text in result.reason:
            raise Fault("the reason quotes the line")
        normaliser.unparsed(text, result.reason, event_id="0" * 32, received=NOW)
        return "unparsed"
    if result is None:
        return "directive"
    if not isinstance(result, Parsed):
        raise Fault(f"{type(result).__name__} is no result")
    if result.time is not None and result.time.utcoffset() != NOW.utcoffset():
        raise Fault("the instant is not UTC")
    event, _ = normaliser.event(result, identify=lambda _: ("0" * 32, "x:1"), received=NOW)
    encode([event])
    return "parsed"


def _normaliser(profile: str, *, stored: bool) -> Normaliser:
    if (profile, stored) not in _NORMALISERS:
        _NORMALISERS[profile, stored] = Normaliser(
            PROFILES[profile],
            redactor=Redactor(),
            pseudonymiser=PSEUDONYMS if stored else None,
            sealer=SEALER if stored else None,
        )
    return _NORMALISERS[profile, stored]
