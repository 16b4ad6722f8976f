"""From the embedded store to Elasticsearch: all of it, once, and the service goes on from there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sentinel.app import elastic_events, parts
from sentinel.app.carry_over import carry_over
from sentinel.config import Settings
from sentinel.domain.event import Event
from sentinel.errors import StorageError, UsageError
from sentinel.store.ports import EventStore

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def events(count: int) -> list[Event]:
    return [
        Event(id=f"{n:032x}", time=NOON + timedelta(minutes=n), source="crm", ref=f"crm#{n}")
        for n in range(count)
    ]


def house(folder: Path, server: dict[str, object] | None = None) -> Settings:
    store = {"events": server} if server else {}
    return Settings.model_validate(
        {"data_dir": folder / "data", "keys": {"master": "00" * 32}, "store": store}
    )


def opened(settings: Settings) -> EventStore:
    return parts.open_events(settings, parts.open_sealer(settings))


def test_everything_is_carried_over_once(
    tmp_path: Path, elastic_settings: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentinel.app.carry_over.PORTION", 5)
    (tmp_path / "data").mkdir()
    embedded = opened(house(tmp_path))
    embedded.append(events(21), last_offset=20)
    embedded.close()
    settings = house(tmp_path, elastic_settings)

    def killed(count: int) -> None:
        if count > 10:
            raise StorageError("killed")

    with pytest.raises(StorageError, match="killed"):
        carry_over(settings, killed)
    told: list[int] = []
    assert carry_over(settings, told.append) == 21
    assert told == [5, 10, 15, 20, 21]
    assert carry_over(settings, told.append) == 21
    store = opened(settings)
    assert store.stored_offset() == 20
    assert list(store.search()) == events(21)
    assert store.append([*events(22)[21:]], last_offset=21) == 1
    assert list(store.search()) == events(22)
    store.close()
    with pytest.raises(UsageError, match="the server ends at offset 21"):
        carry_over(settings, told.append)


def test_what_there_is_not_is_told(tmp_path: Path, elastic_settings: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="names no server"):
        carry_over(house(tmp_path), print)
    with pytest.raises(UsageError, match="no embedded events"):
        carry_over(house(tmp_path, elastic_settings), print)


def test_a_reader_sees_what_the_service_stores(
    tmp_path: Path, elastic_settings: dict[str, object]
) -> None:
    settings = house(tmp_path, elastic_settings)
    (tmp_path / "data").mkdir()
    service = opened(settings)
    reader = elastic_events.open_to_read(settings, parts.open_sealer(settings))
    assert reader.count() == 0
    service.append(events(3), last_offset=2)
    assert list(service.search()) == events(3)
    assert list(reader.search()) == events(3)
    assert reader.stored_offset() == 2
    with pytest.raises(StorageError, match="opened to read"):
        reader.append(events(4), last_offset=3)
    service.close()
    reader.close()
