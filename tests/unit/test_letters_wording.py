"""Instants, lengths of time, numbers and spaces as readers of French and English expect them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.notify import wording
from sentinel.notify.outbox import FIRST_PAUSE, LONGEST_PAUSE, pause


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize(
    ("moment", "french", "english"),
    [
        (
            at("2026-01-01T00:05"),
            "1er janvier 2026 à 1 h 05 (UTC+1)",
            "1 January 2026 at 01:05 (UTC+1)",
        ),
        # the hour that comes twice
        (
            at("2026-10-25T00:30"),
            "25 octobre 2026 à 2 h 30 (UTC+2)",
            "25 October 2026 at 02:30 (UTC+2)",
        ),
        (
            at("2026-10-25T01:30"),
            "25 octobre 2026 à 2 h 30 (UTC+1)",
            "25 October 2026 at 02:30 (UTC+1)",
        ),
        (
            at("2026-12-11T23:30"),
            "12 décembre 2026 à 0 h 30 (UTC+1)",
            "12 December 2026 at 00:30 (UTC+1)",
        ),
    ],
)
def test_instants_carry_their_offset(moment: datetime, french: str, english: str) -> None:
    assert plain(wording.instant(moment, "fr")) == french
    assert plain(wording.instant(moment, "en")) == english


def test_zones_that_are_not_whole_hours() -> None:
    moment = at("2026-01-01T12:00")
    assert wording.instant(moment, "en", "Asia/Kolkata").endswith("17:30 (UTC+5:30)")
    assert wording.instant(moment, "en", "America/St_Johns").endswith("08:30 (UTC-3:30)")


@pytest.mark.parametrize(
    ("first", "last", "french"),
    [
        ("2026-03-02T08:09:10", "2026-03-02T08:09:50", "le 2 mars 2026 à 9 h 09 (heure de Paris)"),
        (
            "2026-03-02T08:09",
            "2026-03-02T10:00",
            "le 2 mars 2026, entre 9 h 09 et 11 h 00 (heure de Paris)",
        ),
        (
            "2026-03-01T08:09",
            "2026-03-02T10:00",
            "entre le 1er mars 2026 à 9 h 09 et le 2 mars 2026 à 11 h 00 (heure de Paris)",
        ),
    ],
)
def test_periods(first: str, last: str, french: str) -> None:
    assert plain(wording.period(at(first), at(last), "fr")) == french


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        (0, "0 min"),
        (59, "59 min"),
        (60, "1 h 00 min"),
        (-75, "1 h 15 min"),
        (4325, "3 j 0 h 05 min"),
    ],
)
def test_lengths_of_time(minutes: int, text: str) -> None:
    assert plain(wording.duration(timedelta(minutes=minutes), "fr")) == text


def test_french_spaces_and_apostrophes() -> None:
    text = "l'un : « oui » ; non ? si ! http://example.org 12:30"
    assert wording.typographic(text, "fr") == (
        "l’un\u00a0: «\u00a0oui\u00a0»\u202f; non\u202f? si\u202f! http://example.org 12:30"
    )
    assert wording.typographic("le 9 mars 2026", "fr") == "le 9\u00a0mars\u00a02026"
    assert wording.typographic("it's: so", "en") == "it’s: so"


@given(st.text(), st.sampled_from(["fr", "en"]))
def test_typography_changes_nothing_twice(text: str, language: str) -> None:
    once = wording.typographic(text, language)
    assert wording.typographic(once, language) == once


@given(st.integers(1, 60), st.floats(0, 1, exclude_max=True))
def test_pauses_grow_within_bounds(attempts: int, jitter: float) -> None:
    length = pause(attempts, jitter)
    assert FIRST_PAUSE / 2 <= length <= LONGEST_PAUSE
    assert pause(attempts + 1, jitter) >= length
