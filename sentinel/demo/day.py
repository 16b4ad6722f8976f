"""The day that the story fills: it gives the shapes of the three real formats to what happens.

Parts of the story write in any order; the day sorts, numbers and labels when it is told.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sentinel.clock import isoformat
from sentinel.demo.cast import Member

SPAN = timedelta(hours=14)
FACT_HEADER = "kind,id,customer,staff,team,category,opened_by,valid_from,valid_to,recorded_at"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Hit:
    """A request to the public site: nginx ``combined``. ``plot``: the story that it belongs to."""

    time: datetime
    address: str
    agent: str
    target: str
    user: str = "-"
    method: str = "GET"
    status: int = 200
    size: int = 0
    referrer: str = "-"
    plot: str = ""
    bad_request: str = ""

    def line(self) -> str:
        """Return the line as nginx writes it (``log_format combined``), in UTC."""
        at = self.time
        stamp = f"{at.day:02d}/{_MONTHS[at.month - 1]}/{at:%Y:%H:%M:%S} +0000"
        request = self.bad_request or f"{self.method} {self.target} HTTP/1.1"
        return (
            f'{self.address} - {self.user} [{stamp}] "{request}" {self.status} {self.size} '
            f'"{self.referrer}" "{self.agent}"'
        )


@dataclass(frozen=True, slots=True)
class Access:
    """An act of staff or of a service: one line of the back office's audit log, less its id."""

    time: datetime
    member: Member
    action: str
    plot: str = ""
    fields: dict[str, Any] = field(default_factory=dict)

    def line(self, own_id: str) -> str:
        """Return the JSON object of the line; optional members are there only where known."""
        who = self.member
        actor: dict[str, Any] = {"id": who.id, "kind": who.kind, "roles": [who.role]}
        if who.team:
            actor["team"] = who.team
        body: dict[str, Any] = {
            "id": own_id,
            "time": isoformat(self.time),
            "actor": actor,
            "action": self.action,
            "outcome": "success",
            "ip": who.address,
            "environment": "production",
        }
        return json.dumps(body | self.fields, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class FactRow:
    """A business fact as the back office exports it. ``recorded_at``: when it is known there."""

    kind: str
    id: str
    recorded_at: datetime
    valid_from: datetime
    valid_to: datetime | None = None
    customer: str = ""
    staff: str = ""
    team: str = ""
    category: str = ""
    opened_by: str = ""

    def line(self) -> str:
        """Return the CSV line, in the order of ``FACT_HEADER``."""
        until = isoformat(self.valid_to) if self.valid_to else ""
        known = (self.kind, self.id, self.customer, self.staff, self.team, self.category)
        validity = (isoformat(self.valid_from), until, isoformat(self.recorded_at))
        return ",".join((*known, self.opened_by, *validity))


def happens(dice: random.Random, share: float) -> bool:
    """Throw the dice: true in ``share`` of the cases."""
    return dice.random() < share


class Day:
    """Collects what happens between ``start`` and ``end`` (aware, UTC); later things are cut."""

    def __init__(self, seed: int, end: datetime) -> None:
        if end.tzinfo is None:
            raise ValueError("a story needs an aware end")
        self.seed = seed
        self.end = end.astimezone(UTC)
        self.start = self.end - SPAN
        self.hits: list[Hit] = []
        self.accesses: list[Access] = []
        self.facts: list[FactRow] = []

    def chance(self, part: str) -> random.Random:
        """Return the dice of one part of the story: parts do not disturb each other."""
        return random.Random(f"{self.seed}/{part}")  # noqa: S311 - a story, not a secret

    def at(self, hours: float) -> datetime:
        """Return the instant ``hours`` after the day's start."""
        return self.start + timedelta(hours=hours)

    def hit(self, hit: Hit) -> None:
        """Note a request."""
        if self.start <= hit.time < self.end:
            self.hits.append(hit)

    def access(self, access: Access) -> None:
        """Note an act."""
        if self.start <= access.time < self.end:
            self.accesses.append(access)

    def read(
        self, time: datetime, member: Member, category: str, customer: str, *, plot: str = ""
    ) -> None:
        """Note that ``member`` opens the ``category`` of data of ``customer``."""
        action, tail, records = _READS[category]
        self.access(
            Access(
                time,
                member,
                action,
                plot,
                {
                    "customers": [customer],
                    "category": category,
                    "records": records,
                    "path": f"/crm/customers/{customer}{tail}",
                    **credentials_of(member, self.seed),
                },
            )
        )

    def fact(self, row: FactRow) -> None:
        """Note a business fact; one recorded after the end is not known to this day."""
        if row.recorded_at < self.end:
            self.facts.append(row)


_READS = {
    "identity": ("customer.read", "", 1),
    "contact": ("customer.read", "/contact", 1),
    "connection_data": ("connection_data.read", "/connections", 20),
    "correspondence": ("correspondence.read", "/messages", 5),
    "billing_transaction": ("invoice.read", "/invoices", 1),
}
_OFFICE_AGENTS: Sequence[str] = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/139.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0",
)


def credentials_of(member: Member, seed: int) -> dict[str, Any]:
    """Return session, second factor and user agent: a service has none of a person's."""
    if member.kind == "service":
        return {"agent": "billing-batch/4.2"}
    number = int(member.address.rsplit(".", 1)[1])
    agent = _OFFICE_AGENTS[(number + seed) % len(_OFFICE_AGENTS)]
    return {"mfa": True, "session": f"s-{1000 + number * 7 + seed % 7}", "agent": agent}
