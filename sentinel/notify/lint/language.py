"""Is the letter in the language in which it is judged? By the small words that no text lacks."""

from __future__ import annotations

import re

_SMALL = {
    "en": re.compile(
        r"\b(?:the|of|and|to|in|your|you|we|our|was|were|is|are|have|has|that|this|by|for|with|from"
        r"|not|it|on)\b"
    ),
    "fr": re.compile(
        r"\b(?:le|la|les|des|du|et|vous|vos|votre|nous|notre|nos|est|sont|ont|ete|que|qui|dans|par"
        r"|pour|une|un|ne|pas|sur|au|aux)\b"
    ),
}
_ENOUGH = 8


def spoken(text: str) -> str:
    """Return ``fr``, ``en``, or nothing where too little is written to tell; ``text``: folded."""
    counts = {name: len(small.findall(text)) for name, small in _SMALL.items()}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] >= _ENOUGH and counts[best] > 2 * min(counts.values()) else ""
