"""Any batches, any reopening, any cut, any flipped bit."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.collect.spool import Spool
from sentinel.domain.event import Event, LogSource
from sentinel.errors import StorageError
from sentinel.store.events_segments import SegmentEventStore
from sentinel.store.seal import AesGcmSealer

SEALER = AesGcmSealer(bytes(range(32)))
ROOM = 1 << 30

text = st.text(max_size=20)
scalars = st.one_of(
    text,
    st.booleans(),
    st.none(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False),
)
instants = st.datetimes(
    datetime(1970, 1, 1),  # noqa: DTZ001
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
events = st.builds(
    Event,
    id=st.uuids().map(lambda value: value.hex),
    time=instants,
    source=text,
    ref=st.text(min_size=1, max_size=20),
    logsource=st.builds(LogSource, category=text, product=text, service=text),
    fields=st.dictionaries(text, st.one_of(scalars, st.lists(scalars, max_size=3)), max_size=4),
    sealed=st.binary(max_size=50),
)
batches = st.lists(st.lists(events, min_size=1, max_size=5), min_size=1, max_size=6)


def write(folder: Path, given_batches: list[list[Event]], segment_bytes: int = 1 << 26) -> None:
    async def run() -> None:
        spool = Spool.open(folder, SEALER, segment_bytes=segment_bytes, max_bytes=ROOM)
        for batch in given_batches:
            await spool.append(batch)
        await spool.close()

    asyncio.run(run())


def read(folder: Path) -> list[Event]:
    """Open the spool, read it to its end in small steps, close it."""

    async def run() -> list[Event]:
        spool = Spool.open(folder, SEALER, max_bytes=ROOM)
        try:
            out: list[Event] = []
            while rows := spool.read(len(out) - 1, limit=3):
                assert [offset for offset, _ in rows] == list(range(len(out), len(out) + len(rows)))
                out += [event for _, event in rows]
            assert spool.last_offset == len(out) - 1
            return out
        finally:
            await spool.close()

    return asyncio.run(run())


@settings(max_examples=40, deadline=None)
@given(
    batches=batches,
    reopen=st.lists(st.booleans(), min_size=6, max_size=6),
    segment_bytes=st.sampled_from([1, 500, 1 << 26]),
)
def test_what_was_appended_is_read_whatever_the_reopenings(
    batches: list[list[Event]], reopen: list[bool], segment_bytes: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        pending: list[list[Event]] = []
        for batch, again in zip(batches, reopen, strict=False):
            pending.append(batch)
            if again:
                write(Path(name), pending, segment_bytes)
                pending = []
        write(Path(name), pending, segment_bytes)
        assert read(Path(name)) == [event for batch in batches for event in batch]


@settings(max_examples=60, deadline=None)
@given(batches=batches, data=st.data())
def test_any_cut_of_the_last_segment_leaves_whole_batches_and_goes_on(
    batches: list[list[Event]], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, batches)
        (path,) = folder.glob("*.seg")
        raw = path.read_bytes()
        cut = data.draw(st.integers(0, len(raw) - 1), label="cut at")
        path.write_bytes(raw[:cut])

        everything = [event for batch in batches for event in batch]
        found = read(folder)
        assert found == everything[: len(found)]
        assert len(found) in [0, *accumulate(len(batch) for batch in batches)]
        write(folder, [everything])
        assert read(folder) == found + everything


@settings(max_examples=60, deadline=None)
@given(batches=batches, data=st.data(), split=st.booleans())
def test_any_flipped_bit_is_an_error_that_names_the_file(
    batches: list[list[Event]], data: st.DataObject, split: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, batches, segment_bytes=1 if split else 1 << 26)
        path = data.draw(st.sampled_from(sorted(folder.glob("*.seg"))), label="file")
        raw = bytearray(path.read_bytes())
        position = data.draw(st.integers(0, len(raw) - 1), label="byte")
        raw[position] ^= 1 << data.draw(st.integers(0, 7), label="bit")
        path.write_bytes(raw)
        with pytest.raises(StorageError) as caught:
            read(folder)
        assert ".seg:" in caught.value.where
        assert path.read_bytes() == bytes(raw), "what is damaged is left as it is"


@settings(max_examples=30, deadline=None)
@given(batches=batches, reopen=st.lists(st.booleans(), min_size=6, max_size=6))
def test_the_event_store_holds_each_event_once_whatever_the_reopenings_and_replays(
    batches: list[list[Event]], reopen: list[bool]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        store = SegmentEventStore(Path(name), SEALER)
        offset = -1
        for batch, again in zip(batches, reopen, strict=False):
            offset += len(batch)
            store.append(batch, last_offset=offset)
            if again:
                store.close()
                store = SegmentEventStore(Path(name), SEALER)
                assert store.append(batch, last_offset=offset) == 0
        everything = [event for batch in batches for event in batch]
        found = list(store.search())
        assert found == sorted(everything, key=lambda event: event.time)
        assert store.count() == len(everything)
        assert [store.get(event.id) for event in everything] == everything
        store.close()
