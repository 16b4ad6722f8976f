"""Dead letters in the service: set apart as events are handed over, replayed, and in time erased.

A line that was not understood leaves its sealed text here, and only here: the event that stands
for it in the store says that it came, and why it was not understood. A letter that is understood
later is put in the place of its line by `sentinel replay`, fed to the spool by whoever holds it,
and marked. A death in between feeds it again, under the identity that it had: nothing doubles.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import msgspec

from sentinel.app.casework import InStore
from sentinel.clock import Clock
from sentinel.collect.batch import Spooler
from sentinel.collect.dead_letters import Read
from sentinel.collect.normalise import UNPARSED
from sentinel.detect.detector import Judged
from sentinel.domain.blind import Cause, Sighting
from sentinel.domain.dead_letter import DeadLetter, LetterKind, LetterState, Tally
from sentinel.domain.event import Event
from sentinel.ids import digest_id
from sentinel.store.ports import CaseTx, Sealer

KEEPER: Final = "sentinel:dead-letters"
PAGE: Final = 500


def set_apart(
    judged: Judged, sealer: Sealer, *, days: int, now: datetime
) -> tuple[tuple[Event, ...], tuple[DeadLetter, ...]]:
    """Return the events of a batch without sealed lines, and what becomes a letter."""
    term = timedelta(days=days)
    letters = [
        _letter_of_line(event, term)
        for event in judged.events
        if event.sealed and event.fields.get("event.dataset") == UNPARSED
    ]
    letters += [_letter_of_event(event, kind, sealer, now, term) for event, kind in judged.poisoned]
    if not letters:
        return judged.events, ()
    apart = {letter.id for letter in letters if letter.kind is LetterKind.LINE}
    events = tuple(
        msgspec.structs.replace(event, sealed=b"") if event.id in apart else event
        for event in judged.events
    )
    return events, tuple(letters)


def keep_parsed(tx: CaseTx, read: Sequence[Read], sealer: Sealer) -> int:
    """Put events in the place of the letters that held them; return how many were waiting."""
    kept = 0
    for one in read:
        if one.event is None:
            continue
        context = f"letter:{one.letter.id}"
        sealed = sealer.seal(msgspec.msgpack.encode(one.event), context=context)
        kept += tx.dead_letters.parsed(
            one.letter.id, sealed=sealed, context=context, event_id=one.event.id
        )
    return kept


async def feed(in_store: InStore, spool: Spooler, sealer: Sealer, clock: Clock) -> int:
    """Bring the events of letters that are understood now into the spool; return how many.

    Raises SpoolFull, StorageError: then the rest is brought later.
    """
    fed = 0
    while True:
        letters = await in_store(
            lambda tx: tx.dead_letters.find(state=LetterState.PARSED, limit=PAGE)
        )
        if not letters:
            return fed
        await spool.append([_event(letter, sealer) for letter in letters])
        ids = [letter.id for letter in letters]
        fed += await in_store(partial(_mark, ids=ids, now=clock.now()))


def expire(tx: CaseTx, now: datetime) -> list[Sighting]:
    """Erase letters at the end of their term, say so in the journal; return what the ledger keeps.

    Lines that no rule ever read leave their interval in the ledger.
    """
    lost = tx.dead_letters.expire(now)
    if lost:
        tx.journal.append(
            occurred_at=now,
            actor=KEEPER,
            action="dead_letters.expired",
            object_id="dead_letters",
            payload={"sources": {tally.source: tally.count for tally in lost}},
        )
    return [_sighting(one) for one in lost]


def _sighting(lost: Tally) -> Sighting:
    return Sighting(
        cause=Cause.EXPIRED,
        source=lost.source,
        begin=lost.first,
        seen=lost.last,
        count=lost.count,
        ends=True,
    )


def _mark(tx: CaseTx, ids: Sequence[str], now: datetime) -> int:
    marked = tx.dead_letters.replayed(ids, at=now)
    tx.journal.append(
        occurred_at=now,
        actor=KEEPER,
        action="dead_letters.replayed",
        object_id="dead_letters",
        payload={"letters": marked},
    )
    return marked


def _event(letter: DeadLetter, sealer: Sealer) -> Event:
    opened = sealer.open(letter.sealed, context=letter.context)
    return msgspec.msgpack.decode(opened, type=Event)


def _letter_of_line(event: Event, term: timedelta) -> DeadLetter:
    return DeadLetter(
        id=event.id,
        source=event.source,
        kind=LetterKind.LINE,
        reason=event.text("error.message"),
        received=event.time,
        expires=event.time + term,
        sealed=event.sealed,
        context=f"event:{event.id}",
    )


def _letter_of_event(
    event: Event, kind: str, sealer: Sealer, now: datetime, term: timedelta
) -> DeadLetter:
    letter_id = digest_id("letter", event.id)
    context = f"letter:{letter_id}"
    return DeadLetter(
        id=letter_id,
        source=event.source,
        kind=LetterKind.EVENT,
        reason=f"detection failed: {kind}",
        received=now,
        expires=now + term,
        sealed=sealer.seal(msgspec.msgpack.encode(event), context=context),
        context=context,
    )
