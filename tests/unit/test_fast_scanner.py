"""Whatever searches, the same needles are found in the same texts."""

from __future__ import annotations

from typing import Any

import pytest

from sentinel.detect.fast import scanner
from sentinel.detect.fast.needles import SEPARATOR as S

BACKENDS = (scanner.HyperscanSearch, scanner.AhoCorasickSearch, scanner.PythonSearch)
NEEDLES = (f"{S}ab{S}", f"{S}a", f"b{S}", "ab", "ba", "aa", f"{S}{S}", "é", f"{S}é", "x\\y")
TEXTS = (
    "ab", "AB", "xab", "abx", "abab", "aaa", "", "b", "a", "é", "aé", "Éa", "x\\Y", "baab", "zz",
)  # fmt: skip


def standing(text: str) -> set[int]:
    framed = f"{S}{text.lower()}{S}"
    return {number for number, needle in enumerate(NEEDLES) if needle in framed}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("texts", [TEXTS, TEXTS[::-1], [t for t in TEXTS if t.isascii()]])
def test_each_needle_is_found_in_its_texts_and_in_no_other(backend: Any, texts: list[str]) -> None:
    found = set(scanner.Scanner(NEEDLES, backend).scan(texts))
    wanted = {(row, number) for row, text in enumerate(texts) for number in standing(text)}
    assert found == wanted


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_text_that_cannot_be_encoded_hides_no_other(backend: Any) -> None:
    texts = ["ab", "\ud800", "x\ud800ab", "baab", f"a{S}b", "aa"]
    found = set(scanner.Scanner(NEEDLES, backend).scan(texts))
    for row, text in enumerate(texts):
        assert {(row, number) for number in standing(text)} <= found


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_flood_names_every_needle(backend: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner, "MAX_HITS", 50)
    found = set(scanner.Scanner(NEEDLES, backend).scan(["a" * 10_000, "ab"]))
    assert {(0, 5), (1, 0), (1, 3)} <= found
