"""Who may see a case, and who may act on it.

An administrator configures and sees no case content; an auditor reads everything and writes
nothing. The workflow checks each command again: this is what the console shows.
"""

from __future__ import annotations

from collections.abc import Iterable

from sentinel.domain.incident import Role
from sentinel.errors import Refused

CASE_ROLES = frozenset(Role) - {Role.ADMIN, Role.SERVICE}


def reads_cases(roles: Iterable[Role]) -> bool:
    """Tell whether these roles open alerts and incidents; ``admin`` never does."""
    held = frozenset(roles)
    return bool(held & CASE_ROLES) and Role.ADMIN not in held


def acts_on_cases(roles: Iterable[Role]) -> bool:
    """Tell whether these roles change alerts and incidents; ``auditor`` never does."""
    held = frozenset(roles)
    return reads_cases(held) and Role.AUDITOR not in held


def check_combination(roles: Iterable[Role]) -> None:
    """Refuse roles that no one person may hold together, or that no person may hold."""
    held = frozenset(roles)
    if not held:
        raise Refused("an account needs a role", hint=", ".join(sorted(CASE_ROLES)))
    if Role.SERVICE in held:
        raise Refused("a service identity never signs in to the console (promise R-17)")
    for alone in (Role.ADMIN, Role.AUDITOR):
        if alone in held and len(held) > 1:
            raise Refused(f"{alone} stands alone", hint="give the person a second account")
