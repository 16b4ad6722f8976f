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
}
