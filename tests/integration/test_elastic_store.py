"""What only a store on a server meets: passwords, other writers, altered documents, dead shards."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from elastic_server import ElasticServer
from process import free_port

from sentinel.config import EventStoreSettings
from sentinel.domain.event import Event
from sentinel.domain.hunt import Any_, Groups, Hunt, Op, Test
from sentinel.errors import StorageError, UnreadableFile
from sentinel.store.elastic.connect import connect
from sentinel.store.elastic.faults import ElasticRefuses, EventsUnreachable
from sentinel.store.elastic.store import ElasticEventStore
from sentinel.store.seal import AesGcmSealer

SEALER = AesGcmSealer(bytes(32))
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
Open = Callable[..., ElasticEventStore]
Settings = dict[str, object]


@pytest.fixture
def opened(elastic_settings: Settings) -> Iterator[Open]:
    stores: list[ElasticEventStore] = []

    def open_one(sealer: AesGcmSealer = SEALER, **other: object) -> ElasticEventStore:
        settings = {k: v for k, v in (elastic_settings | other).items() if v is not None}
        stores.append(connect(EventStoreSettings.model_validate(settings), sealer))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


def event(number: int, **fields: Any) -> Event:
    return Event(
        id=f"{number:032x}",
        time=NOON + timedelta(hours=number),
        source="crm",
        ref=f"crm#{number}",
        fields={"user.name": f"usr_{number}", "note": "told in confidence", **fields},
        sealed=b"originals",
    )


@pytest.fixture
def secured(elastic: ElasticServer) -> ElasticServer:
    if not elastic.secure:
        pytest.skip("TEST_ELASTIC_URL names a server without passwords")
    return elastic


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"password": "wrong"}, "user and password, or the API key, are not accepted"),
        ({"user": None, "password": None, "api_key": "bm9ib2R5Om5v"}, "or the API key"),
        ({"user": None, "password": None}, "are not accepted"),
    ],
)
def test_who_may_not_is_told_so(
    secured: ElasticServer, opened: Open, other: Settings, told: str
) -> None:
    with pytest.raises(ElasticRefuses, match=told) as caught:
        opened(**other).stored_offset()
    assert secured.url in caught.value.where
    assert caught.value.hint


def test_a_certificate_of_nobody_we_know(secured: ElasticServer, opened: Open) -> None:
    with pytest.raises(EventsUnreachable, match="TLS") as caught:
        opened(ca=None).stored_offset()
    assert "store.events.ca" in caught.value.hint


def test_an_authority_that_cannot_be_read(secured: ElasticServer, opened: Open) -> None:
    with pytest.raises(UnreadableFile, match=r"nowhere\.pem"):
        opened(ca="/nowhere.pem").stored_offset()


def test_nobody_listens(opened: Open) -> None:
    store = opened(url=f"http://127.0.0.1:{free_port()}", ca=None)
    with pytest.raises(EventsUnreachable, match="does not answer"):
        store.append([event(1)], last_offset=0)
    with pytest.raises(EventsUnreachable):
        list(store.search())
    assert store.count() == 0


def test_a_server_that_is_no_elasticsearch(opened: Open) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Other) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(ElasticRefuses, match="does not say that it is Elasticsearch"):
            opened(url=f"http://127.0.0.1:{server.server_port}", ca=None).stored_offset()
        server.shutdown()


def test_a_second_writer_is_stopped_before_it_does_harm(opened: Open) -> None:
    first, second = opened(), opened()
    assert first.append([event(1)], last_offset=0) == 1
    assert second.append([event(2)], last_offset=1) == 1
    with pytest.raises(StorageError, match="another process writes here"):
        first.append([event(3)], last_offset=1)
    assert first.stored_offset() == 1
    assert [one.id for one in first.search()] == [event(1).id, event(2).id]
    assert first.append([event(3)], last_offset=2) == 1
    assert len(list(opened().search())) == 3


def test_what_a_killed_writer_left_is_removed_and_comes_again(opened: Open) -> None:
    store = opened()
    store.append([event(1)], last_offset=0)
    store._writer.put([event(2), event(3)], last_offset=2)  # killed before the offset is written
    store._reader.refresh()
    assert [one.id for one in store.search()] == [event(1).id]
    after = opened()
    assert after.stored_offset() == 0
    assert after.count() == 1
    assert after.append([event(2)], last_offset=1) == 1
    assert after.append([event(3), event(4)], last_offset=3) == 2
    assert [one.id for one in after.search()] == [event(n).id for n in (1, 2, 3, 4)]


def test_what_arrives_after_it_was_given_up_is_written_over(opened: Open) -> None:
    store = opened()
    store.append([event(1)], last_offset=0)
    store._writer.put([event(2), event(3)], last_offset=2)  # a request that timed out
    assert store.append([event(2)], last_offset=1) == 1
    assert [one.id for one in store.search()] == [event(1).id, event(2).id]
    assert store.append([event(3)], last_offset=2) == 1
    assert len(list(store.search())) == 3


def test_bodies_are_sealed_and_only_columns_stand_beside(
    opened: Open, elastic: ElasticServer, elastic_settings: Settings
) -> None:
    store = opened()
    store.append([event(1, **{"url.path": "/crm", "free": "198.51.100.7"})], last_offset=0)
    list(store.search())
    prefix = elastic_settings["prefix"]
    found: Any = elastic.ask(f"/{prefix}-events-*/_search")
    (hit,) = found["hits"]["hits"]
    source = hit["_source"]
    body = base64.b64decode(source.pop("store.body"))
    shown = str(source)
    assert "/crm" in shown
    for secret in ("confidence", "198.51.100.7", "originals"):
        assert secret not in shown
        assert secret.encode() not in body
    with pytest.raises(StorageError, match="sealed under key"):
        opened(AesGcmSealer(bytes([7] * 32))).get(event(1).id)
    altered = base64.b64encode(body[:-1] + bytes([body[-1] ^ 1])).decode()
    elastic.ask(
        f"/{hit['_index']}/_update/{hit['_id']}?refresh=true",
        method="POST",
        body={"doc": {"store.body": altered}},
    )
    with pytest.raises(StorageError, match="altered"):
        list(store.search())


def test_a_missing_shard_is_an_error_and_no_shorter_answer(
    opened: Open, elastic: ElasticServer, elastic_settings: Settings
) -> None:
    store = opened(timeout_seconds=5)
    store.append([event(1)], last_offset=0)
    elastic.ask(
        f"/{elastic_settings['prefix']}-events-security_normal-2026.01.09?timeout=1s",
        method="PUT",
        body={"settings": {"index.routing.allocation.require._name": "nowhere"}},
    )
    for ask in (
        lambda: list(store.search()),
        lambda: store.get(event(1).id),
        lambda: store.hunt(Hunt()),
        lambda: store.aggregate(Hunt(), Groups(by=("user.name",))),
    ):
        with pytest.raises(EventsUnreachable) as caught:
            ask()
        assert "_cluster/health" in caught.value.hint or "no answer" in str(caught.value)


def test_the_template_was_lost_and_is_made_again(opened: Open, elastic: ElasticServer) -> None:
    store = opened()
    store.append([event(1)], last_offset=0)
    elastic.ask(f"/_index_template/{store._names.prefix}-events", method="DELETE")
    again = opened()
    assert again.append([event(40)], last_offset=1) == 1
    path = Test(field="user.name", op=Op.IS, value="usr_40")
    assert [one.id for one in again.hunt(Hunt(where=path))] == [event(40).id]


def test_long_ago_and_far_ahead_share_an_index(opened: Open, elastic: ElasticServer) -> None:
    store = opened()
    days = [NOON + timedelta(days=400 * n) for n in range(-60, 60)]
    events = [Event(id=f"{n:032x}", time=day, source="crm", ref="") for n, day in enumerate(days)]
    assert store.append(events, last_offset=0) == 120
    assert [one.time for one in store.search()] == days
    names: Any = elastic.ask(f"/{store._names.prefix}-events-*/_settings")
    assert len(names) <= 5
    told = store.purge(before=days[50] + timedelta(days=1))
    assert sum(one.count for one in told) == 51
    assert [one.time for one in store.search()] == days[51:]


def test_a_question_of_more_clauses_than_a_query_may_have(opened: Open) -> None:
    store = opened()
    store.append([event(n) for n in range(20)], last_offset=19)
    parts = [
        Test(field="user.name", op=Op.CONTAINS, value=f"usr_{n}") for n in (7, *range(50, 5000))
    ]
    assert [one.id for one in store.hunt(Hunt(where=Any_(tuple(parts))))] == [event(7).id]
