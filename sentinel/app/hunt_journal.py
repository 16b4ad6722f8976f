"""Writes down who asks the stored events what, before anything is shown (promise R-32).

The pseudonyms that a query names stand in the line, and of its words a keyed digest: a name or an
address that somebody typed has no place in the journal, but whoever knows the words can show that
it was these.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final, Literal

import msgspec

from sentinel.app import parts
from sentinel.clock import SystemClock
from sentinel.config import Settings
from sentinel.domain.hunt import All, Any_, Condition, Exists, In, Not, Test
from sentinel.store.ports import CaseTx, Sealer

OBJECT: Final = "events"
HUNTED: Final = "events.hunted"
MOST_NAMED: Final = 100
_PURPOSE: Final = "hunt-queries"
_DIGEST_BYTES: Final = 16
_PSEUDONYM: Final = re.compile(r"(?:usr|sub|ip|ses)_[a-z2-7]{16}")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked. ``query``: keyed digest of its words, hex; empty: there were none.

    ``named``: pseudonyms that it asks for, `MOST_NAMED` at most. ``rule``: slug of a Sigma rule.
    ``since``, ``until``: UTC.
    """

    shows: Literal["events", "groups", "findings"]
    query: str = ""
    named: tuple[str, ...] = ()
    rule: str = ""
    since: datetime | None = None
    until: datetime | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """Who asked, and when (UTC)."""

    at: datetime
    by: str
    asked: Asked


def digest_of(settings: Settings, query: str) -> str:
    """Return the keyed digest of a query as it is typed; it stays the same when keys rotate."""
    words = query.strip()
    if not words:
        return ""
    key = parts.stable_key(settings, _PURPOSE)
    return hmac.digest(key, words.encode(), "sha256")[:_DIGEST_BYTES].hex()


def named_in(where: Condition) -> tuple[str, ...]:
    """Return the pseudonyms for which a condition asks."""
    found = {text for text in _texts(where) if _PSEUDONYM.fullmatch(text)}
    return tuple(sorted(found)[:MOST_NAMED])


def journal(settings: Settings, sealer: Sealer, asked: Asked) -> None:
    """Write the line, also while the service runs. Raises StorageError: then nothing is shown."""
    clock = SystemClock()
    cases = parts.open_cases(settings, sealer, clock)
    try:
        with cases.begin() as tx:
            tx.journal.append(
                occurred_at=clock.now(),
                actor=parts.operator(),
                action=HUNTED,
                object_id=OBJECT,
                payload=msgspec.to_builtins(asked),
            )
    finally:
        cases.close()


def since(tx: CaseTx, begin: datetime | None) -> list[Line]:
    """Return what was asked from ``begin`` (UTC) on, oldest first, where it is not yet purged."""
    found = []
    for line in tx.journal.lines(object_id=OBJECT, limit=1_000_000):
        payload = tx.journal.opened(line) if line.action == HUNTED else None
        if isinstance(payload, dict) and (begin is None or line.occurred_at >= begin):
            asked = msgspec.convert(payload, type=Asked)
            found.append(Line(at=line.occurred_at, by=line.actor, asked=asked))
    return found


def _texts(where: Condition) -> Iterator[str]:
    match where:
        case Test(value=str(text)):
            yield text
        case In(values=texts):
            yield from texts
        case All(parts=some) | Any_(parts=some):
            for part in some:
                yield from _texts(part)
        case Not(part=part):
            yield from _texts(part)
        case Test() | Exists():
            return
