"""Seeded faults that change nothing, each with the reason: (module, function, before, after)."""

from __future__ import annotations

from typing import Final

EQUIVALENT: Final[dict[tuple[str, str, str, str], str]] = {}
