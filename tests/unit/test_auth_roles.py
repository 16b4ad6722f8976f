"""Roles: an administrator sees no case, an auditor changes none."""

from __future__ import annotations

import pytest

from sentinel.domain.incident import Role
from sentinel.errors import Refused
from sentinel.web.auth.roles import acts_on_cases, check_combination, reads_cases

WORKERS = [
    Role.ANALYST,
    Role.COMMANDER,
    Role.SCRIBE,
    Role.DPO,
    Role.LEGAL,
    Role.DIRECTOR,
    Role.COMMS,
]


@pytest.mark.parametrize("role", WORKERS)
def test_workers_read_and_act(role: Role) -> None:
    assert reads_cases([role])
    assert acts_on_cases([role])


def test_auditor_reads_and_never_acts() -> None:
    assert reads_cases([Role.AUDITOR])
    assert not acts_on_cases([Role.AUDITOR])
    assert not acts_on_cases([Role.AUDITOR, Role.DPO])


@pytest.mark.parametrize("roles", [[], [Role.ADMIN], [Role.SERVICE], [Role.ADMIN, Role.DPO]])
def test_admin_service_and_nobody_see_no_case(roles: list[Role]) -> None:
    assert not reads_cases(roles)
    assert not acts_on_cases(roles)


@pytest.mark.parametrize(
    "roles",
    [[], [Role.SERVICE], [Role.ADMIN, Role.DPO], [Role.AUDITOR, Role.ANALYST]],
)
def test_roles_that_no_person_may_hold(roles: list[Role]) -> None:
    with pytest.raises(Refused):
        check_combination(roles)


def test_one_person_may_hold_several_working_roles() -> None:
    check_combination([Role.ANALYST, Role.DPO, Role.COMMANDER])
