"""On real logs redaction takes out what it should, and next to nothing else."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest

from sentinel.collect.redact import Redactor

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no shared data at {DATA}")


def found(pattern: str) -> tuple[int, Counter[str]]:
    """Return how many lines were read, and how many hold each kind."""
    redactor = Redactor()
    lines, kinds = 0, Counter[str]()
    for path in sorted(DATA.glob(pattern)):
        with gzip.open(path, "rt", encoding="utf-8", errors="backslashreplace") as file:
            for line in file:
                lines += 1
                kinds.update(redactor.redact(line)[1])
    return lines, kinds


@pytest.mark.parametrize(
    ("pattern", "least"),
    [
        ("web/elastic/apache_combined.log.gz", 10_000),
        ("web/elastic/nginxplus.ndjson.gz", 500),
        ("web/elastic/auth.log.gz", 7_000),
        ("web/ait_russellmitchell/access*.log.gz", 11_000),
    ],
)
def test_logs_without_secrets_stay_as_they_are(pattern: str, least: int) -> None:
    lines, kinds = found(pattern)
    assert lines >= least
    assert kinds == {}


def test_a_shop_that_logs_passwords_and_cards() -> None:
    """CSIC 2010: each request has a session cookie; forms send `password=` and `ntc=` (a card)."""
    lines, kinds = found("web/csic2010/norm_test.txt.gz")
    assert lines > 90_000
    assert kinds["cookie"] > 7_000
    assert kinds["secret"] > 400
    assert kinds["iban"] == 0
    assert kinds["card_number"] < 60  # invented numbers, of which few satisfy Luhn


def test_attack_probes_are_rarely_taken_for_secrets() -> None:
    lines, kinds = found("web/crs/requests.ndjson.gz")
    assert lines > 5_000
    assert kinds["secret"] < lines * 0.01
    assert kinds["cookie"] < 300  # the probes that send one
