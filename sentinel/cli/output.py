"""How commands speak: data on stdout, everything else on stderr, one line for an error."""

from __future__ import annotations

import sys
from typing import Any

import msgspec
from rich.console import Console

stdout = Console(highlight=False, soft_wrap=True)
stderr = Console(stderr=True, highlight=False, soft_wrap=True)


def line(text: str = "") -> None:
    """Write one line to stdout, without markup."""
    sys.stdout.write(text + "\n")


def note(text: str = "") -> None:
    """Write one line to stderr, without markup."""
    sys.stderr.write(text + "\n")


def json(value: Any) -> None:
    """Write one JSON document on one line to stdout."""
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.buffer.flush()


def pretty(value: Any) -> None:
    """Write one JSON document, indented, to stdout."""
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    sys.stdout.buffer.flush()
