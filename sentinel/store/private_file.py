"""Files that only their owner reads, written whole and never over another."""

from __future__ import annotations

import os
from pathlib import Path

from sentinel.errors import StorageError
from sentinel.store.disk import Disk


def write_new(path: Path, content: bytes) -> None:
    """Write a file to hand out; make its folder where there is none. Raises StorageError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise StorageError("the file exists already", where=str(path)) from error
    except OSError as error:
        raise StorageError(error.strerror or str(error), where=str(path)) from error


def keep_new(path: Path, content: bytes) -> None:
    """Write a file of our own, in a folder of our own; once it returns, its name is durable too.

    Raises StorageError.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_new(path, content)
        Disk().sync_folder(path.parent)
    except OSError as error:
        raise StorageError(error.strerror or str(error), where=str(path)) from error
