"""A private file: whole, for its owner alone, never over another; a refusal is one of ours."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from sentinel.errors import StorageError
from sentinel.store.disk import Disk
from sentinel.store.private_file import keep_new, write_new

Write = Callable[[Path, bytes], None]
BOTH = pytest.mark.parametrize("write", [write_new, keep_new])


@BOTH
def test_only_the_owner_reads_it(write: Write, tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "letter.pdf"
    write(path, b"content")
    assert path.read_bytes() == b"content"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@BOTH
def test_another_file_stays_as_it_is(write: Write, tmp_path: Path) -> None:
    path = tmp_path / "letter.pdf"
    path.write_bytes(b"before")
    with pytest.raises(StorageError, match="exists already") as told:
        write(path, b"after")
    assert told.value.where == str(path)
    assert path.read_bytes() == b"before"


@BOTH
def test_a_folder_that_cannot_be_made_is_told(write: Write, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError) as told:
        write(tmp_path / "file" / "folder" / "letter.pdf", b"content")
    assert "letter.pdf" in told.value.where


def test_a_folder_of_our_own_is_closed_to_others_and_its_name_is_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(Disk, "sync_folder", lambda _, folder: synced.append(folder))
    keep_new(tmp_path / "evidence" / "one", b"content")
    assert stat.S_IMODE((tmp_path / "evidence").stat().st_mode) == 0o700
    assert synced == [tmp_path / "evidence"]
