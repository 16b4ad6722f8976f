"""A real Elasticsearch as a peer: one node on this machine, as production would run it.

Batches of 4,096, as the relay brings them on; at the end each day is merged into one segment, as
it would be by the next morning. Heap 2 GB, no security, its folder on the disk of the others.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from peers import OfPort

from sentinel.config import EventStoreSettings
from sentinel.domain.event import Event
from sentinel.store.elastic.batches import PORTION
from sentinel.store.elastic.connect import connect as connect_store
from sentinel.store.seal import AesGcmSealer

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "servers"))

from elastic_server import ElasticServer

PREFIX = "bench"


class ElasticPeer(OfPort):
    """The store, and the server that lives as long as this process."""

    def __init__(self, folder: Path) -> None:
        os.environ.setdefault("TEST_ELASTIC_JAVA_OPTS", "-Xms2g -Xmx2g")
        os.environ["TMPDIR"] = str(folder)
        self._server = ElasticServer(durable=True)
        settings = EventStoreSettings.model_validate(
            {
                "kind": "elasticsearch",
                "url": self._server.url,
                "prefix": PREFIX,
                "timeout_seconds": 1800,
            }
        )
        store = connect_store(settings, AesGcmSealer(os.urandom(32)))
        note = f"{self._server.facts}; hot columns in clear, bodies sealed"
        super().__init__("elastic", note, store, self._bytes, self._merge)
        atexit.register(self.close)

    def load(self, batches: Iterator[list[Event]]) -> None:
        """Store everything in portions of the relay."""
        super().load(_portions(batches))

    def _merge(self) -> None:
        for step in ("_refresh", "_forcemerge?max_num_segments=1", "_flush"):
            self._server.ask(f"/{PREFIX}-events-*/{step}", method="POST", timeout=3600)

    def _bytes(self) -> int:
        told = self._server.ask(f"/{PREFIX}-events-*/_stats/store")
        assert isinstance(told, dict)
        return int(told["_all"]["primaries"]["store"]["size_in_bytes"])

    def close(self) -> None:
        """Close connections and server."""
        self.store.close()
        self._server.close()


def connect(folder: Path) -> ElasticPeer:
    """Start a server whose data lies in ``folder`` and return the peer."""
    return ElasticPeer(folder)


def _portions(batches: Iterator[list[Event]]) -> Iterator[list[Event]]:
    waiting: list[Event] = []
    for event in chain.from_iterable(batches):
        waiting.append(event)
        if len(waiting) == PORTION:
            yield waiting
            waiting = []
    if waiting:
        yield waiting
