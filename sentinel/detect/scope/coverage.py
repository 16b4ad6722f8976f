"""How much of the access to persons' data is explained, by role and by template.

A template that explains nothing is a wrong template or a missing feed of facts; a role whose
accesses are half unexplained floods its reviewers. Both are seen here before they are lived.
"""

from __future__ import annotations

from collections import Counter

import msgspec

from sentinel.domain import event as names
from sentinel.domain.event import Event
from sentinel.domain.scope import Verdict


class RoleCoverage(msgspec.Struct):
    """Counts of accesses of one role (an actor with two roles is a role of its own)."""

    accesses: int = 0
    explained: int = 0
    weak: int = 0
    unexplained: int = 0
    forbidden: int = 0
    templates: Counter[str] = msgspec.field(default_factory=Counter)

    @property
    def share(self) -> float:
        """Share of accesses that are explained, weakly or fully; 0 where there are none."""
        return self.explained / self.accesses if self.accesses else 0.0


class Coverage:
    """Counts judged events, by role."""

    def __init__(self) -> None:
        self.roles: dict[str, RoleCoverage] = {}

    def add(self, event: Event) -> None:
        """Count a judged event; one without a verdict is no access to a person's data."""
        verdict = event.text(names.SCOPE_VERDICT)
        if not verdict:
            return
        held = ", ".join(sorted(event.items(names.ROLES))) or "-"
        role = self.roles.setdefault(held, RoleCoverage())
        role.accesses += 1
        match Verdict(verdict):
            case Verdict.EXPLAINED:
                role.explained += 1
                role.weak += bool(event.text(names.SCOPE_WEAK))
                role.templates.update(event.text(names.SCOPE_TEMPLATE).split(", "))
            case Verdict.UNEXPLAINED:
                role.unexplained += 1
            case Verdict.FORBIDDEN:
                role.forbidden += 1

    def total(self) -> RoleCoverage:
        """Return the counts of all roles together."""
        whole = RoleCoverage()
        for role in self.roles.values():
            whole.accesses += role.accesses
            whole.explained += role.explained
            whole.weak += role.weak
            whole.unexplained += role.unexplained
            whole.forbidden += role.forbidden
            whole.templates.update(role.templates)
        return whole
