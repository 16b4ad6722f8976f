"""The event store opened to read beside the process that writes: whole batches, nothing changed."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sentinel.domain.event import Event
from sentinel.errors import StorageError
from sentinel.store.events_segments import SegmentEventStore
from sentinel.store.seal import AesGcmSealer

SEALER = AesGcmSealer(bytes(range(32)))
START = datetime(2026, 1, 2, tzinfo=UTC)


def event(number: int) -> Event:
    at = START + timedelta(days=number % 3, minutes=number)
    return Event(id=f"{number:032x}", time=at, source="crm", ref=f"crm#{number}")


def reader(folder: Path) -> SegmentEventStore:
    return SegmentEventStore(folder, SEALER, read_only=True)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_it_sees_what_is_committed_while_another_process_writes(tmp_path: Path) -> None:
    writer = SegmentEventStore(tmp_path, SEALER, segment_bytes=700)
    for start in range(0, 24, 6):
        batch = [event(number) for number in range(start, start + 6)]
        writer.append(batch, last_offset=start + 5)
        seen = reader(tmp_path)
        assert seen.count() == start + 6
        assert list(seen.search()) == list(writer.search())
        assert seen.get(event(start).id) == event(start)
        seen.close()
    writer.append([event(99)], last_offset=99)  # closing a reader took nothing from the writer
    with pytest.raises(StorageError):
        SegmentEventStore(tmp_path, SEALER)
    writer.close()


def test_it_lets_be_what_was_not_committed_and_writes_nothing(tmp_path: Path) -> None:
    writer = SegmentEventStore(tmp_path, SEALER)
    writer.append([event(number) for number in range(6)], last_offset=5)
    torn = next(tmp_path.rglob("*.seg"))
    with torn.open("ab") as file:
        file.write(b"half a block")
    (tmp_path / "2026-01-02" / "0000000077.seg").write_bytes(b"a header that")
    before = digests(tmp_path)
    seen = reader(tmp_path)
    assert seen.count() == 6
    with pytest.raises(StorageError, match="to read"):
        seen.append([event(7)], last_offset=7)
    seen.close()
    assert digests(tmp_path) == before
    writer.close()


def test_an_empty_folder_is_empty_and_damage_is_an_error(tmp_path: Path) -> None:
    seen = reader(tmp_path / "nothing")
    assert (seen.count(), list(seen.search())) == (0, [])
    assert not (tmp_path / "nothing").exists()
    writer = SegmentEventStore(tmp_path, SEALER)
    writer.append([event(1)], last_offset=1)
    writer.close()
    next(tmp_path.rglob("*.seg")).unlink()
    with pytest.raises(StorageError):
        reader(tmp_path)
