"""Lists that rules name as `field|expand: '%name%'`: `lists/<name>.txt`, one value a line.

A line that starts with `#` is a comment. Values follow Sigma's wildcards and escapes.
"""

from __future__ import annotations

from pathlib import Path


def load_lists(directory: Path) -> dict[str, tuple[str, ...]]:
    """Return every list of ``directory`` by name; none where it does not exist."""
    return {path.stem: _values(path) for path in sorted(directory.glob("*.txt"))}


def _values(path: Path) -> tuple[str, ...]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))
