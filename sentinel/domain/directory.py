"""The subject directory: from a pseudonym to the person a letter goes to.

It is the one place where pseudonyms and persons meet, so it lies apart, sealed, and two people open
it for a letter. What an audience list needs (is there an account, an address, which language) is
known without opening it.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class DirectoryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A person as the business system knows them. ``language``: ``fr`` or ``en``, empty unknown.

    ``address``: postal, lines separated by line feeds. ``closed``: the account is closed.
    """

    pseudonym: str
    name: str = ""
    email: str = ""
    address: str = ""
    language: str = ""
    closed: bool = False


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a person without opening the entry. ``version``: of the last change."""

    pseudonym: str
    version: int
    closed: bool
    language: str
    email: bool
    address: bool


class DirectoryVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One import. ``at``: UTC, from when its entries are valid. ``source``: kind and name.

    ``gone``: persons of before whom a whole import no longer names; they count as closed.
    """

    version: int
    at: datetime
    by: str
    source: str
    whole: bool
    entries: int
    added: int
    changed: int
    gone: int
    sha256: str


class Reach(StrEnum):
    """How a letter can reach a person of an audience."""

    EMAIL = "email"
    POST = "post"
    CLOSED = "closed"
    NOT_FOUND = "not_found"
    NO_ADDRESS = "no_address"


class Addressee(msgspec.Struct, frozen=True, kw_only=True):
    """One row of an audience: no name, no address. ``language``: of the letter."""

    pseudonym: str
    reach: Reach
    language: str


class Audience(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the letters of a frozen set go to. ``directory``: the version that said so, 0 = none.

    ``affected_sha256``: of the frozen set. Closed accounts and persons not found are rows too: they
    are for the post, or for somebody to find.
    """

    incident: str
    affected_sha256: str
    directory: int
    rows: tuple[Addressee, ...]

    def counts(self) -> dict[str, int]:
        """Return how many persons there are of each reach."""
        found = {reach.value: 0 for reach in Reach}
        for row in self.rows:
            found[row.reach.value] += 1
        return found


def reach_of(listed: Listed | None) -> Reach:
    """Return how a person can be reached. A closed account keeps its address, for the post."""
    if listed is None:
        return Reach.NOT_FOUND
    if listed.closed:
        return Reach.CLOSED
    if listed.email:
        return Reach.EMAIL
    return Reach.POST if listed.address else Reach.NO_ADDRESS
