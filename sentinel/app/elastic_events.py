"""The event store on Elasticsearch, as the service and the command line open it."""

from __future__ import annotations

from sentinel.config import Settings
from sentinel.errors import MissingExtra
from sentinel.obs import log
from sentinel.store.ports import EventStore, Sealer

FOLDER = "events-on-their-way"


def open_relayed(settings: Settings, sealer: Sealer) -> EventStore:
    """Open the log of events on their way and the store behind it. Raises MissingExtra.

    The server is not asked yet where the log has a past: it may be down.
    """
    try:
        from sentinel.store.elastic.connect import connect
        from sentinel.store.elastic.relay import RelayedEventStore
    except ImportError as error:
        raise _missing() from error
    told = log.get("events")
    target = connect(settings.store.events, sealer)
    try:
        return RelayedEventStore(
            settings.data_dir / FOLDER,
            sealer,
            target,
            patience=settings.store.events.timeout_seconds,
            on_trouble=lambda reason: told.error("events wait on this disk", reason=reason),
        )
    except BaseException:
        target.close()
        raise


def open_to_read(settings: Settings, sealer: Sealer) -> EventStore:
    """Open the store behind the log, to read. Raises MissingExtra."""
    try:
        from sentinel.store.elastic.connect import connect
    except ImportError as error:
        raise _missing() from error
    return connect(settings.store.events, sealer, read_only=True)


def open_to_fill(settings: Settings, sealer: Sealer) -> EventStore:
    """Open the store on the server itself, to put a backup back. Raises MissingExtra."""
    try:
        from sentinel.store.elastic.connect import connect
    except ImportError as error:
        raise _missing() from error
    return connect(settings.store.events, sealer)


def _missing() -> MissingExtra:
    return MissingExtra(
        "events on Elasticsearch need the client",
        where="store.events.kind",
        hint="pip install 'sentinel-rgpd[elastic]'",
    )
