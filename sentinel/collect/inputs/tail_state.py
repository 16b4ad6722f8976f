"""What a file source remembers: a mark for each file, and where the spool stood with it.

The file of marks is written after the spool has acknowledged. A crash in between leaves it one
batch behind; the events that the spool holds beyond it are found again by their ids, so that the
lines read once more are neither stored twice nor lost.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from sentinel.collect.inputs.tail_identity import Mark


class State(msgspec.Struct):
    """``spool``: the offset of the spool when this was written; -1: from its beginning."""

    marks: list[Mark] = []
    spool: int = -1


def load(path: Path) -> State | None:
    """Return what was remembered; None where there is nothing, or nothing that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except (OSError, msgspec.MsgspecError):
        return None


def save(path: Path, state: State) -> None:
    """Write the state, whole or not at all. Raises OSError."""
    new = path.with_suffix(".new")
    fd = os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    try:
        os.write(fd, msgspec.json.encode(state))
        os.fsync(fd)
    finally:
        os.close(fd)
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
