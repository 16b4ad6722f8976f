"""What resembles a story and must stay silent, for the business facts explain it."""

from __future__ import annotations

from datetime import timedelta

from sentinel.demo import cast
from sentinel.demo.day import Access, Day, credentials_of
from sentinel.demo.office import Desk, read_all


def oncall_night(day: Day, desk: Desk) -> None:
    """Let an engineer on call read connection data of 25 customers in the day's first part."""
    dice = day.chance("oncall_night")
    member = cast.ON_CALL_AT_NIGHT
    desk.duty(member, day.start - timedelta(hours=8), day.at(4))
    begin = day.at(1.0 + dice.uniform(-0.3, 0.3))
    login = {"path": "/crm/login", **credentials_of(member, day.seed)}
    day.access(Access(begin, member, "session.login", "oncall_night", login))
    time = begin + timedelta(minutes=2)
    for customer in cast.WITH_NIGHT_INCIDENT:
        desk.incident(customer, begin - timedelta(minutes=10), member.team)
        for _ in range(2):
            day.read(time, member, "connection_data", customer, plot="oncall_night")
            time += timedelta(seconds=dice.uniform(20, 110))


def billing_batch(day: Day, desk: Desk) -> None:
    """Let a service read 800 invoices inside its declared window."""
    dice = day.chance("billing_batch")
    service = cast.BILLING_SERVICE
    desk.window(service, day.at(2), day.at(3.5))
    time = day.at(2.1 + dice.uniform(0, 0.2))
    run = {"path": "/crm/batch/invoices", **credentials_of(service, day.seed)}
    day.access(Access(time, service, "batch.run", "billing_batch", run))
    for customer in cast.BILLED_BY_BATCH:
        time += timedelta(milliseconds=dice.randint(900, 3_200))
        day.read(time, service, "billing_transaction", customer, plot="billing_batch")


def busy_support_morning(day: Day, desk: Desk) -> None:
    """Let an agent work on 60 customers in two hours, each with an open ticket."""
    dice = day.chance("busy_support_morning")
    time = day.at(4.6)
    for index, customer in enumerate(cast.WITH_BUSY_TICKET):
        opened = time - timedelta(hours=dice.uniform(1, 20))
        alone = index % 3 != 0
        desk.ticket(customer, opened, staff=cast.BUSY.id if alone else "", team=cast.BUSY.team)
        read_all(day, dice, cast.BUSY, customer, time, 3, "busy_support_morning")
        time += timedelta(seconds=dice.uniform(95, 125))
