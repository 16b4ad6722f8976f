"""A file that somebody names on the command line."""

from __future__ import annotations

from pathlib import Path

from sentinel.errors import UnreadableFile


def content_of(path: Path) -> bytes:
    """Return what is in a file. Raises UnreadableFile."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFile(error.strerror or str(error), where=str(path)) from error
