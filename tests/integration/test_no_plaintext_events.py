"""The files of the event store tell nobody anything, not even where a pseudonym was forgotten.

The events here carry names, addresses and e-mail addresses in clear: what keeps them is the sealing
alone. Switched off, the same search finds them, in the tail and in the column files.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from plaintext import Searcher

from sentinel.domain.event import Event
from sentinel.domain.hunt import Groups, Hunt, Op, Test
from sentinel.errors import StorageError
from sentinel.store import seal, segment_writer
from sentinel.store.columnar import read, write
from sentinel.store.events_embedded import EmbeddedEventStore
from sentinel.store.seal import AesGcmSealer

KEY = bytes(range(32))
NAMES = [f"{first}.{last}" for first in ("amelie", "bruno", "chloe") for last in ("roux", "petit")]
MAILS = [f"post{n}@example.org" for n in range(len(NAMES))]
ADDRESSES = [f"198.51.100.{n}" for n in range(20, 26)]
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def event(number: int) -> Event:
    who = number % len(NAMES)
    fields: dict[str, Any] = {
        "user.name": NAMES[who],
        "source.ip": ADDRESSES[who],
        "url.path": f"/crm/{MAILS[who]}/{number}",
        "sentinel.subject": [MAILS[who]],
    }
    at = NOON + timedelta(minutes=number)
    return Event(id=f"{number:032x}", time=at, source="crm", ref=f"crm#{number}", fields=fields)


EVENTS = [event(number) for number in range(400)]


def fill(folder: Path) -> None:
    """Leave a store with column files and with a tail."""
    with closing(EmbeddedEventStore(folder, AesGcmSealer(KEY), compact_at=0)) as store:
        store.append(EVENTS[:300], last_offset=299)
        store.compact()
        store.append(EVENTS[300:], last_offset=399)
    assert list(folder.glob("*/*.col"))
    assert list(folder.glob("*/*.seg"))


def searcher() -> Searcher:
    return Searcher({*NAMES, *MAILS, *ADDRESSES})


def test_no_file_tells_of_anybody(tmp_path: Path) -> None:
    fill(tmp_path)
    assert searcher().in_folder(tmp_path) == {}


class Clear:
    """A cipher that hides nothing: what is left when sealing is switched off."""

    def __init__(self, key: bytes) -> None:
        self._tag = key[:16]

    def encrypt(self, _nonce: bytes, data: bytes, _associated: bytes | None) -> bytes:
        return bytes(data) + self._tag

    def decrypt(self, _nonce: bytes, data: bytes, _associated: bytes | None) -> bytes:
        return bytes(data[:-16])


def test_with_sealing_switched_off_the_search_finds_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (write, read, segment_writer, seal):
        monkeypatch.setattr(module, "AESGCM", Clear)
    fill(tmp_path)
    found = searcher().in_folder(tmp_path)
    for suffix in (".col", ".seg"):
        seen = {word for name, words in found.items() if name.endswith(suffix) for word in words}
        assert {*NAMES, *MAILS} <= seen, suffix


def test_without_the_key_every_read_fails(tmp_path: Path) -> None:
    fill(tmp_path)
    for key in (bytes(32), KEY[::-1]):
        for read_only in (True, False):
            with pytest.raises(StorageError, match="sealed under key"):
                EmbeddedEventStore(tmp_path, AesGcmSealer(key), read_only=read_only)
    for path in sorted(tmp_path.glob("*/*.col")):
        with pytest.raises(StorageError, match="sealed under key"):
            read.ColumnFile(path, AesGcmSealer(bytes(32)), purpose=f"events/{path.parent.name}")


class Opened:
    """Notes every file that is opened for writing while it watches."""

    def __init__(self) -> None:
        self.watching = False
        self.written: list[str] = []
        sys.addaudithook(self._hook)

    def _hook(self, name: str, arguments: tuple[Any, ...]) -> None:
        if self.watching and name == "open":
            path, _mode, flags = arguments
            if flags & 3:  # O_WRONLY, O_RDWR
                self.written.append(str(path))


@pytest.fixture
def opened() -> Iterator[Opened]:
    found = Opened()
    yield found
    found.watching = False


def test_a_question_writes_no_file_at_all(tmp_path: Path, opened: Opened) -> None:
    """Neither a temporary one nor any other: there is nothing to search."""
    fill(tmp_path)
    with closing(EmbeddedEventStore(tmp_path, AesGcmSealer(KEY), read_only=True)) as store:
        opened.watching = True
        (tmp_path / "watched").write_text("x")
        assert opened.written == [str(tmp_path / "watched")], "the watch itself works"
        where = Test(field="url.path", op=Op.CONTAINS, value="POST3@", ignore_case=True)
        assert len(store.hunt(Hunt(where=where, limit=1000))) == len(EVENTS[3::6])
        for by in (("source.ip",), ("@hour", "user.name"), ("sentinel.subject",)):
            assert store.aggregate(Hunt(), Groups(by=by, top=1000))
        assert store.aggregate(Hunt(), Groups(by=("@day",), distinct="source.ip"))
        assert len(list(store.search())) == 400
        assert len(opened.written) == 1
