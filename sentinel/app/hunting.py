"""Questions of a person to the stored events, whatever store holds them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from sentinel.app import parts
from sentinel.clock import isoformat
from sentinel.config import Settings
from sentinel.detect.hunt.sigma import wider_than
from sentinel.detect.rules.fields import TIMESTAMP
from sentinel.detect.rules.model import Rule
from sentinel.domain.event import Event
from sentinel.domain.hunt import All, Group, Groups, Hunt
from sentinel.errors import UnreadableFile
from sentinel.store import events_answers as answers
from sentinel.store.ports import EventStore, Sealer

PAGE = 1_000
EVERYTHING = 1 << 62


@contextmanager
def stored(settings: Settings, sealer: Sealer) -> Iterator[EventStore]:
    """Open the store to read, also while the service runs. Raises UnreadableFile: none is here.

    Whoever shows a person what lies there journals it before: `sentinel.app.hunt_journal`.
    """
    folder = settings.data_dir / "events"
    if settings.store.events.kind == "embedded" and not folder.is_dir():
        raise UnreadableFile("no events are stored here", where=str(folder))
    events = parts.read_events(settings, sealer)
    try:
        yield events
    finally:
        events.close()


def found(store: EventStore, hunt: Hunt, true: Callable[[Event], bool] | None) -> Iterator[Event]:
    """Yield what a question selects, up to its limit; ``true``: what each must fulfil besides."""
    left = hunt.limit
    page = replace(hunt, limit=min(left, PAGE) if true is None else PAGE)
    while left > 0 and (events := store.hunt(page)):
        chosen = events if true is None else [event for event in events if true(event)]
        yield from chosen[:left]
        left -= len(chosen)
        if len(events) < page.limit:
            return
        page = page.beyond(events[-1])


def of_rule(hunt: Hunt, rule: Rule) -> tuple[Hunt, Callable[[Event], bool]]:
    """Return a question that a Sigma rule asks besides, and the rule's own judgement."""

    def true(event: Event) -> bool:
        return rule.applies_to(event.logsource) and rule.match(
            {TIMESTAMP: isoformat(event.time), **event.fields}
        )

    return replace(hunt, where=All((hunt.where, wider_than(rule)))), true


def grouped(
    store: EventStore, hunt: Hunt, groups: Groups, true: Callable[[Event], bool] | None
) -> list[Group]:
    """Count what a question selects; ``true``: what each event must fulfil besides."""
    if true is None:
        return store.aggregate(hunt, groups) or _nothing(groups)
    everything = replace(hunt, limit=EVERYTHING)
    return answers.aggregate(found(store, everything, true), hunt, groups) or _nothing(groups)


def _nothing(groups: Groups) -> list[Group]:
    return [] if groups.by else [Group((), 0)]
