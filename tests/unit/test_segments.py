"""One segment: what is written is read, and torn is told from damaged."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sentinel.domain.event import Event
from sentinel.errors import StorageError
from sentinel.store.disk import Disk
from sentinel.store.frames import NO_LINK, Torn
from sentinel.store.payload import UnstorableEvent, encode, pack, unpack
from sentinel.store.seal import AesGcmSealer
from sentinel.store.segment_writer import SegmentWriter
from sentinel.store.segments import Segment, segment_path

SEALER = AesGcmSealer(bytes(range(32)))


def event(number: int, **fields: object) -> Event:
    return Event(
        id=f"{number:032x}",
        time=datetime(2026, 1, 2, 3, 4, 5, number, tzinfo=UTC),
        source="crm",
        ref="",
        fields={"user.name": "usr_aaaaaaaaaaaaaaaa", "sentinel.record_count": number, **fields},  # type: ignore[dict-item]
        sealed=b"\x00\xff",
    )


def written(folder: Path, sizes: list[int], number: int = 1) -> tuple[Path, list[list[Event]]]:
    """Write a segment with one block for each size."""
    writer = SegmentWriter.create(Disk(), folder, (number, 0, NO_LINK), SEALER, purpose="test")
    batches: list[list[Event]] = []
    offset = 0
    for size in sizes:
        batch = [event(offset + index) for index in range(size)]
        block = writer.write(pack(encode(batch)), count=size, first=offset, last=offset + size - 1)
        writer.sync()
        writer.segment.publish(block)
        batches.append(batch)
        offset += size
    writer.close()
    return writer.segment.path, batches


def reopened(path: Path, *, verify: bool = True) -> Segment:
    segment = Segment.open(path, SEALER, purpose="test")
    for block in segment.scan(verify=verify):
        segment.publish(block)
    return segment


def contents(segment: Segment) -> list[list[Event]]:
    with segment.reading() as fd:
        return [segment.read(fd, number) for number in range(segment.blocks)]


def test_blocks_come_back_as_they_went(tmp_path: Path) -> None:
    path, batches = written(tmp_path, [1, 3, 2])
    segment = reopened(path)
    assert contents(segment) == batches
    assert list(segment.firsts) == [0, 1, 4]
    assert (segment.base, segment.last, segment.events) == (0, 5, 6)
    assert segment.end == path.stat().st_size


def test_nothing_readable_lies_on_the_disk(tmp_path: Path) -> None:
    path, _ = written(tmp_path, [3])
    raw = path.read_bytes()
    assert b"usr_" not in raw
    assert b"crm" not in raw
    assert path.stat().st_mode & 0o077 == 0


def test_two_openings_never_share_a_key(tmp_path: Path) -> None:
    """The same plaintext at the same place under the same nonce must still differ."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, _ = written(tmp_path / "a", [1])
    second, _ = written(tmp_path / "b", [1])
    assert first.read_bytes()[-64:] != second.read_bytes()[-64:]


def test_a_segment_is_never_opened_for_writing_again(tmp_path: Path) -> None:
    written(tmp_path, [1])
    with pytest.raises(FileExistsError):
        written(tmp_path, [1])


def test_blocks_cannot_change_places(tmp_path: Path) -> None:
    path, _ = written(tmp_path, [1, 1])
    start, middle = reopened(path)._positions
    raw = path.read_bytes()
    path.write_bytes(raw[:start] + raw[middle:] + raw[start:middle])
    with pytest.raises(StorageError, match="does not follow") as caught:
        reopened(path)
    assert caught.value.where == f"{path}:{start}"


def test_a_segment_cannot_pass_for_another(tmp_path: Path) -> None:
    path, _ = written(tmp_path, [1])
    other = segment_path(tmp_path, 2)
    path.rename(other)
    with pytest.raises(StorageError, match="holds segment 1"):
        reopened(other)


def test_another_purpose_or_key_does_not_open(tmp_path: Path) -> None:
    path, _ = written(tmp_path, [1])
    with pytest.raises(StorageError):
        Segment.open(path, SEALER, purpose="events")
    with pytest.raises(StorageError, match="sealed under key"):
        Segment.open(path, AesGcmSealer(os.urandom(32)), purpose="test")


@pytest.mark.parametrize("tail", [b"", bytes(10), bytes(5000), bytes(3_000_000)])
def test_space_that_was_never_filled_is_a_torn_tail(tmp_path: Path, tail: bytes) -> None:
    path, batches = written(tmp_path, [2, 2])
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + tail)
    segment = reopened(path)
    assert contents(segment) == batches
    assert segment.end == size


def test_a_block_whose_end_was_never_filled_is_torn(tmp_path: Path) -> None:
    path, batches = written(tmp_path, [2, 2])
    raw = path.read_bytes()
    path.write_bytes(raw[:-30] + bytes(30))
    assert contents(reopened(path)) == batches[:1]


def test_a_damaged_block_is_named_by_file_and_position(tmp_path: Path) -> None:
    path, _ = written(tmp_path, [2, 2, 2])
    position = reopened(path)._positions[1]
    raw = bytearray(path.read_bytes())
    raw[position + 80] ^= 1
    path.write_bytes(raw)
    with pytest.raises(StorageError, match="damaged") as caught:
        reopened(path)
    assert caught.value.where == f"{path}:{position}"


def test_a_header_that_was_not_written_whole_is_torn(tmp_path: Path) -> None:
    path, _ = written(tmp_path, [])
    raw = path.read_bytes()
    for length in range(len(raw)):
        path.write_bytes(raw[:length])
        with pytest.raises(Torn):
            Segment.open(path, SEALER, purpose="test")
    path.write_bytes(bytes(len(raw)))
    with pytest.raises(Torn):
        Segment.open(path, SEALER, purpose="test")


def test_time_keeps_its_microseconds_and_becomes_utc() -> None:
    paris = datetime.fromisoformat("2026-07-01T10:00:00.123456+02:00")
    stored = Event(id="1", time=paris, source="crm", ref="")
    (back,) = unpack(pack(encode([stored])), where="here")
    assert back.time == paris
    assert back.time.tzinfo is UTC


@pytest.mark.parametrize("value", [object(), b"bytes", {"nested": 1}, 1 << 70, "\udcff", 1j])
def test_a_value_that_could_not_be_read_again_is_refused_before_it_is_stored(value: object) -> None:
    bad = event(1, **{"url.path": value})
    with pytest.raises(UnstorableEvent) as caught:
        encode([event(0), bad])
    assert caught.value.where == "crm"


def test_a_time_without_zone_is_refused() -> None:
    naive = Event(id="1", time=datetime(2026, 1, 2), source="crm", ref="access.log:7")  # noqa: DTZ001
    with pytest.raises(UnstorableEvent, match="zone") as caught:
        encode([naive])
    assert caught.value.where == "access.log:7"


def test_what_is_not_a_packed_array_is_an_error() -> None:
    for junk in (b"", b"junk", pack([b"\xc1"])):
        with pytest.raises(StorageError):
            unpack(junk, where="here")
