"""The configurations of deploy/shippers as they are shipped, with a test's own places put in."""

from __future__ import annotations

from pathlib import Path

SHIPPERS = Path(__file__).parents[2] / "deploy/shippers"


def shipped(name: str, places: dict[str, object]) -> str:
    """Return a shipped configuration with each of ``places`` replaced.

    A text that is to be replaced and does not stand in the file is an error of the test.
    """
    text = (SHIPPERS / name).read_text()
    for found, own in places.items():
        assert found in text, f"{name} no longer has {found}"
        text = text.replace(found, str(own))
    return text
