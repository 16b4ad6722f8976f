"""The encrypted stream of a backup: whole, or refused in words."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.errors import StorageError
from sentinel.store.archive import (
    PIECE,
    ArchiveReader,
    ArchiveWriter,
    make_header,
    open_small,
    read_header,
    seal_small,
)

KEY, OTHER = bytes(range(32)), bytes(32)
AT = datetime(2026, 3, 2, tzinfo=UTC)


def packed(content: bytes, cut: int = 100_000, key: bytes = KEY) -> bytes:
    file = io.BytesIO()
    header = make_header(key, archive_id="a", kind="daily", at=AT, software="x")
    writer = ArchiveWriter(file, key, header)
    for start in range(0, len(content), cut):
        writer.write(content[start : start + cut])
    writer.finish()
    return file.getvalue()


def opened(raw: bytes, key: bytes = KEY, piece: int = -1) -> bytes:
    reader = ArchiveReader(io.BytesIO(raw), key, where="file")
    out = b""
    if piece < 0:
        out = reader.read()
    else:
        while taken := reader.read(piece):
            out += taken
    reader.finish()
    return out


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 7])
@pytest.mark.parametrize("piece", [-1, 10_240])
def test_what_went_in_comes_out(size: int, piece: int) -> None:
    content = os.urandom(size)
    assert opened(packed(content), piece=piece) == content


def test_two_archives_of_the_same_content_share_nothing_but_the_shape() -> None:
    one, two = packed(b"x" * 1000), packed(b"x" * 1000)
    assert one != two
    assert b"xxxx" not in one


def test_the_wrong_key_is_named() -> None:
    with pytest.raises(StorageError, match=r"was made under key .* the key in force"):
        opened(packed(b"content"), OTHER)


RAW = packed(os.urandom(2 * PIECE + 100))


@given(st.integers(0, len(RAW) - 1))
@settings(max_examples=60)
def test_a_cut_anywhere_is_refused(length: int) -> None:
    with pytest.raises(StorageError, match=r"cut short|no backup|altered"):
        opened(RAW[:length])


@given(st.integers(0, len(RAW) - 1), st.integers(1, 255))
@settings(max_examples=60)
def test_a_changed_byte_anywhere_is_refused(place: int, change: int) -> None:
    raw = bytearray(RAW)
    raw[place] ^= change
    with pytest.raises(StorageError, match=r"altered|cut short|no backup|made under key"):
        opened(bytes(raw))


def frames(raw: bytes) -> tuple[bytes, list[bytes]]:
    file = io.BytesIO(raw)
    read_header(file, where="x")
    head, out = raw[: file.tell()], []
    while start := file.read(5):
        out.append(start + file.read(int.from_bytes(start[1:], "big")))
    return head, out


def test_frames_cannot_be_dropped_moved_repeated_or_taken_from_elsewhere() -> None:
    head, parts = frames(RAW)
    _, others = frames(packed(os.urandom(2 * PIECE + 100)))
    for wrong in (
        parts[1:], parts[:-1], [parts[1], parts[0], parts[2]], [parts[0], *parts],
        [others[0], *parts[1:]], [b"\x01" + parts[0][1:]], [*parts, parts[-1]],
    ):  # fmt: skip
        with pytest.raises(StorageError):
            opened(head + b"".join(wrong))
    with pytest.raises(StorageError, match="more follows"):
        opened(RAW + b"x")


def test_a_small_file_opens_under_its_key_and_purpose_alone() -> None:
    sealed = seal_small(KEY, b"entry", purpose="ledger")
    assert open_small(KEY, sealed, purpose="ledger", where="f") == b"entry"
    for key, purpose, raw in (
        (OTHER, "ledger", sealed), (KEY, "other", sealed), (KEY, "ledger", sealed[:-1]),
        (KEY, "ledger", b""),
    ):  # fmt: skip
        with pytest.raises(StorageError):
            open_small(key, raw, purpose=purpose, where="f")
