"""Lines a CPU second by format, beside decoding JSON alone, and the cost of a megabyte line.

    python bench/parse/run.py              # parse, and the whole path of the service
    python bench/parse/run.py --worst      # one hostile line of a megabyte for each format

Material: the sample lines of `tests/fixtures/logs`, repeated with a counter in the path so that
caches see many values. CPU time of this process, best of three.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from sentinel.collect.choose import choose
from sentinel.collect.formats.base import Parsed
from sentinel.collect.formats.registry import all_formats, format_named
from sentinel.collect.normalise import Normaliser
from sentinel.collect.profile import load_profiles
from sentinel.collect.pseudonymise import Pseudonymiser
from sentinel.collect.redact import Redactor
from sentinel.content import content_dir
from sentinel.store.seal import AesGcmSealer

LOGS = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "logs"
LINES = 5_000
NOW = datetime(2026, 3, 28, tzinfo=UTC)
KEY = bytes(range(32))
MEGABYTE = 1_000_000
FILLERS = ("a", " ", '"', "\\", "[", ",", "=", " a=", "'", "/", '" "', "1", "{", " - ", "\\x", "a.",
           "password", "cookie=a;", "%3D", "[a]", "AUDIT: ", "from x ", ": ", "-1/")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worst", action="store_true", help="a megabyte line for each format")
    worst() if parser.parse_args().worst else speed()


def speed() -> None:
    profiles = load_profiles(content_dir("rules") / "sources")
    decoder = msgspec.json.Decoder()
    print(f"{'format':18} {'bytes':>6} {'parse/s':>10} {'stored/s':>10} {'json/s':>10}")
    for name in sorted(all_formats()):
        lines = list(material(name))
        if not lines:
            continue
        parser = format_named(name).fresh()
        parsed = _seconds(lambda parser=parser, lines=lines: [parser.parse(one) for one in lines])
        _, profile = choose(profiles, format_name=name, profile_name="", sample=lines[:64])
        normaliser = Normaliser(
            profile,
            redactor=Redactor(),
            pseudonymiser=Pseudonymiser(KEY),
            sealer=AesGcmSealer(KEY),
        )
        stored = _seconds(lambda n=normaliser, name=name, lines=lines: _store(name, n, lines))
        json = 0.0
        if lines[0].startswith("{"):
            json = _seconds(lambda lines=lines: [decoder.decode(one) for one in lines])
        size = sum(map(len, lines)) // len(lines)
        print(f"{name:18} {size:6} {_rate(parsed)} {_rate(stored)} {_rate(json)}")


def material(name: str) -> Iterator[str]:
    """Yield many lines of a format, none like another."""
    path = LOGS / f"{'nginx_combined' if name == 'apache_combined' else name}.log"
    samples = path.read_text(encoding="utf-8").splitlines()
    header = [line for line in samples if line.startswith(("#Fields: date", "kind,"))]
    yield from header
    lines = [line for line in samples if not line.startswith(("#", "kind,", "07:"))]
    for index in range(LINES):
        yield lines[index % len(lines)].replace("192.0.2.4", f"192.0.2.{index % 250}")


def _store(name: str, normaliser: Normaliser, lines: list[str]) -> None:
    parser = format_named(name).fresh()
    for index, line in enumerate(lines):
        parsed = parser.parse(line)
        if isinstance(parsed, Parsed):
            identity = (f"{index:032}", "")
            normaliser.event(parsed, identify=lambda _, i=identity: i, received=NOW)


def _seconds(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(3):
        begin = time.process_time()
        work()
        spent.append(time.process_time() - begin)
    return min(spent)


def _rate(seconds: float) -> str:
    return f"{LINES / seconds:10,.0f}" if seconds else f"{'':>10}"


def worst() -> None:
    print(
        f"{'format':18} {'seconds':>8}  for one line of {MEGABYTE:,} characters, its worst filler"
    )
    for name in sorted(all_formats()):
        path = LOGS / f"{'nginx_combined' if name == 'apache_combined' else name}.log"
        samples = path.read_text(encoding="utf-8").splitlines()
        cut = len(samples[-1]) * 2 // 3
        costs = []
        for filler in FILLERS:
            parser = format_named(name).fresh()
            for line in samples:
                parser.parse(line)
            bomb = samples[-1][:cut] + filler * (MEGABYTE // len(filler)) + samples[-1][cut:]
            costs.append((_once(lambda p=parser, b=bomb: p.parse(b)), filler))
        _tell(name, costs)
    redactor = Redactor()
    texts = [(filler, "x password=" + filler * (MEGABYTE // len(filler))) for filler in FILLERS]
    _tell("(redaction)", [(_once(lambda t=text: redactor.redact(t)), f) for f, text in texts])


def _once(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def _tell(name: str, costs: list[tuple[float, str]]) -> None:
    seconds, filler = max(costs)
    print(f"{name:18} {seconds:8.3f}  {filler!r}")


if __name__ == "__main__":
    main()
