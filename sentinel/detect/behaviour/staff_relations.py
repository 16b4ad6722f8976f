"""What an account, and the peers of its role, are known to do: acts, networks, programs.

No score and no person's data: for each account of a role of five at least, how often it did each
kind of act, and digests of where it came from. It serves two questions. Is this the first time, and
do peers do it? Are these the habits of the account, or of somebody else in its seat? The second is
a likelihood ratio against the peers (naive Bayes, after Schonlau et al., Statistical Science 16(1),
2001), which in the open set of command histories tells users apart better than any outlier model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import log

import msgspec

from sentinel.detect.behaviour.staff_acts import Act
from sentinel.ids import digest_id

SMALLEST_GROUP = 5
"""Accounts of a role below which nothing is learnt (promise R-03)."""
_LEAST_KNOWN = 50  # acts from which on an account's own habits say something
_PRIOR = 0.5
_CLIP = 4.0  # nats by which one kind of act may speak
_TAIL = 0.02  # weight of what nobody did


class Account(msgspec.Struct):
    """What one account did in the learnt days: acts by kind, digests of networks and programs."""

    kinds: dict[str, int] = msgspec.field(default_factory=dict)
    networks: set[str] = msgspec.field(default_factory=set)
    agents: set[str] = msgspec.field(default_factory=set)

    def add(self, act: Act) -> None:
        """Count an act."""
        self.kinds[act.kind] = self.kinds.get(act.kind, 0) + 1
        if act.network:
            self.networks.add(digest_id("network", act.network)[:16])
        if act.agent:
            self.agents.add(digest_id("agent", act.agent)[:16])

    @property
    def acts(self) -> int:
        """How many acts were learnt."""
        return sum(self.kinds.values())


class First(msgspec.Struct, frozen=True):
    """A kind of act that an account was never seen doing. ``peers``: how many of them do it."""

    kind: str
    peers: int


class Relations:
    """The accounts of one role; at least `SMALLEST_GROUP`, else ValueError."""

    def __init__(self, accounts: dict[str, Account]) -> None:
        if len(accounts) < SMALLEST_GROUP:
            raise ValueError(f"a group of {len(accounts)} has no baseline")
        self.accounts = accounts
        self._all: Counter[str] = Counter()
        self._doers: Counter[str] = Counter()
        for account in accounts.values():
            self._all.update(account.kinds)
            self._doers.update(account.kinds.keys())
        self._total = self._all.total()

    @classmethod
    def learnt(cls, acts: Iterable[Act]) -> Relations:
        """Learn the acts of one role. Raises ValueError where the group is too small."""
        accounts: dict[str, Account] = {}
        for act in acts:
            accounts.setdefault(act.actor, Account()).add(act)
        return cls(accounts)

    @property
    def group(self) -> int:
        """How many accounts the role has."""
        return len(self.accounts)

    def firsts(self, actor: str, kinds: Iterable[str]) -> list[First]:
        """Return the kinds that ``actor`` was never seen doing, the rarest among peers first.

        An account of which little is known has none: everything would be new.
        """
        own = self.accounts.get(actor)
        if own is None or own.acts < _LEAST_KNOWN:
            return []
        new = {kind for kind in kinds if kind not in own.kinds}
        return sorted((First(kind, self._doers[kind]) for kind in new), key=_rarest)

    def new_places(self, actor: str, acts: Iterable[Act]) -> int:
        """Return from how many networks and programs that it never used the account acted."""
        own = self.accounts.get(actor)
        if own is None or own.acts < _LEAST_KNOWN:
            return 0
        networks = {digest_id("network", act.network)[:16] for act in acts if act.network}
        return len(networks - own.networks) if own.networks else 0

    def otherness(self, actor: str, kinds: Iterable[str]) -> float:
        """Return how much more the acts look like a peer's than like the account's own.

        Mean log-likelihood ratio in nats per act; 0 where little is known of the account. Each
        kind counts by the logarithm of how often it occurs: a hundred times the same says little
        more than ten times.
        """
        own = self.accounts.get(actor)
        counts = Counter(kinds)
        if own is None or own.acts < _LEAST_KNOWN or not counts:
            return 0.0
        total = weight = 0.0
        for kind, count in counts.items():
            heft = log(1 + count)
            total += heft * self._ratio(own, kind)
            weight += heft
        return total / weight

    def _ratio(self, own: Account, kind: str) -> float:
        """Return ln P(kind | a peer) - ln P(kind | the account), both leaning on the role."""
        mine = own.kinds.get(kind, 0)
        theirs = self._all[kind] - mine
        size = len(self._all) + 1
        base = (self._all[kind] + _PRIOR) / (self._total + _PRIOR * size)
        self_share = (mine + 5 * base) / (own.acts + 5)
        peer_share = (theirs + 5 * base) / (self._total - own.acts + 5)
        return max(-_CLIP, min(_CLIP, log(peer_share) - log(self_share)))


def _rarest(first: First) -> tuple[int, str]:
    return first.peers, first.kind
