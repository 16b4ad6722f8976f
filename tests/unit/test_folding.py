"""Case folding keeps the length of a text and does not look at neighbours."""

from __future__ import annotations

import sys

import pytest

from sentinel.detect.rules.folding import folded

CHARACTERS = [chr(n) for n in range(sys.maxunicode + 1) if not 0xD800 <= n <= 0xDFFF]


def test_every_character_stays_one_character() -> None:
    assert [c for c in CHARACTERS if len(folded(c)) != 1] == []


def test_upper_and_lower_meet_wherever_both_are_one_character() -> None:
    apart = [
        c
        for c in CHARACTERS
        for other in (c.upper(), c.lower(), c.swapcase())
        if len(other) == 1 and folded(other) != folded(c) and c not in "ıİ"
    ]
    assert apart == []


def test_neighbours_change_nothing() -> None:
    """`str.lower` turns the Σ that ends a word into ς."""
    strange = [c for c in CHARACTERS if folded(f"Α{c}") != folded("Α") + folded(c)]
    assert strange == []
    assert [c for c in CHARACTERS if folded(f"é{c}Σ") != f"é{folded(c)}σ"] == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ΟΔΟΣ", "οδος", True),
        ("STRASSE", "straße", False),
        ("ẞ", "ß", True),
        ("\u212a", "k", True),
        ("ſ", "S", True),
        ("µ", "Μ", True),
        ("İ", "i", False),
        ("ı", "I", False),
        ("É", "é", True),
    ],
)
def test_pairs(one: str, other: str, same: bool) -> None:
    assert (folded(one) == folded(other)) is same
