"""Elasticsearch answers as the reference does, also about values that its columns cannot hold."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from sentinel.config import EventStoreSettings
from sentinel.domain.event import Event, LogSource, Value
from sentinel.domain.hunt import (
    All,
    Any_,
    Condition,
    Exists,
    Groups,
    Hunt,
    In,
    Not,
    Op,
    Test,
)
from sentinel.store.events_memory import MemoryEventStore
from sentinel.store.ports import EventStore
from sentinel.store.seal import AesGcmSealer

START = datetime(2026, 1, 2, 12, tzinfo=UTC)
TEXTS = [
    *("", " ", "a", "A", "usr_a", "USR_A", "é", "É", "ß", "straße", "\u212a", "\u0130x", "k"),
    *("*", "?", "\\", "a*b", "a?b", "a\\b", "a\\*b", '"', "\n", "\x00", "x" * 9_000, "y" * 40_000),
    *("404", "1e3", "true", "null", "10.1.2.3", "10.1.200.3", "2001:db8::1", "not an ip", "🙂"),
]
NUMBERS: list[Value] = [
    *(0, 1, -1, 404, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 10**19),
    *(0.5, 2.0, -0.0, 1e300, 404.0, 404.5),
]
FIELDS = [
    *("user.name", "source.ip", "url.path", "http.response.status_code", "sentinel.subject"),
    *("sentinel.record_count", "sentinel.mfa", "free.text", "event.id", "sentinel.source"),
    *("sentinel.ref", "sentinel.logsource.service", "sentinel.retention"),
]
GROUPS = [
    *FIELDS[:7],
    *("@day", "@hour", "event.id", "sentinel.source", "free.text", "sentinel.logsource.service"),
]
INSTANTS = [
    *(START + timedelta(hours=hours) for hours in range(0, 60, 7)),
    START + timedelta(microseconds=1),
    START - timedelta(microseconds=1),
    datetime(1900, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
    datetime(9998, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]


def value(chance: random.Random) -> Value:
    kind = chance.random()
    if kind < 0.6:
        return chance.choice(TEXTS)
    if kind < 0.8:
        return chance.choice(NUMBERS)
    if kind < 0.85:
        return chance.random() < 0.5
    if kind < 0.88:
        return None
    return [chance.choice([*TEXTS, *NUMBERS, True, None]) for _ in range(chance.randrange(4))]


def event(number: int, chance: random.Random, *, plain: bool) -> Event:
    names = [*FIELDS, "sentinel.logsource.service"] if not plain else FIELDS[:8]
    fields = {name: value(chance) for name in names if chance.random() < 0.4}
    if plain:
        fields = {
            name: one
            for name, one in fields.items()
            if isinstance(one, str) and one.isascii() and len(one) < 8_000
        }
        fields["http.response.status_code"] = chance.choice([200, 404, 500])
    return Event(
        id=f"{number:032x}",
        time=chance.choice(INSTANTS),
        source=chance.choice(["crm", "site"]),
        ref=chance.choice(["", f"crm#{number}"]),
        logsource=LogSource(service=chance.choice(["", "crm"])),
        fields=fields,
    )


def leaf(chance: random.Random) -> Condition:
    field, kind = chance.choice(FIELDS), chance.random()
    if kind < 0.1:
        return Exists(field=field)
    if kind < 0.2:
        return In(field=field, values=tuple(chance.sample(TEXTS, chance.randrange(4))))
    if kind < 0.35:
        numbers = [one for one in NUMBERS if isinstance(one, int | float)]
        op = chance.choice([Op.LT, Op.LTE, Op.GT, Op.GTE])
        return Test(field=field, op=op, value=chance.choice(numbers))
    if kind < 0.45:
        nets = ["10.1.0.0/16", "10.0.0.0/8", "10.1.2.3/32", "0.0.0.0/0", "2001:db8::/32"]
        return Test(field=field, op=Op.CIDR, value=chance.choice(nets))
    op = chance.choice([Op.IS, Op.CONTAINS, Op.PREFIX, Op.SUFFIX, Op.LIKE])
    text = chance.choice([*TEXTS, "*a*", "?", "a\\*?", "\\\\", "*\\"])
    return Test(field=field, op=op, value=text, ignore_case=chance.random() < 0.4)


def condition(chance: random.Random, depth: int = 2) -> Condition:
    kind = chance.random() if depth else 0.0
    if kind < 0.5:
        return leaf(chance)
    if kind < 0.65:
        return Not(condition(chance, depth - 1))
    parts = tuple(condition(chance, depth - 1) for _ in range(chance.randrange(4)))
    return All(parts) if kind < 0.85 else Any_(parts)


@pytest.fixture(scope="module", params=["plain values", "every value"])
def stores(
    request: pytest.FixtureRequest, module_elastic_settings: dict[str, object]
) -> Iterator[tuple[EventStore, EventStore]]:
    from sentinel.store.elastic.connect import connect

    settings = EventStoreSettings.model_validate(
        module_elastic_settings
        | {"prefix": f"{module_elastic_settings['prefix']}{len(request.param)}"}
    )
    store, reference = connect(settings, AesGcmSealer(bytes(32))), MemoryEventStore()
    chance = random.Random(7)
    events = [event(n, chance, plain=request.param == "plain values") for n in range(300)]
    for one in (store, reference):
        one.append(events, last_offset=299)
    yield store, reference
    store.close()


@pytest.mark.parametrize("seed", range(int(os.environ.get("ELASTIC_SEEDS", "1"))))
def test_any_condition_finds_the_same(stores: tuple[EventStore, EventStore], seed: int) -> None:
    store, reference = stores
    chance = random.Random(seed)
    for _ in range(25):
        since = chance.choice([None, None, START, START + timedelta(hours=20)])
        hunt = Hunt(
            where=condition(chance),
            since=since,
            limit=chance.choice([3, 1000]),
            newest_first=chance.random() < 0.5,
        )
        assert store.hunt(hunt) == reference.hunt(hunt), hunt
        by = tuple(chance.sample(GROUPS, chance.randrange(3)))
        groups = Groups(
            by=by,
            distinct=chance.choice(["", "", chance.choice(GROUPS)]),
            top=chance.choice([3, 1000]),
            order=chance.choice(["most", "fewest", "key"]),
        )
        assert store.aggregate(hunt, groups) == reference.aggregate(hunt, groups), (hunt, groups)


def test_what_was_compared_was_not_nothing(stores: tuple[EventStore, EventStore]) -> None:
    _store, reference = stores
    chance = random.Random(0)
    found = [len(reference.hunt(Hunt(where=condition(chance), limit=1000))) for _ in range(150)]
    assert sum(0 < one < 300 for one in found) > 40
