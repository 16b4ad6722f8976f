"""Where the content that a security team edits lies: rules, notifiers, runbooks.

An installed wheel carries it under ``sentinel/_content``; a checkout has it at its top.
"""

from __future__ import annotations

from pathlib import Path


def content_dir(name: str) -> Path:
    """Return the shipped folder ``name`` (``rules``, ``notifiers``, ``runbooks`` or ``drills``)."""
    package = Path(__file__).resolve().parent
    installed = package / "_content" / name
    return installed if installed.is_dir() else package.parent / name
