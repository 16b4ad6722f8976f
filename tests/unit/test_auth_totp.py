"""One-time codes: RFC 6238, a window of one step, each code once."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.respond import totp

SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("seconds", "code"),
    # RFC 6238, appendix B, SHA-1: the last six of its eight digits.
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_vectors_of_the_rfc(seconds: int, code: str) -> None:
    now = datetime.fromtimestamp(seconds, UTC)
    assert totp.matching_step(SECRET, code, now, -10) == seconds // 30


@given(st.integers(min_value=1_000_000_000, max_value=4_000_000_000), st.integers(-3, 3))
def test_window_is_one_step_on_either_side(seconds: int, away: int) -> None:
    code = pyotp.TOTP(SECRET).generate_otp(seconds // 30 + away)
    neighbours = {pyotp.TOTP(SECRET).generate_otp(seconds // 30 + step) for step in (-1, 0, 1)}
    found = totp.matching_step(SECRET, code, datetime.fromtimestamp(seconds, UTC), 0)
    assert (found is not None) == (code in neighbours)


def test_a_code_is_accepted_once_and_an_older_one_never() -> None:
    now = datetime(2026, 3, 5, 12, tzinfo=UTC)
    generator = pyotp.TOTP(SECRET)
    step = totp.matching_step(SECRET, generator.at(now), now, 0)
    assert step is not None
    assert totp.matching_step(SECRET, generator.at(now), now, step) is None
    before = generator.at(now - timedelta(seconds=30))
    assert totp.matching_step(SECRET, before, now, step) is None
    after = generator.at(now + timedelta(seconds=30))
    assert totp.matching_step(SECRET, after, now, step) == step + 1


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "12 34"])
def test_what_is_not_six_ascii_digits_is_refused(code: str) -> None:
    assert totp.matching_step(SECRET, code, datetime(2026, 3, 5, tzinfo=UTC), 0) is None


def test_spaces_inside_a_code_are_read_over() -> None:
    now = datetime(2026, 3, 5, 12, tzinfo=UTC)
    code = pyotp.TOTP(SECRET).at(now)
    assert totp.matching_step(SECRET, f"{code[:3]} {code[3:]}", now, 0) is not None


def test_secrets_are_160_bits_and_differ() -> None:
    secrets = {totp.new_secret() for _ in range(50)}
    assert len(secrets) == 50
    assert {len(base64.b32decode(secret)) for secret in secrets} == {20}


def test_uri_names_issuer_and_account() -> None:
    uri = totp.otpauth_uri(SECRET, "c.durand")
    assert uri.startswith("otpauth://totp/Sentinel:c.durand?secret=")
    assert "issuer=Sentinel" in uri
