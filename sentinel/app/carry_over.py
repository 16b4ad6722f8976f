"""From the embedded event store to Elasticsearch: every event, then the offset of the last."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from itertools import islice

from sentinel.app import elastic_events, parts
from sentinel.config import Settings
from sentinel.errors import UsageError
from sentinel.store.events_embedded import EmbeddedEventStore

PORTION = 4_096


def carry_over(settings: Settings, told: Callable[[int], None]) -> int:
    """Bring what the embedded store holds onto the server; return how many events it holds.

    The service is stopped meanwhile. Killed in between, the same call goes on where it was: the
    events are brought in one order, and portions up to the stored offset are ignored. ``told``
    hears how many have been brought. Raises UsageError, StorageError.
    """
    folder = settings.data_dir / "events"
    if settings.store.events.kind != "elasticsearch":
        raise UsageError("store.events names no server", hint='set kind = "elasticsearch" first')
    if not folder.is_dir():
        raise UsageError("there are no embedded events", where=str(folder))
    sealer = parts.open_sealer(settings)
    with (
        closing(EmbeddedEventStore(folder, sealer, compact_at=0)) as here,
        closing(elastic_events.open_to_fill(settings, sealer)) as there,
    ):
        last = here.stored_offset()
        if there.stored_offset() > last:
            raise UsageError(
                f"the server ends at offset {there.stored_offset()}, this folder at {last}",
                where=str(folder),
                hint="it was carried over before, or store.events.prefix is another Sentinel's",
            )
        events, count = here.search(), 0
        portion = list(islice(events, PORTION))
        while portion:
            following = list(islice(events, PORTION))
            count += len(portion)  # there are at most as many events as offsets
            there.append(portion, last_offset=count - 1 if following else last)
            told(count)
            portion = following
        there.append([], last_offset=last)
    return count
