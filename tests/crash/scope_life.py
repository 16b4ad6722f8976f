"""One life of the real service that fills, reviews or revises, and dies by SIGKILL on request.

    python scope_life.py FOLDER fill|late|review|revise KILL

KILL: number of the transaction in which the process dies, before its commit; ``after:N``, right
after it; 0 never.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sentinel import config
from sentinel.app.service import Sentinel
from sentinel.clock import ManualClock, isoformat
from sentinel.domain.event import Event, LogSource
from sentinel.domain.scope import Fact
from sentinel.store.case_store import SqlCaseTx

FIRST = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAYS = 16
LAST = FIRST + timedelta(days=DAYS - 1)
ODD = 3
"""Accesses on the last day that nothing explains."""


def access(number: int, at: datetime, actor: str, subject: str) -> Event:
    """Return an access of support."""
    return Event(
        id=f"{number:032x}",
        time=at,
        source="crm",
        ref=f"crm#{number}",
        logsource=LogSource(category="audit", product="application", service="crm"),
        fields={
            "event.action": "customer.read",
            "event.outcome": "success",
            "user.name": actor,
            "user.roles": ["support"],
            "user.group.name": "support-1",
            "sentinel.actor.kind": "staff",
            "sentinel.subject": [subject],
            "sentinel.data_category": "identity",
        },
    )


def ticket(number: int, at: datetime, actor: str, subject: str) -> Fact:
    """Return the ticket that explains an access."""
    return Fact(
        kind="ticket",
        id=f"T{number}",
        subject=subject,
        actor=actor,
        valid_from=at - timedelta(minutes=20),
        valid_to=at + timedelta(hours=3),
        recorded_at=at - timedelta(minutes=20),
    )


def office() -> tuple[list[Event], list[Fact]]:
    """Return two agents' work of each day, and on the last day looks at others."""
    events, facts = [], []
    for number in range(DAYS * 6):
        day, n = divmod(number, 6)
        at, actor = FIRST + timedelta(days=day, minutes=40 * n), f"usr_{n % 2}"
        subject = f"sub_{number % 50:03}"
        events.append(access(number, at, actor, subject))
        facts.append(ticket(number, at, actor, subject))
    for odd in range(ODD):
        at = LAST + timedelta(hours=5 + odd)
        events.append(access(900 + odd, at, "usr_1", f"sub_9{odd:02}"))
    return events, facts


def late_facts() -> list[Event]:
    """Return, as a sender posts them, the tickets of the odd accesses, told a day later."""
    told = []
    for odd in range(ODD):
        at = LAST + timedelta(hours=5 + odd)
        fact = ticket(900 + odd, at, "usr_1", f"sub_9{odd:02}")
        assert fact.valid_from is not None
        assert fact.valid_to is not None
        assert fact.recorded_at is not None
        told.append(
            Event(
                id=f"f{odd}",
                time=at + timedelta(days=1),
                source="backoffice",
                ref=f"backoffice#{odd}",
                logsource=LogSource(category="business", product="backoffice"),
                fields={
                    "event.dataset": "business.fact",
                    "fact.kind": fact.kind,
                    "fact.id": fact.id,
                    "fact.subject": fact.subject,
                    "fact.actor": fact.actor,
                    "fact.valid_from": isoformat(fact.valid_from),
                    "fact.valid_to": isoformat(fact.valid_to),
                    "fact.recorded_at": isoformat(fact.recorded_at),
                },
            )
        )
    return told


def die() -> None:
    """End as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def doomed(service: Sentinel, kill: str) -> None:
    """Let the process die in, or after, the given transaction of the case store."""
    original, count = service._cases.begin, 0
    after = kill.startswith("after:")
    wanted = int(kill.removeprefix("after:"))

    @contextmanager
    def begin() -> Iterator[SqlCaseTx]:
        nonlocal count
        count += 1
        with original() as tx:
            yield tx
            if count == wanted and not after:
                die()
        if count == wanted:
            die()

    service._cases.begin = begin  # type: ignore[method-assign]


async def live(folder: Path, what: str, kill: str) -> None:
    """Run one life."""
    clock = ManualClock(LAST + timedelta(hours=22))  # 07:00 UTC on the next morning
    service = await Sentinel.open(config.load(folder / "sentinel.toml", environ={}), clock)
    if what == "fill":
        events, facts = office()
        await service.in_store(lambda tx: tx.facts.put_many(facts))
        service._detector.scope.facts.extend(facts)
        await service._spool.append(events)
        await service._consumer.settle()
    elif what == "late":
        await service._spool.append(late_facts())
        await service._consumer.settle()
    else:
        if kill != "0":
            doomed(service, kill)
        await (service._reviews.look() if what == "review" else service.revisions.run())
    await service.stop()


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
