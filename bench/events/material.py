"""Events as an audit log and a web server's log give them: pseudonymised, with sealed originals.

Generated from a seed: the same number gives the same events. 85 in 100 are web requests, 15 are
accesses of staff. Addresses, customers, user agents and paths are drawn so that a few are common
and most are rare; a third of the requests have a query text of their own. The sealed body has the
size and the randomness of `sentinel.store.keys.bodies`: the address, for staff the session too.
"""

from __future__ import annotations

import random
from base64 import b32encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sentinel.domain.event import Event, LogSource

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 30
BATCH = 1_000
WEB = LogSource(category="webserver", product="nginx", service="access")
AUDIT = LogSource(category="audit", product="application", service="crm")
ACTIONS = ("customer.read", "invoice.read", "connection_data.read", "correspondence.read")
KINDS = ("identity", "billing_transaction", "connection_data", "correspondence")
STATUS = (200, 200, 200, 200, 200, 200, 302, 304, 404, 403, 500)


class Town:
    """Who and what the events are about."""

    def __init__(self, seed: int, size: int) -> None:
        self.random = random.Random(seed)
        self.ips = self._names("ip", max(size // 50, 200))
        self.customers = self._names("sub", max(size // 200, 100))
        self.staff = self._names("usr", 150)
        self.agents = [
            f"Mozilla/5.0 (X11; Linux x86_64; rv:{n % 140}.{n}) AppleWebKit/537.36 (KHTML, like "
            f"Gecko) Chrome/{n % 130}.0.{n % 4000}.{n} Safari/537.36"
            for n in range(20_000)
        ]
        words = ("invoices", "lines", "offers", "help", "profile")
        self.paths = [f"/account/{word}/{n}" for n in range(200) for word in words]

    def _names(self, kind: str, count: int) -> list[str]:
        take = self.random.randbytes
        return [f"{kind}_{b32encode(take(10)).decode().lower()}" for _ in range(count)]


def events(count: int, seed: int = 1) -> Iterator[list[Event]]:
    """Yield batches of `BATCH` events, in the order of time, over `DAYS` days."""
    town = Town(seed, count)
    step = timedelta(days=DAYS) / count
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        yield [_event(town, n, FIRST + (n + town.random.random()) * step) for n in numbers]


def _event(town: Town, number: int, time: datetime) -> Event:
    draw = town.random.random
    make = _audit if draw() < 0.15 else _web
    logsource, source, ref, fields, hidden = make(town, number)
    owner = b"\x00" + number.to_bytes(10, "big")
    sealed = town.random.randbytes(28 + hidden)
    body = b"\x04\x91\x92\xc4\x0b" + owner + b"\xc4" + bytes([len(sealed)]) + sealed
    return Event(
        id=f"{town.random.getrandbits(128):032x}",
        time=time.replace(microsecond=time.microsecond // 1000 * 1000),
        source=source,
        ref=ref,
        logsource=logsource,
        fields=fields,
        sealed=body,
    )


def _rare(town: Town, names: list[str]) -> str:
    return names[int(len(names) * town.random.random() ** 3)]


def _web(town: Town, number: int) -> tuple[LogSource, str, str, dict[str, Any], int]:
    draw = town.random
    path, query = _rare(town, town.paths), ""
    if number % 3 == 0:
        query = f"page={draw.randrange(50)}&q={draw.randrange(1_000_000)}"
    who, status = _rare(town, town.customers), draw.choice(STATUS)
    fields: dict[str, Any] = {
        "event.dataset": "nginx.access",
        "event.category": ["web"],
        "sentinel.environment": "production",
        "source.ip": _rare(town, town.ips),
        "user.name": who,
        "http.request.method": "POST" if number % 9 == 0 else "GET",
        "http.version": "2.0",
        "url.original": f"{path}?{query}" if query else path,
        "url.path": path,
        "http.response.status_code": status,
        "http.response.body.bytes": draw.randrange(60_000),
        "http.request.referrer": "https://www.example.org" + _rare(town, town.paths),
        "user_agent.original": _rare(town, town.agents),
        "sentinel.actor.kind": "customer",
        "sentinel.subject": [who],
        "sentinel.data_category": "identity",
        "event.outcome": "failure" if status >= 400 else "success",
        "sentinel.session": f"ses_{who[4:]}"[:20],
    }
    if query:
        fields["url.query"] = query
    return WEB, "nginx-site", f"nginx-site#{number}", fields, 25


def _audit(town: Town, number: int) -> tuple[LogSource, str, str, dict[str, Any], int]:
    draw = town.random
    who, subject = draw.choice(town.staff), _rare(town, town.customers)
    kind = draw.randrange(4)
    fields: dict[str, Any] = {
        "event.dataset": "crm.audit",
        "event.category": ["database"],
        "event.action": ACTIONS[kind],
        "event.outcome": "success",
        "sentinel.subject": [subject],
        "sentinel.data_category": KINDS[kind],
        "sentinel.record_count": 1 + draw.randrange(3),
        "sentinel.mfa": True,
        "source.ip": town.ips[int(who[4:6], 36) % 50],
        "url.path": f"/crm/customers/{subject}",
        "sentinel.session": f"ses_{who[4:]}",
        "sentinel.environment": "production",
        "user_agent.original": town.agents[int(who[4:6], 36) % 9],
        "user.name": who,
        "sentinel.actor.kind": "staff",
        "user.roles": ["support"],
        "user.group.name": "support-1",
        "sentinel.scope.verdict": "explained",
        "sentinel.scope.template": "open_ticket",
        "sentinel.scope.reason": f"ticket T-{draw.randrange(90_000)}",
    }
    return AUDIT, "crm-audit", f"crm-audit#crm-{number:09d}", fields, 52
