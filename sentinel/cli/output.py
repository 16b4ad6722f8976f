"""How commands speak: data on stdout, everything else on stderr, one line for an error.

A reader that leaves (``| head``) ends the command quietly, as it would end any other.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import typer
from rich.console import Console

from sentinel.errors import Exit

stdout = Console(highlight=False, soft_wrap=True)
stderr = Console(stderr=True, highlight=False, soft_wrap=True)


def line(text: str = "") -> None:
    """Write one line to stdout, without markup, at once."""
    with _while_read():
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def note(text: str = "") -> None:
    """Write one line to stderr, without markup."""
    sys.stderr.write(text + "\n")


def json(value: Any) -> None:
    """Write one JSON document on one line to stdout."""
    with _while_read():
        sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
        sys.stdout.buffer.flush()


def json_lines(values: Iterable[Any]) -> None:
    """Write JSON documents to stdout, a line each, all at once."""
    with _while_read():
        sys.stdout.buffer.write(msgspec.json.Encoder().encode_lines(list(values)))
        sys.stdout.buffer.flush()


def pretty(value: Any) -> None:
    """Write one JSON document, indented, to stdout."""
    with _while_read():
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
        sys.stdout.buffer.flush()


def forget_stdout() -> None:
    """Let what is still buffered go nowhere, so that leaving does not fail on it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _while_read() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        forget_stdout()
        raise typer.Exit(int(Exit.IO)) from None
