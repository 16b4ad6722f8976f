"""The watermark: dates far ahead, sources of different lag, and time that only goes forward."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sentinel.detect.correlate.timekeeper import Timekeeper
from sentinel.domain.event import Event

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
LATENESS = timedelta(minutes=10)


def event(minute: float, source: str = "www") -> Event:
    time = START + timedelta(minutes=minute)
    return Event(id=f"{source}-{minute}", time=time, source=source, ref="r")


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


def test_one_source_leads_by_its_newest_event() -> None:
    keeper = Timekeeper(LATENESS)
    assert keeper.observe([event(30), event(20)], at(30))
    assert keeper.watermark == at(20)


def test_a_date_far_ahead_moves_nothing_and_is_counted() -> None:
    keeper = Timekeeper(LATENESS)
    keeper.observe([event(30)], at(30))
    assert not keeper.observe([event(60 * 24 * 3650)], at(31))
    assert keeper.watermark == at(20)
    assert keeper.future == 1
    assert keeper.observe([event(32)], at(32))
    assert keeper.watermark == at(22)


def test_a_clock_a_little_fast_is_believed() -> None:
    keeper = Timekeeper(LATENESS)
    keeper.observe([event(34)], at(30))
    assert keeper.watermark == at(24)
    assert keeper.future == 0


def test_without_a_clock_every_date_is_believed() -> None:
    keeper = Timekeeper(LATENESS)
    keeper.observe([event(30), event(60 * 24 * 3650)], None)
    assert keeper.future == 0
    assert keeper.watermark > at(60 * 24 * 3000)


def test_the_slowest_source_that_delivers_is_waited_for() -> None:
    keeper = Timekeeper(LATENESS)
    keeper.observe([event(30), event(25, "crm")], at(30))
    assert keeper.watermark == at(15)


def test_no_source_holds_the_others_back_for_ever() -> None:
    keeper = Timekeeper(LATENESS)
    keeper.observe([event(60), event(0, "crm")], at(60))
    assert keeper.watermark == at(40)


def test_a_silent_source_holds_nobody_back() -> None:
    keeper = Timekeeper(LATENESS)
    keeper.observe([event(29), event(25, "crm")], at(30))
    keeper.observe([event(32)], at(32))
    assert keeper.watermark == at(22)


def test_time_never_goes_back() -> None:
    keeper = Timekeeper(LATENESS)
    keeper.advance(at(60))
    assert not keeper.observe([event(30)], at(61))
    assert not keeper.advance(at(40))
    assert keeper.watermark == at(50)


def test_what_it_remembers_makes_another_go_on_alike() -> None:
    one, other = Timekeeper(LATENESS), Timekeeper(LATENESS)
    one.observe([event(30), event(25, "crm"), event(9999)], at(30))
    other.recall(one.remember())
    for keeper in (one, other):
        keeper.observe([event(33)], at(30.5))
    assert other.watermark == one.watermark == at(15)
    assert other.future == 1
