"""What ``sentinel doctor`` says of the event store."""

from __future__ import annotations

from contextlib import closing

from sentinel.app.parts import open_sealer, read_events
from sentinel.config import Settings


def events_here(settings: Settings) -> str:
    """Return where events lie; of a server, whether it answers. Raises SentinelError."""
    wanted = settings.store.events
    if wanted.kind == "embedded":
        return "embedded, in the data directory"
    with closing(read_events(settings, open_sealer(settings))) as events:
        events.stored_offset()
        return f"Elasticsearch at {wanted.url}, prefix {wanted.prefix}: {events.count()} events"
