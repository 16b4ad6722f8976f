"""What folding remembers: a long text is folded once, and no more is kept than was agreed."""

from __future__ import annotations

import pytest

from sentinel.detect.rules import folding
from sentinel.detect.rules.folding import folded


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "_LONG", {})


def long(number: int) -> str:
    return f"É{number:03}".ljust(folding.LONG, "X")


def test_a_long_text_is_folded_once() -> None:
    one, other = long(1), long(2)
    first, second = folded(one), folded(other)
    assert (folded(one), folded(other)) == (one.lower(), other.lower())
    assert folded(one) is first
    assert folded(other) is second


def test_another_text_at_the_place_of_a_remembered_one_is_folded_for_itself() -> None:
    one, other = long(1), long(2)
    folding._LONG[id(other)] = one, one.lower()
    assert folded(other) == other.lower()


def test_a_short_text_is_not_remembered() -> None:
    assert folded(long(1)[1:]) == long(1)[1:].lower()
    assert not folding._LONG


def test_so_many_long_texts_are_remembered_and_no_more() -> None:
    texts = [long(number) for number in range(5 * folding.MOST_LONG)]
    sizes = []
    for text in texts:
        assert folded(text) == text.lower()
        sizes.append(len(folding._LONG))
    assert max(sizes) == folding.MOST_LONG
    assert min(sizes[folding.MOST_LONG :]) >= 1


def test_so_many_characters_are_remembered_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "MOST_CHARACTERS", 10)
    known = folding._Characters()
    sizes = []
    for code in range(ord("A"), ord("Z") + 1):
        assert known[code] == chr(code).lower()
        sizes.append(len(known))
    assert sizes[:10] == list(range(1, 11))
    assert max(sizes) == 10
