"""Promise R-03 by construction: nothing that outlives a session, no score beside a customer."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import MetaData

from sentinel.content import content_dir
from sentinel.detect.behaviour.findings import load_model_rule
from sentinel.detect.behaviour.frames import Ask
from sentinel.detect.behaviour.monitor import Behaviour
from sentinel.detect.behaviour.scorer import Scorer
from sentinel.detect.behaviour.sessions import Sessions
from sentinel.domain.event import Event, LogSource
from sentinel.store import tables

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
WEB = LogSource(category="webserver", product="nginx", service="access")
CUSTOMER, SESSION, ADDRESS = "sub_customer", "ses_session", "ip_address"


def request(at: datetime, path: str = "/files/7") -> Event:
    return Event(
        id=f"e{at.timestamp()}",
        time=at,
        source="www",
        ref="",
        logsource=WEB,
        fields={
            "sentinel.session": SESSION,
            "user.name": CUSTOMER,
            "sentinel.actor.kind": "customer",
            "source.ip": ADDRESS,
            "url.path": path,
        },
    )


def held(thing: object) -> bytes:
    """Everything that an object keeps, as text, however deep."""
    return msgspec.json.encode(vars(thing), enc_hook=lambda inner: getattr(inner, "__dict__", ""))


def test_no_table_has_a_customer_beside_a_score() -> None:
    metadata: MetaData = tables.ALERTS.metadata
    persons = ("subject", "customer", "person", "user")
    for table in metadata.tables.values():
        names = [column.name for column in table.columns]
        keyed = [name for name in names if any(word in name for word in persons)]
        scored = [name for name in names if "score" in name or "baseline" in name]
        assert not (keyed and scored), table.name
    assert not [name for name in metadata.tables if "profile" in name or "baseline" in name]


def test_a_session_is_gone_when_it_is_over() -> None:
    sessions = Sessions()
    sessions.add([request(START)])
    assert SESSION.encode() in held(sessions)
    (closed,) = sessions.close(START + timedelta(hours=2))
    assert closed.customer == CUSTOMER
    assert len(sessions) == 0
    for person in (SESSION, CUSTOMER, ADDRESS):
        assert person.encode() not in held(sessions)


def test_no_session_outlives_24_hours_and_two_of_a_customer_share_nothing() -> None:
    sessions = Sessions()
    sessions.add(request(START + timedelta(minutes=20 * n)) for n in range(200))
    parts = sessions.flush()
    assert all(one.visits[-1].time - one.visits[0].time < timedelta(hours=24) for one in parts)
    assert len({visit.id for one in parts for visit in one.visits}) == 200


def test_only_steps_cross_to_the_model() -> None:
    sessions = Sessions()
    sessions.add([request(START)])
    asked = msgspec.msgpack.encode(Ask([one.steps for one in sessions.flush()]))
    for person in (SESSION, CUSTOMER, ADDRESS):
        assert person.encode() not in asked


async def test_the_watch_keeps_nobody_once_it_has_told(tmp_path: Path) -> None:
    watch = Behaviour(Scorer(tmp_path), load_model_rule(content_dir("rules")))
    await watch.process([request(START)])
    assert watch.health.open == 1
    await watch.advance(START + timedelta(hours=30))
    assert watch.health.open == 0
    assert SESSION.encode() not in held(watch._sessions)
    assert not [name for name in vars(watch) if "customer" in name or "user" in name]


@pytest.mark.parametrize("field", ["sentinel.session"])
def test_what_has_no_session_is_not_watched(field: str) -> None:
    sessions = Sessions()
    event = request(START)
    fields = {name: value for name, value in event.fields.items() if name != field}
    sessions.add([msgspec.structs.replace(event, fields=fields)])
    assert len(sessions) == 0
