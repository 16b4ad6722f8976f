"""No expression of any format is quadratic: a hostile line of 100,000 characters costs little.

What a sender can write is put into each sample line at three places. The bound is CPU time, a
hundred times what is measured; the quadratic expression that this found took a minute and more.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sentinel.collect.formats.registry import all_formats, format_named
from sentinel.collect.redact import Redactor

LOGS = Path(__file__).resolve().parents[1] / "fixtures" / "logs"
LENGTH = 100_000
FILLERS = (
    *("a", " ", '"', "\\", "[", ",", "=", " a=", "'", '" "', "1", "{", "\\x", "a."),
    *("cookie=a;", "%3D", "[a]", "AUDIT: ", "from x ", ": ", "-1/", "password ", "a@b ", "://a:"),
)
BOUND = 1.0  # seconds of CPU


def spent(work: object) -> float:
    assert callable(work)
    begin = time.process_time()
    work()
    return time.process_time() - begin


@pytest.mark.parametrize("name", sorted(set(all_formats()) - {"apache_combined"}))
def test_a_hostile_line_of_a_format(name: str) -> None:
    samples = (LOGS / f"{name}.log").read_text(encoding="utf-8").splitlines()
    for sample in samples[:2]:
        for filler in FILLERS:
            cut = len(sample) * 2 // 3
            bomb = sample[:cut] + filler * (LENGTH // len(filler)) + sample[cut:]
            parser = format_named(name).fresh()
            for line in samples[:4]:
                parser.parse(line)
            assert spent(lambda p=parser, b=bomb: p.parse(b)) < BOUND, filler


@pytest.mark.parametrize("start", ["", "x password=", "curl -u a:", "-----BEGIN PRIVATE KEY-----"])
def test_a_hostile_line_for_redaction(start: str) -> None:
    redactor = Redactor()
    for filler in FILLERS:
        bomb = start + filler * (LENGTH // len(filler))
        assert spent(lambda b=bomb: redactor.redact(b)) < BOUND, filler
