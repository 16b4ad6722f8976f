"""One life of a process that stores numbered batches through the relay, until it is killed.

    python relay_life.py SETTINGS_JSON FOLDER BATCHES PAUSE

It goes on after what is stored, and says each batch that it was told to be durable.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sentinel.config import EventStoreSettings
from sentinel.domain.event import Event
from sentinel.store.elastic.connect import connect
from sentinel.store.elastic.relay import RelayedEventStore
from sentinel.store.seal import AesGcmSealer

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
WIDTH = 7


def batch(number: int) -> list[Event]:
    """Return the events at the offsets of a batch; the last is one of the batch before."""
    numbers = [*range(number * WIDTH, number * WIDTH + WIDTH - 1), max(number * WIDTH - 3, 0)]
    return [
        Event(
            id=f"{n:032x}",
            time=NOON + timedelta(minutes=n),
            source="crm",
            ref=f"crm#{n}",
            fields={"user.name": f"usr_{n % 5}"},
        )
        for n in numbers
    ]


def main() -> None:
    """Store until the end, or the kill."""
    settings, folder, count, pause = sys.argv[1:]
    sealer = AesGcmSealer(bytes(32))
    target = connect(EventStoreSettings.model_validate(json.loads(settings)), sealer)
    store = RelayedEventStore(Path(folder), sealer, target)
    first = (store.stored_offset() + 1) // WIDTH
    for number in range(first, int(count)):
        store.append(batch(number), last_offset=number * WIDTH + WIDTH - 1)
        print(number, flush=True)
        time.sleep(float(pause))
    store.close()


if __name__ == "__main__":
    main()
