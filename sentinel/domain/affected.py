"""Whose data an incident touched, counted from the logs and frozen as evidence."""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum

import msgspec

from sentinel.domain.blind import BlindWindow
from sentinel.domain.scope import Standing


class Extent(StrEnum):
    """How much of what the actors did in the window counts: the choice of a person, and shown.

    ``everything``: all of it; what a stolen account did cannot be told from its owner's work.
    ``beyond_own_work``: less what a fact naming the actor in person explains. ``unjustified``:
    what nothing, or only a weak fact, explains. ``findings``: the named events alone.
    """

    EVERYTHING = "everything"
    BEYOND_OWN_WORK = "beyond_own_work"
    UNJUSTIFIED = "unjustified"
    FINDINGS = "findings"

    def takes(self, standing: Standing | None) -> bool:
        """Tell whether an access counts. None: it was never judged, and nothing excuses it."""
        if self is Extent.FINDINGS:
            return False
        if standing is None or self is Extent.EVERYTHING:
            return True
        if self is Extent.BEYOND_OWN_WORK:
            return standing is not Standing.OWN_WORK
        return standing in (Standing.FORBIDDEN, Standing.UNEXPLAINED, Standing.WEAK)


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """The question whose answer is the affected set; the same question can be asked again.

    Accesses of ``actors`` (users, sessions or addresses) in ``[since, until)`` (UTC; None = open),
    to ``persons`` where any are named, as far as ``extent`` goes; ``acts`` (patterns over the
    event's action) count whatever explains them; and the events ``event_ids``, wherever they lie.
    Without actors, the accesses of anybody to ``persons``. ``added``, ``removed``: persons that
    somebody put in or took out by hand, with a reason.
    """

    actors: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    extent: Extent = Extent.EVERYTHING
    acts: tuple[str, ...] = ()
    event_ids: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def canonical(self) -> bytes:
        """Return the question as canonical JSON: sorted, without doubles, one spelling."""
        ordered = {
            name: sorted(set(value)) if isinstance(value, tuple) else value
            for name, value in msgspec.structs.asdict(self).items()
        }
        return msgspec.json.encode(ordered, order="deterministic")

    @property
    def sha256(self) -> str:
        """Return the digest of the canonical form, hex."""
        return hashlib.sha256(self.canonical()).hexdigest()


class Why(StrEnum):
    """Why an access may be ordinary work, from the strongest reason to the weakest.

    ``own_work``, ``shared``, ``weak``: a fact that names the actor, that does not, or a weak one
    explains it. ``earlier``: the actor had dealt with the person before the window. ``returned``:
    the actor came back to the person. ``wrong_hit``: one look that nothing explains, left within a
    minute for another person of the actor's work, as after a wrong hit in a search.
    ``usual_hours``: the owner of an account that others used works at that hour. ``no_fact``: one
    look that nothing explains, at a usual hour of an actor whose work often leaves no fact.
    """

    OWN_WORK = "own_work"
    SHARED = "shared"
    WEAK = "weak"
    EARLIER = "earlier"
    RETURNED = "returned"
    WRONG_HIT = "wrong_hit"
    USUAL_HOURS = "usual_hours"
    NO_FACT = "no_fact"


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """A person to look at before the set is frozen. ``inside``: the set counts this person now.

    ``why``: what speaks for ordinary work. ``first``, ``last``: of the actor's accesses, UTC.
    """

    actor: str
    subject: str
    inside: bool
    why: tuple[Why, ...]
    first: datetime
    last: datetime
    accesses: int


class AffectedPerson(msgspec.Struct, frozen=True, kw_only=True):
    """One data subject: when first and last touched (UTC), by how many accesses, which data."""

    subject: str
    first: datetime
    last: datetime
    accesses: int
    categories: tuple[str, ...] = ()


class Affected(msgspec.Struct, frozen=True, kw_only=True):
    """The data subjects of a case (GDPR art. 33(3)(a)) as the stored events show them.

    ``subjects``: distinct pseudonyms, sorted. ``categories``: data category -> number of accesses.
    ``record_count``: records touched; records are not persons. ``first``/``last``: instants of the
    first and last access, UTC. ``query``: the selection in words that can be run again.
    ``sha256``: hex, over the sorted set. ``persons``: one row per subject, in the same order; a
    person added by hand without any access has none.
    ``access_count``: accesses that succeeded. ``refused_count``: attempts that were refused and
    exposed nothing. ``unlisted_records``: records of accesses that name no person: the true number
    of persons may be higher.
    ``left_out``: persons whom the actors reached in the window, but only by accesses that the
    extent leaves out, ``left_out_accesses`` of them: for a person to look at. ``standings``:
    counted accesses by how they are justified. ``limits``: when we did not see (promise R-15).
    ``doubts``: persons, counted or left out, whom no query can settle: somebody should look.
    """

    subjects: tuple[str, ...] = ()
    categories: dict[str, int] = {}
    record_count: int = 0
    first: datetime | None = None
    last: datetime | None = None
    query: str = ""
    sha256: str = ""
    persons: tuple[AffectedPerson, ...] = ()
    access_count: int = 0
    refused_count: int = 0
    unlisted_records: int = 0
    selection: Selection | None = None
    left_out: tuple[str, ...] = ()
    left_out_accesses: int = 0
    standings: dict[str, int] = {}
    limits: tuple[BlindWindow, ...] = ()
    doubts: tuple[Doubt, ...] = ()
