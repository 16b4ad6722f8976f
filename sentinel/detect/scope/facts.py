"""Business facts, kept with both of their times, and asked about one instant.

A fact has a validity (when it held) and a recording (when the business system learnt it). Versions
of the same fact are kept apart, so that a replay can ask what was known at an instant; the newest
one known counts. Facts may come in any order and more than once: the answers are the same.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import msgspec

from sentinel.domain.event import Event
from sentinel.domain.scope import Fact

DATASET = "business.fact"
_ALWAYS = datetime.min.replace(tzinfo=UTC)

_Key = tuple[str, str, str, str]  # kind, id, subject, actor: as the store keeps them


class UnusableFact(ValueError):
    """An event of the dataset ``business.fact`` that says no usable fact."""


class FactIndex:
    """Facts by person, by actor and by team."""

    def __init__(self, facts: Iterable[Fact] = ()) -> None:
        self._versions: dict[_Key, list[Fact]] = {}
        self._by_subject: dict[tuple[str, str], set[_Key]] = {}
        self._by_actor: dict[tuple[str, str], set[_Key]] = {}
        self._by_team: dict[tuple[str, str], set[_Key]] = {}
        self.extend(facts)

    def __len__(self) -> int:
        return len(self._versions)

    def add(self, fact: Fact) -> bool:
        """Learn a fact, or a newer or older version of one; False if it was known already."""
        key = (fact.kind, fact.id, fact.subject, fact.actor)
        versions = self._versions.setdefault(key, [])
        if fact in versions:
            return False
        insort(versions, fact, key=_age)
        for index, name in (
            (self._by_subject, fact.subject),
            (self._by_actor, fact.actor),
            (self._by_team, fact.team),
        ):
            if name:
                index.setdefault((fact.kind, name), set()).add(key)
        return True

    def extend(self, facts: Iterable[Fact]) -> int:
        """Learn many facts; return how many were new."""
        return sum(self.add(fact) for fact in facts)

    def about_subject(
        self, kind: str, subject: str, *, known_at: datetime | None = None
    ) -> Iterator[Fact]:
        """Yield the facts of ``kind`` about a person, as known at ``known_at`` (None = now)."""
        keys = self._by_subject.get((kind, subject), set())
        return (fact for fact in self._known(keys, known_at) if fact.subject == subject)

    def about_agent(
        self, kind: str, actor: str, team: str, *, known_at: datetime | None = None
    ) -> Iterator[Fact]:
        """Yield the facts of ``kind`` that name the actor or the team, as known at ``known_at``."""
        keys = self._by_actor.get((kind, actor), set()) | self._by_team.get((kind, team), set())
        for fact in self._known(keys, known_at):
            if (actor and fact.actor == actor) or (team and fact.team == team):
                yield fact

    def relating(
        self, kind: str, subject: str, instant: datetime, *, known_at: datetime | None = None
    ) -> list[Fact]:
        """Return the facts of ``kind`` about ``subject`` that hold at ``instant``."""
        about = self.about_subject(kind, subject, known_at=known_at)
        return [fact for fact in about if fact.holds_at(instant)]

    def _known(self, keys: set[_Key], known_at: datetime | None) -> Iterator[Fact]:
        for key in sorted(keys):
            versions = self._versions[key]
            if known_at is None:
                yield versions[-1]
                continue
            known = [fact for fact in versions if (fact.recorded_at or _ALWAYS) <= known_at]
            if known:
                yield known[-1]


def _age(fact: Fact) -> tuple[datetime, str]:
    """Order versions by recording; ties by content, so that the order of arrival decides nothing.

    A version that says when it ends comes after one that does not: closing is the later news.
    """
    content = msgspec.json.encode(fact).decode()
    return fact.recorded_at or _ALWAYS, f"{0 if fact.valid_to is None else 1}{content}"


def fact_from_event(event: Event) -> Fact | None:
    """Return the fact that an event of the dataset ``business.fact`` states; None if it does not.

    An unusable one is None here; `read_fact` says why, and the scope engine marks the event.
    """
    try:
        return read_fact(event)
    except UnusableFact:
        return None


def read_fact(event: Event) -> Fact | None:
    """Return the fact of an event, None for any other event. Raises UnusableFact.

    Without ``fact.recorded_at`` the event's own time is when the fact became known.
    """
    if event.text("event.dataset") != DATASET:
        return None
    kind, identity = event.text("fact.kind"), event.text("fact.id")
    if not kind or not identity:
        raise UnusableFact("fact.kind and fact.id are needed")
    valid_from, valid_to = _instant(event, "fact.valid_from"), _instant(event, "fact.valid_to")
    if valid_from and valid_to and valid_to < valid_from:
        raise UnusableFact("fact.valid_to is before fact.valid_from")
    return Fact(
        kind=kind,
        id=identity,
        subject=event.text("fact.subject"),
        actor=event.text("fact.actor"),
        team=event.text("fact.team"),
        category=event.text("fact.category"),
        opened_by=event.text("fact.opened_by"),
        valid_from=valid_from,
        valid_to=valid_to,
        recorded_at=_instant(event, "fact.recorded_at") or event.time,
    )


def parse_instant(text: str) -> datetime | None:
    """Return an RFC 3339 instant in UTC (no offset = UTC); None for empty. Raises ValueError."""
    if not text:
        return None
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _instant(event: Event, name: str) -> datetime | None:
    try:
        return parse_instant(event.text(name))
    except (ValueError, OverflowError) as error:
        raise UnusableFact(f"{name} is not an instant") from error
