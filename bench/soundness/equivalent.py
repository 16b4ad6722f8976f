"""Seeded faults that change nothing, each with the reason: (module, function, before, after)."""

from __future__ import annotations

from typing import Final

FOLD = "if text.isascii() or _IRREGULAR.search(text) is None:"
QUICK = "the quick way out: the long way gives the same text"

EQUIVALENT: Final[dict[tuple[str, str, str, str], str]] = {
    ("rules.folding", "folded", FOLD, "if False:"): QUICK,
    (
        "rules.folding",
        "folded",
        "text.isascii() or _IRREGULAR.search(text) is None",
        "text.isascii() and _IRREGULAR.search(text) is None",
    ): QUICK,
    (
        "rules.strings",
        "alternatives",
        "case [str(whole)]",
        "case [str(whole)] if False",
    ): "a whole text falls through to the general pattern, which says the same, slower",
    (
        "rules.strings",
        "alternatives",
        "if len(patterns) - len(rest) < 2:",
        "if True:",
    ): "patterns that are not tested together are tested one by one",
    (
        "rules.strings",
        "_shape",
        "case [Wild.MANY, str(tail)]",
        "case [Wild.MANY, str(tail)] if False",
    ): "the ending falls through to the general pattern, which says the same, slower",
    (
        "rules.values",
        "any_test",
        "if len(tests) == 1:",
        "if False:",
    ): "one test among any is that test",
    ("rules.wanted", "Text", "True", "False"): "how the structure is kept, not what it says",
}
