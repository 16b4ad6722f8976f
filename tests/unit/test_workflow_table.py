"""The table itself: every state can be reached, and nobody is in it who has no business there."""

from datetime import UTC, datetime
from enum import StrEnum

import pytest

from sentinel.domain.alert import AlertState
from sentinel.domain.guards import Attempt, second_person
from sentinel.domain.incident import Actor, Authority, Legal, Persons, Role, Security
from sentinel.domain.transitions import TABLE, Track, permit
from sentinel.errors import Refused

STATES: dict[Track, type[StrEnum]] = {
    Track.ALERT: AlertState,
    Track.SECURITY: Security,
    Track.LEGAL: Legal,
    Track.AUTHORITY: Authority,
    Track.PERSONS: Persons,
}
# The commands that reach a state of another track, or open the record in it.
FROM_ELSEWHERE = {"open", "signal", "triage", "not_due", "due", "undecided"}


@pytest.mark.parametrize("track", list(Track))
def test_every_state_of_a_track_can_be_reached(track: Track) -> None:
    reached = {row.target for row in TABLE if row.track is track and row.target}
    assert {str(state) for state in STATES[track]} - reached <= FROM_ELSEWHERE


def test_sources_and_targets_are_states_of_their_track() -> None:
    for row in TABLE:
        states = {str(state) for state in STATES[row.track]}
        assert row.sources <= states
        assert row.target in states | {""}


def test_one_row_at_most_applies_in_a_state() -> None:
    pairs = [(row.command, source) for row in TABLE for source in row.sources]
    assert len(pairs) == len(set(pairs))


def test_nobody_acts_who_only_configures_reads_or_is_a_machine() -> None:
    outside = {Role.ADMIN, Role.AUDITOR, Role.SERVICE}
    for row in TABLE:
        assert row.roles
        assert not outside & row.roles
        assert not outside & row.approvers
        assert bool(row.approvers) == (second_person in row.guards)


def test_what_is_written_in_no_row_is_refused() -> None:
    attempt = Attempt(actor=Actor("x", frozenset({Role.DPO})), now=datetime(2026, 3, 2, tzinfo=UTC))
    with pytest.raises(Refused, match="no command"):
        permit("delete", Legal.TRIAGE, attempt)
    with pytest.raises(Refused, match="legal is closed"):
        permit("qualify", Legal.CLOSED, attempt)
