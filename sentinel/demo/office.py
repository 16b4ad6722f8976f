"""The ordinary day in the back office: facts, then the accesses that these facts explain."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from sentinel.demo import cast
from sentinel.demo.cast import Member
from sentinel.demo.day import Access, Day, FactRow, credentials_of, happens

_SUPPORT_READS = ("identity", "contact", "connection_data", "correspondence")


@dataclass
class Desk:
    """Hands out fact ids and writes facts the way the back office does."""

    day: Day
    serial: Iterator[int] = field(default_factory=lambda: count(1))

    def ticket(
        self, customer: str, opened: datetime, *, staff: str = "", team: str = "",
        closed: datetime | None = None,
    ) -> None:  # fmt: skip
        """Open a ticket of ``customer`` through the portal."""
        recorded = opened + timedelta(seconds=40)
        self.day.fact(
            FactRow(
                "ticket", f"T-{next(self.serial):06d}", recorded, opened, closed,
                customer=customer, staff=staff, team=team, opened_by="svc-portal",
            )
        )  # fmt: skip

    def incident(self, customer: str, noticed: datetime, team: str) -> None:
        """Note a technical incident of ``customer`` for a team."""
        recorded = noticed + timedelta(seconds=40)
        self.day.fact(
            FactRow(
                "incident", f"N-{next(self.serial):06d}", recorded, noticed, customer=customer,
                team=team, category="connection_data", opened_by="svc-monitoring",
            )
        )  # fmt: skip

    def invoice(self, customer: str, disputed: datetime) -> None:
        """Note an invoice in dispute for the billing team."""
        recorded = disputed + timedelta(seconds=40)
        self.day.fact(
            FactRow(
                "invoice", f"I-{next(self.serial):06d}", recorded, disputed, customer=customer,
                team="billing-1", category="billing_transaction", opened_by="svc-portal",
            )
        )  # fmt: skip

    def duty(self, member: Member, since: datetime, until: datetime) -> None:
        """Note a duty on call."""
        recorded = since - timedelta(days=6)
        self.day.fact(
            FactRow(
                "oncall", f"D-{next(self.serial):06d}", recorded, since, until, staff=member.id,
                team=member.team, category="connection_data", opened_by="svc-planning",
            )
        )  # fmt: skip

    def window(self, member: Member, since: datetime, until: datetime) -> None:
        """Declare the window in which a batch of ``member`` may run."""
        recorded = since - timedelta(days=1)
        self.day.fact(
            FactRow(
                "batch", f"B-{next(self.serial):06d}", recorded, since, until, staff=member.id,
                category="billing_transaction", opened_by="svc-planning",
            )
        )  # fmt: skip


def ordinary_office(day: Day, desk: Desk) -> None:
    """Fill ``day`` with employment, duties, tickets, invoices, portfolios and their accesses."""
    dice = day.chance("office")
    pool = iter(dice.sample(cast.ORDINARY, len(cast.ORDINARY)))
    _employment(day)
    _closed_tickets(day, desk, dice, pool)
    for member in cast.STAFF:
        if member != cast.CARELESS_ADMIN:
            _sign_in(day, dice, member)
    for member in cast.SUPPORT:
        _answer_tickets(day, desk, dice, member, pool)
    for member in cast.BILLING:
        _settle_invoices(day, desk, dice, member, pool)
    for member in cast.SALES:
        _visit_portfolio(day, dice, member, pool)
    desk.duty(cast.ON_CALL_BY_DAY, day.at(4), day.at(16))
    for _ in range(dice.randint(8, 14)):
        time = day.at(dice.uniform(5, 13.5))
        day.read(time, cast.ON_CALL_BY_DAY, "connection_data", next(pool))


def _employment(day: Day) -> None:
    for index, member in enumerate(cast.STAFF):
        hired = day.start - timedelta(days=400 + 37 * index)
        leaves = day.end + timedelta(days=5) if member == cast.LEAVER else None
        recorded = day.start - timedelta(days=20) if leaves else hired
        day.fact(
            FactRow(
                "employment", f"E-{index + 1:03d}", recorded, hired, leaves,
                staff=member.id, team=member.team, opened_by="svc-people",
            )
        )  # fmt: skip


def _closed_tickets(day: Day, desk: Desk, dice: random.Random, pool: Iterator[str]) -> None:
    for _ in range(dice.randint(30, 45)):
        opened = day.start - timedelta(days=dice.uniform(4, 30))
        closed = opened + timedelta(days=dice.uniform(0.2, 3))
        member = dice.choice(cast.SUPPORT)
        desk.ticket(next(pool), opened, staff=member.id, team=member.team, closed=closed)


def _sign_in(day: Day, dice: random.Random, member: Member) -> None:
    """Sign in with the second factor, some after a mistyped password."""
    time = day.at(dice.uniform(4.0, 4.4))
    fields = {"path": "/crm/login", **credentials_of(member, day.seed)}
    if happens(dice, 0.15):
        wrong = {key: value for key, value in fields.items() if key not in ("mfa", "session")}
        day.access(Access(time, member, "session.login", "", {**wrong, "outcome": "failure"}))
        time += timedelta(seconds=dice.uniform(6, 20))
    day.access(Access(time, member, "session.login", "", fields))


def _answer_tickets(
    day: Day, desk: Desk, dice: random.Random, member: Member, pool: Iterator[str]
) -> None:
    time = day.at(dice.uniform(4.5, 5.2))
    for _ in range(dice.randint(11, 15)):
        customer = next(pool)
        opened = time - timedelta(hours=dice.choice((0.2, 0.5, 1.5, 8, 30, 70)))
        to_one = happens(dice, 0.7)
        desk.ticket(customer, opened, staff=member.id if to_one else "", team=member.team)
        time = read_all(day, dice, member, customer, time, dice.randint(4, 7))
        time += timedelta(minutes=dice.uniform(8, 55))


def read_all(
    day: Day, dice: random.Random, member: Member, customer: str, time: datetime, reads: int,
    plot: str = "",
) -> datetime:  # fmt: skip
    """Let an agent work on one customer's ticket; return when it is done."""
    for index in range(reads):
        category = "identity" if index == 0 else dice.choice(_SUPPORT_READS)
        day.read(time, member, category, customer, plot=plot)
        time += timedelta(seconds=dice.uniform(8, 70))
    return time


def _settle_invoices(
    day: Day, desk: Desk, dice: random.Random, member: Member, pool: Iterator[str]
) -> None:
    time = day.at(dice.uniform(4.6, 5.4))
    for _ in range(dice.randint(11, 15)):
        customer = next(pool)
        desk.invoice(customer, time - timedelta(hours=dice.choice((0.3, 2, 20, 60))))
        for category in ("identity", *["billing_transaction"] * dice.randint(1, 3)):
            day.read(time, member, category, customer)
            time += timedelta(seconds=dice.uniform(15, 90))
        time += timedelta(minutes=dice.uniform(8, 50))


def _visit_portfolio(day: Day, dice: random.Random, member: Member, pool: Iterator[str]) -> None:
    mine = [next(pool) for _ in range(14)]
    for index, customer in enumerate(mine):
        since = day.start - timedelta(days=90 + index)
        day.fact(
            FactRow(
                "assignment", f"A-{member.id}-{index + 1:02d}", since, since, customer=customer,
                staff=member.id, team=member.team, opened_by="svc-planning",
            )
        )  # fmt: skip
    time = day.at(dice.uniform(4.6, 5.2))
    for _ in range(dice.randint(22, 30)):
        day.read(time, member, dice.choice(("identity", "contact")), dice.choice(mine))
        time += timedelta(minutes=dice.uniform(4, 30))
