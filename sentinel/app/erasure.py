"""Erasing a person (GDPR art. 17, promise R-47): the key goes, and nothing links them any more.

Two people order it; the order stands in the journal before anything is destroyed, so that one that
a crash cut short, or that a restored backup undid, is carried out again: see `carry_out`. Events,
alerts and the journal keep their pseudonym, their hashes and their chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from sentinel.app import parts
from sentinel.app.directory import directory_path, open_directory
from sentinel.config import Settings
from sentinel.domain.directory import DirectoryEntry
from sentinel.domain.guards import Attempt, second_person, written_reason
from sentinel.domain.hold import Hold
from sentinel.domain.incident import Actor, Legal, Role
from sentinel.errors import NotFound, Refused, StorageError
from sentinel.store.directory import SubjectDirectory
from sentinel.store.keys.persons import PERSONS, PersonKeys
from sentinel.store.ports import CaseStore, CaseTx, Sealer

OBJECT = "persons"
ORDERED = "person.erasure_ordered"
ERASED = "person.erased"
ORDERERS = (Role.DPO,)
APPROVERS = (Role.DPO, Role.LEGAL, Role.COMMANDER)
_PAGE = 500


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What was ordered. ``persons``: pseudonyms. ``request``: reference of what it answers."""

    persons: tuple[str, ...]
    request: str
    reason: str
    approved_by: str


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """What was destroyed: keys of ``persons``, entries of the directory, dead letters."""

    persons: tuple[str, ...]
    entries: int
    letters: int


def resolve(
    keys: PersonKeys, directory: SubjectDirectory | None, given: Iterable[str]
) -> dict[str, list[str]]:
    """Return the pseudonyms of persons, each with the identifiers under which the map knows them.

    ``given``: pseudonyms, or identifiers as the logs have them. An e-mail address of the directory
    belongs to its person: it has a pseudonym of its own where a text held it. Raises NotFound.
    """
    found: dict[str, list[str]] = {}
    for one in given:
        people = [keys.person(one)] if one[:4] in ("usr_", "sub_") else []
        people += [keys.known(kind, one) for kind in PERSONS]
        known = [person for person in people if person is not None]
        if not known:
            raise NotFound(f"nobody in the map of persons is {one}")
        for each in known:
            found.setdefault(each.pseudonym, []).append(each.identifier)
    entries = directory.opened(list(found)) if directory is not None else {}
    for email in _emails(entries.values()):
        person = keys.known("sub", email)
        if person is not None:
            found.setdefault(person.pseudonym, []).append(person.identifier)
    return found


def order(
    tx: CaseTx, persons: Sequence[str], *, request: str, reason: str, by: Actor,
    approved_by: Actor, at: datetime,
) -> Order:  # fmt: skip
    """Journal the order of two people. Raises Refused: role, reason, an open case, a legal hold."""
    attempt = Attempt(actor=by, now=at, reason=reason, approver=approved_by)
    if not by.has(*ORDERERS):
        raise Refused("erasing a person needs the role dpo")
    if not approved_by.has(*APPROVERS):
        raise Refused("erasing a person is approved by a dpo, legal or commander")
    if missing := second_person(attempt) or written_reason(attempt):
        raise Refused(f"erasing a person: {missing}")
    if in_the_way := needed_by(tx, persons, at):
        raise Refused(f"the person is still needed: {in_the_way}")
    made = Order(
        persons=tuple(sorted(persons)), request=request, reason=reason, approved_by=approved_by.id
    )
    tx.journal.append(
        occurred_at=at, actor=by.id, action=ORDERED, object_id=OBJECT,
        payload=msgspec.to_builtins(made),
    )  # fmt: skip
    return made


def needed_by(tx: CaseTx, persons: Sequence[str], now: datetime) -> str:
    """Say what keeps persons from being erased (GDPR art. 17(3)(b), (e)); empty: nothing."""
    for incident in tx.incidents.find(limit=100_000):
        affected = incident.affected.subjects if incident.affected is not None else ()
        if incident.legal is not Legal.CLOSED and set(persons) & {*affected, *incident.actors}:
            return f"case {incident.reference} is open, and they are affected or act in it"
    for hold in tx.records.find(Hold):
        if hold.protects(now) and hold.scope.person in persons:
            return f"a legal hold, {hold.name}"
    return ""


def carry_out(
    tx: CaseTx,
    keys: PersonKeys,
    directory: SubjectDirectory | None,
    persons: Sequence[str],
    identifiers: Sequence[str],
    sealer: Sealer,
    at: datetime,
) -> Erased:
    """Destroy what an order names, and journal that it is done. Again does no harm."""
    letters = _letters_with(tx, identifiers, sealer)
    entries = directory.forget(persons) if directory is not None else 0
    gone = tuple(keys.erase(persons))
    done = Erased(persons=gone, entries=entries, letters=tx.dead_letters.erase(letters))
    payload = {"persons": sorted(persons), "keys": len(gone), "entries": done.entries}
    tx.journal.append(
        occurred_at=at, actor="sentinel:persons", action=ERASED, object_id=OBJECT,
        payload={**payload, "letters": done.letters},
    )  # fmt: skip
    return done


def told(tx: CaseTx, action: str) -> set[str]:
    """Return every person of whom the journal tells `ORDERED` or `ERASED`, by pseudonym."""
    found: set[str] = set()
    for line in tx.journal.lines(object_id=OBJECT, limit=1_000_000):
        payload = tx.journal.opened(line) if line.action == action else None
        if isinstance(payload, dict):
            found |= {str(one) for one in payload.get("persons", [])}
    return found


def again(
    tx: CaseTx, keys: PersonKeys, directory: SubjectDirectory | None, sealer: Sealer, at: datetime
) -> Erased | None:
    """Carry out orders that a crash cut short, or that a restored copy of the map undid."""
    ordered = told(tx, ORDERED)
    known = {name: person for name in ordered if (person := keys.person(name)) is not None}
    left = sorted({*known, *(ordered - told(tx, ERASED))})
    if not left:
        return None
    identifiers = [person.identifier for person in known.values()]
    return carry_out(tx, keys, directory, left, identifiers, sealer, at)


def at_start(settings: Settings, sealer: Sealer, cases: CaseStore, at: datetime) -> Erased | None:
    """Carry out what is left of orders, as a service starts. Raises StorageError."""
    keys = parts.open_persons(settings, sealer)
    directory = open_directory(settings, sealer) if directory_path(settings).is_file() else None
    try:
        with cases.begin() as tx:
            return again(tx, keys, directory, sealer, at)
    finally:
        keys.close()
        if directory is not None:
            directory.close()


def _letters_with(tx: CaseTx, identifiers: Sequence[str], sealer: Sealer) -> list[str]:
    """Return the dead letters in whose sealed line one of the identifiers stands."""
    wanted = [identifier.encode("utf-8", "surrogatepass") for identifier in identifiers]
    found: list[str] = []
    after = None
    while page := tx.dead_letters.find(after=after, limit=_PAGE):
        for letter in page:
            try:
                text = sealer.open(letter.sealed, context=letter.context) if letter.sealed else b""
            except StorageError:
                continue  # it opens for nobody: there is nothing to erase
            if any(one in text for one in wanted):
                found.append(letter.id)
        after = (page[-1].received, page[-1].id)
    return found


def _emails(entries: Iterable[DirectoryEntry]) -> list[str]:
    return [entry.email.lower() for entry in entries if entry.email]
