"""Templates are mined where facts relate agents and persons, never where they match by chance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import msgspec
import pytest

from sentinel.detect.scope.load import load_scope
from sentinel.detect.scope.model import ScopeModel
from sentinel.detect.scope.ranking_visit import Look
from sentinel.detect.scope.suggest import Mined, Suggestion, mine
from sentinel.detect.scope.suggest_yaml import proposal
from sentinel.domain.scope import Fact

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PERSONS = [f"C{n:04}" for n in range(400)]


def look(number: int, actor: str, subject: str, at: datetime) -> Look:
    return Look(
        event=f"e{number}",
        actor=actor,
        role="support",
        team="support-1",
        subject=subject,
        act="customer.read",
        instant=at,
    )


def fact(kind: str, subject: str, actor: str, at: datetime, hours: float = 3) -> Fact:
    end = at + timedelta(hours=hours)
    return Fact(
        kind=kind,
        id=f"{kind}{at}{subject}",
        subject=subject,
        actor=actor,
        valid_from=at,
        valid_to=end,
    )


def office(seed: int = 1) -> tuple[list[Look], list[Fact]]:
    """Half of the looks have a ticket of the agent; everybody has a birthday card, always."""
    random = Random(seed)
    looks: list[Look] = []
    facts = [fact("card", person, "", NOON - timedelta(days=9), 9999) for person in PERSONS]
    for number in range(400):
        agent, person = f"s{number % 8}", random.choice(PERSONS)
        at = NOON + timedelta(minutes=5 * number)
        looks.append(look(number, agent, person, at))
        if number % 2:
            facts.append(fact("ticket", person, agent, at - timedelta(minutes=30)))
    return looks, facts


def kinds(mined: Mined) -> list[tuple[str, str, str]]:
    return [(one.kind, one.agent, one.window) for one in mined.suggestions]


def test_the_ticket_of_the_agent_is_proposed_with_its_measures() -> None:
    mined = mine(*office())
    assert kinds(mined) == [("ticket", "actor", "now")]
    (one,) = mined.suggestions
    assert (one.accesses, one.support, one.gain) == (400, 200, 200)
    assert one.by_chance < 0.01
    assert one.confidence > 0.98


def test_what_holds_of_everybody_is_refused_with_its_reason() -> None:
    refused = [one for one in mine(*office()).rejected if one.kind == "card"]
    assert [one.by_chance > 0.99 for one in refused] == [True]
    assert "by chance" in refused[0].reason


def test_what_the_model_explains_already_is_not_proposed_again() -> None:
    assert mine(*office(), explained=lambda one: int(one.event[1:]) % 2 == 1).suggestions == ()


@pytest.mark.parametrize(
    ("shift", "window"),
    [(timedelta(minutes=40), "opened_after"), (timedelta(hours=-9), "ended")],
)
def test_the_window_of_time_is_found(shift: timedelta, window: str) -> None:
    looks, _ = office()
    facts = [fact("call", one.subject, one.actor, one.instant + shift, 2) for one in looks[:200]]
    assert ("call", "actor", window) in kinds(mine(looks, facts))


def test_a_duty_that_names_no_person_is_measured_against_other_agents() -> None:
    looks, _ = office()
    late = NOON + timedelta(hours=1)
    looks += [
        msgspec.structs.replace(look(1000 + n, "x1", PERSONS[n], late), role="sre")
        for n in range(40)
    ]
    end = NOON + timedelta(days=3)
    duty = Fact(kind="oncall", id="D1", actor="x1", valid_from=NOON, valid_to=end)
    (one,) = mine(looks, [duty]).suggestions
    assert (one.role, one.kind, one.about_person) == ("sre", "oncall", False)
    everybody = Fact(kind="open", id="D2", team="support-1", valid_from=NOON, valid_to=end)
    assert mine(looks, [everybody]).suggestions == ()  # everybody's duty explains nothing


def test_a_few_accesses_prove_nothing() -> None:
    looks, facts = office()
    assert mine(looks[:30], facts).suggestions == ()


def test_the_order_of_the_accesses_decides_little_and_the_seed_nothing() -> None:
    looks, facts = office()
    assert kinds(mine(looks, facts, seed=7)) == kinds(mine(list(reversed(looks)), facts))


def test_the_proposal_is_a_file_of_the_scope_model(tmp_path: Path) -> None:
    mined = mine(*office())
    text = proposal(mined.suggestions, ScopeModel())
    assert text.startswith("# PROPOSED, not in force")
    assert "support 200 of 400" in text
    roles = (
        "title: {en: R, fr: R}\nroles:\n"
        '  support: {title: {en: S, fr: S}, categories: ["*"], acts: ["*"]}\n'
    )
    (tmp_path / "roles.yml").write_text(roles, encoding="utf-8")
    (tmp_path / "proposed.yml").write_text(text, encoding="utf-8")
    (template,) = load_scope(tmp_path).templates
    assert (template.fact, template.agent) == ("ticket", "actor")


@pytest.mark.parametrize("window", ["ended", "opened_after"])
def test_a_grace_is_written_as_a_weakness(tmp_path: Path, window: str) -> None:
    one = Suggestion(
        role="L1", kind="call", agent="team", window=window, about_person=True, accesses=9,
        support=9, gain=9, by_chance=0.0, lift=9.0, confidence=1.0,
    )  # fmt: skip
    text = proposal([one], ScopeModel())
    assert f"weak:\n    - {window}" in text
    assert "Declare these roles first: L1" in text
