"""``sentinel campaign evidence`` and its kin: what can be shown of letters, and to whom."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
