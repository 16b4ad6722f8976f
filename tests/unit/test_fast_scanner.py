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


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("texts", [
    ["\u017f\u212a"], ["\u017f"], ["\u212a"], ["é", "\u212a"], ["\u017f", "x", "\u212a"], ["sk"],
])  # fmt: skip
def test_letters_that_fold_to_ascii_are_found(backend: Any, texts: list[str]) -> None:
    needles = ("s", "k", "sk", f"{S}k{S}")
    framed = [f"{S}{text}{S}".replace("\u017f", "s").replace("\u212a", "k") for text in texts]
    wanted = {
        (r, n) for r, text in enumerate(framed) for n, one in enumerate(needles) if one in text
    }
    assert set(scanner.Scanner(needles, backend).scan(texts)) == wanted


@pytest.mark.parametrize("backend", BACKENDS)
def test_empty_texts_are_told_apart(backend: Any) -> None:
    texts = ["", "", "a", "", "", ""]
    wanted = {(row, 0) for row, text in enumerate(texts) if not text}
    assert set(scanner.Scanner((f"{S}{S}",), backend).scan(texts)) == wanted


@pytest.mark.parametrize(("installed", "best"), [
    ({"hyperscan", "ahocorasick_rs"}, scanner.HyperscanSearch),
    ({"hyperscan"}, scanner.HyperscanSearch),
    ({"ahocorasick_rs"}, scanner.AhoCorasickSearch),
    (set(), scanner.PythonSearch),
])  # fmt: skip
def test_the_fastest_search_that_is_installed(
    installed: set[str], best: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanner, "find_spec", lambda name: name if name in installed else None)
    assert scanner.best_backend() is best
