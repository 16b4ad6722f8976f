"""Business facts, kept with both of their times, and asked about one instant.

A fact has a validity (when it held) and a recording (when the business system learnt it). Versions
of the same fact are kept apart, so that a replay can ask what was known at an instant; the newest
one known counts. Facts may come in any order and more than once: the answers are the same.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from sys import intern

import msgspec

from sentinel.detect.scope.fact_bucket import ALWAYS, Bucket, place_of
from sentinel.domain.event import Event
from sentinel.domain.scope import Fact, age

DATASET = "business.fact"
_YES = ("true", "1", "yes")

_Key = tuple[str, str, str, str]  # kind, id, subject, actor: as the store keeps them


class UnusableFact(ValueError):
    """An event of the dataset ``business.fact`` that says no usable fact."""


class FactIndex:
    """Facts by person, by actor and by team. A retracted fact is known, and never given out."""

    def __init__(self, facts: Iterable[Fact] = ()) -> None:
        self._by_subject: dict[str, dict[str, Fact | Bucket]] = {}
        self._unbound: dict[str, Bucket] = {}  # by kind, the facts that name no person
        self._agents: dict[str, _Agents] = {}  # by kind, made when a kind is first asked by agent
        self._versions: dict[_Key, list[Fact]] = {}  # of facts with several, by age
        self._count = 0
        self.extend(facts)

    def __len__(self) -> int:
        return self._count

    def add(self, fact: Fact) -> bool:
        """Learn a fact, or a newer or older version of one; False if it was known already."""
        current = self.newest(fact)
        if current is None:
            self._count += 1
            self._put(_compact(fact))
            return True
        if fact == current:
            return False
        versions = self._versions.get(_key(fact), [current])
        if fact in versions:
            return False
        insort(versions, _compact(fact), key=age)
        self._versions[_key(fact)] = versions
        self._put(versions[-1])
        return True

    def extend(self, facts: Iterable[Fact]) -> int:
        """Learn many facts; return how many were new."""
        return sum(self.add(fact) for fact in facts)

    def newest(self, fact: Fact) -> Fact | None:
        """Return the version in force of the fact that ``fact`` is one of, or None."""
        bucket = self._bucket(fact.kind, fact.subject)
        if isinstance(bucket, Bucket):
            return bucket.find(place_of(fact))
        return bucket if bucket is not None and place_of(bucket) == place_of(fact) else None

    def about_subject(
        self, kind: str, subject: str, *, known_at: datetime | None = None
    ) -> Iterator[Fact]:
        """Yield the facts of ``kind`` about a person, as known at ``known_at`` (None = now)."""
        return self._known(self._about(kind, subject), known_at)

    def about_agent(
        self, kind: str, actor: str, team: str, *, known_at: datetime | None = None
    ) -> Iterator[Fact]:
        """Yield the facts of ``kind`` that name the actor or the team, as known at ``known_at``."""
        agents = self._agents.get(kind)
        if agents is None:
            agents = self._agents[kind] = self._by_agent(kind)
        for fact in self._known(agents.of(actor, team), known_at):
            if (actor and fact.actor == actor) or (team and fact.team == team):
                yield fact

    def near(
        self, kind: str, subject: str, instant: datetime, graces: tuple[timedelta, timedelta]
    ) -> Sequence[Fact]:
        """Return at least the facts in force about a person that hold at ``instant``.

        ``graces``: how long before its beginning, and after its end, a fact still counts.
        Retracted ones, and some beyond the graces, may be among them: this is the fast way.
        """
        by_subject = self._by_subject.get(kind)
        bucket = by_subject.get(subject) if by_subject is not None else None
        if bucket is None:
            return ()
        return bucket.near(instant, graces) if isinstance(bucket, Bucket) else (bucket,)

    def naming(
        self,
        kind: str,
        subject: str,
        agents: tuple[str, str],
        instant: datetime,
        graces: tuple[timedelta, timedelta],
    ) -> Sequence[Fact]:
        """Return at least those of `near` that name one of ``agents``: the actor, the team."""
        by_subject = self._by_subject.get(kind)
        bucket = by_subject.get(subject) if by_subject is not None else None
        if bucket is None:
            return ()
        if isinstance(bucket, Bucket):
            return bucket.naming(*agents, instant, graces)
        return (bucket,) if bucket.actor == agents[0] or bucket.team == agents[1] else ()

    def relating(
        self, kind: str, subject: str, instant: datetime, *, known_at: datetime | None = None
    ) -> list[Fact]:
        """Return the facts of ``kind`` about ``subject`` that hold at ``instant``."""
        about = self.about_subject(kind, subject, known_at=known_at)
        return [fact for fact in about if fact.holds_at(instant)]

    def _bucket(self, kind: str, subject: str) -> Fact | Bucket | None:
        if not subject:
            return self._unbound.get(kind)
        by_subject = self._by_subject.get(kind)
        return by_subject.get(subject) if by_subject is not None else None

    def _about(self, kind: str, subject: str) -> Sequence[Fact]:
        bucket = self._bucket(kind, subject) if subject else None
        if bucket is None:
            return ()
        return bucket.facts if isinstance(bucket, Bucket) else (bucket,)

    def _put(self, fact: Fact) -> None:
        """Make ``fact`` the version in force, wherever it is found."""
        if not fact.subject:
            self._unbound.setdefault(fact.kind, Bucket()).put(fact)
        else:
            by_subject = self._by_subject.setdefault(fact.kind, {})
            known = by_subject.get(fact.subject)
            if isinstance(known, Bucket):
                known.put(fact)
            elif known is None or place_of(known) == place_of(fact):
                by_subject[fact.subject] = fact
            else:
                by_subject[fact.subject] = Bucket(known, fact)
        if fact.kind in self._agents:
            self._agents[fact.kind].put(fact, self._versions.get(_key(fact), ()))

    def _by_agent(self, kind: str) -> _Agents:
        agents = _Agents()
        unbound = self._unbound.get(kind)
        buckets: list[Fact | Bucket] = [*self._by_subject.get(kind, {}).values()]
        for bucket in [*buckets, *([unbound] if unbound else [])]:
            for fact in bucket.facts if isinstance(bucket, Bucket) else (bucket,):
                agents.put(fact, self._versions.get(_key(fact), ()))
        return agents

    def _known(self, facts: Sequence[Fact], known_at: datetime | None) -> Iterator[Fact]:
        for fact in facts:
            found: Fact | None = fact
            if known_at is not None:
                versions = self._versions.get(_key(fact), (fact,))
                known = [one for one in versions if (one.recorded_at or ALWAYS) <= known_at]
                found = known[-1] if known else None
            if found is not None and not found.retracted:
                yield found


class _Agents:
    """Facts of one kind by the actor and by the team that they name, in any of their versions."""

    __slots__ = ("_actors", "_teams")

    def __init__(self) -> None:
        self._actors: dict[str, Bucket] = {}
        self._teams: dict[str, Bucket] = {}

    def put(self, fact: Fact, versions: Sequence[Fact]) -> None:
        if fact.actor:
            self._actors.setdefault(fact.actor, Bucket()).put(fact)
        for team in {fact.team, *(version.team for version in versions)}:
            if team:
                self._teams.setdefault(team, Bucket()).put(fact)

    def of(self, actor: str, team: str) -> Sequence[Fact]:
        own = self._actors.get(actor) if actor else None
        shared = self._teams.get(team) if team else None
        if own is None or shared is None:
            one = own or shared
            return one.facts if one else ()
        both = {place_of(fact): fact for fact in (*own.facts, *shared.facts)}
        return [both[place] for place in sorted(both)]


def _key(fact: Fact) -> _Key:
    return (fact.kind, fact.id, fact.subject, fact.actor)


def _compact(fact: Fact) -> Fact:
    """Let equal names and instants of a fact be one object: a million facts lie in memory."""
    for name in ("kind", "actor", "team", "category", "opened_by"):
        msgspec.structs.force_setattr(fact, name, intern(getattr(fact, name)))
    if fact.recorded_at == fact.valid_from:
        msgspec.structs.force_setattr(fact, "recorded_at", fact.valid_from)
    return fact


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
        retracted=is_yes(event.text("fact.retracted")),
    )


def is_yes(text: str) -> bool:
    """Tell whether a cell says yes."""
    return text.strip().lower() in _YES


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
