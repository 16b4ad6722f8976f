"""What stands for a rule in the index: always of its own branch, and the cheaper of two."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest

from sentinel.detect.fast.choice import Chosen, choose
from sentinel.detect.fast.frequency import GUESS_WEIGHT, column_of, guessed, measured
from sentinel.detect.fast.witness import WHOLE_EVENT, Branch, Clause, Sign

FRAME = "\x1e"


def clause(*signs: str) -> Clause:
    """Return a clause of signs written as `field:needle`."""
    return frozenset(Sign(*sign.split(":")) for sign in signs)


def chosen(branches: Mapping[int, Branch], **shares: float) -> dict[int, Chosen]:
    """Return the choice where the needles have these shares, and others none."""
    made = choose(list(branches.items()), lambda sign: shares.get(sign.needle, 0.0))
    assert [one.number for one in made] == list(branches)
    return {one.number: one for one in made}


@pytest.mark.parametrize("seed", range(40))
def test_a_branch_is_found_by_its_own_clauses(seed: int) -> None:
    """Whatever signs cost: anything else would lose matches."""
    rng = random.Random(seed)
    fields = ["a", "b", "c", WHOLE_EVENT]

    def drawn() -> Clause:
        return clause(
            *(f"{rng.choice(fields)}:{rng.choice('uvwxyz')}" for _ in range(rng.choice([1, 1, 3])))
        )

    branches = [
        (rng.randrange(5), tuple(dict.fromkeys(drawn() for _ in range(rng.randint(1, 4)))))
        for _ in range(rng.randint(1, 12))
    ]
    costs: dict[Sign, float] = {}

    def cost(sign: Sign) -> float:
        return costs.setdefault(sign, rng.choice([0.0, 1e-6, 0.01, 0.3, 1.0]))

    made = choose(branches, cost)
    assert [one.number for one in made] == [number for number, _branch in branches]
    for (_number, branch), one in zip(branches, made, strict=True):
        assert one.first in branch
        assert set(one.others) <= set(branch) - {one.first}
        assert len(set(one.others)) == len(one.others)


def test_the_rarest_clause_finds_a_branch() -> None:
    rare, common = clause("a:rare"), clause("a:common")
    for branch in ((rare, common), (common, rare)):
        assert chosen({0: branch}, rare=0.1, common=0.2)[0].first == rare


def test_a_clause_of_two_signs_is_as_common_as_both() -> None:
    two, one = clause("a:x", "a:y"), clause("a:z")
    assert chosen({0: (two, one)}, x=0.1, y=0.1, z=0.15)[0].first == one
    assert chosen({0: (two, one)}, x=0.1, y=0.1, z=0.25)[0].first == two


def test_a_keyword_is_dearer_than_a_field() -> None:
    word, field = clause("*:word"), clause("a:text")
    assert chosen({0: (word, field)}, word=0.2, text=0.3)[0].first == field
    assert chosen({0: (word, field)}, word=0.1, text=0.3)[0].first == word


def test_a_further_clause_is_looked_for_where_it_spares_more_than_it_costs() -> None:
    first, other = clause("a:first"), clause("a:other")
    spares = chosen({0: (first, other)}, first=0.3, other=0.4)[0]
    assert (spares.first, spares.others) == (first, (other,))
    assert chosen({0: (first, other)}, first=0.3, other=1.0)[0].others == ()
    assert chosen({0: (first, other)}, first=0.000_001, other=0.9)[0].others == ()


def test_a_further_clause_needs_no_column_of_its_own() -> None:
    first, other = clause("a:first"), clause("b:other")
    assert chosen({0: (first, other)}, first=0.3, other=0.4)[0].others == ()
    both = {0: (first, other), 1: (clause("b:lone"),)}
    assert chosen(both, first=0.3, other=0.4, lone=0.1)[0].others == (other,)


def test_what_is_looked_for_anyway_costs_nothing() -> None:
    first, other = clause("a:first"), clause("a:other")
    shares = {"first": 0.05, "other": 0.9}
    assert chosen({0: (first, other)}, **shares)[0].others == ()
    beside = {0: (first, other), 1: (other,)}
    assert chosen(beside, **shares)[0].others == (other,)


def test_a_column_for_one_is_given_up_where_another_serves_nearly_as_well() -> None:
    rest = {n: (clause(f"a:{n}"),) for n in range(1, 4)}
    lone = {0: (clause("b:rare"), clause("a:rather")), **rest}
    assert chosen(lone, rare=0.001, rather=0.002)[0].first == clause("a:rather")
    assert chosen(lone, rare=0.001, rather=0.5)[0].first == clause("b:rare")
    assert chosen({0: (clause("b:rare"),), **rest}, rare=0.001)[0].first == clause("b:rare")


def test_a_guess_is_rarer_the_longer_and_the_better_anchored() -> None:
    short, long = Sign("a", "abc"), Sign("a", "abcdef")
    anchored = Sign("a", f"{FRAME}abc")
    whole = Sign("a", f"{FRAME}abc{FRAME}")
    assert guessed(whole) < guessed(anchored) < guessed(short)
    assert guessed(long) < guessed(short) < guessed(Sign(WHOLE_EVENT, "abc"))


def test_a_share_is_measured_where_events_were_seen() -> None:
    events: list[dict[str, Any]] = [
        {"a": "abc"},
        {"a": ["x", "ABCD"]},
        {"b": "abc"},
        {"a": {"deep": "abc"}},
        {},
    ]
    signs = [Sign("a", "abc"), Sign("a", f"abc{FRAME}"), Sign("b", "abc"), Sign(WHOLE_EVENT, "abc")]
    cost = measured(signs, events)
    found = [cost(sign) - GUESS_WEIGHT * guessed(sign) for sign in signs]
    assert found == pytest.approx([3 / 5, 1 / 5, 1 / 5, 4 / 5])
    assert cost(Sign("c", "abc")) == pytest.approx(GUESS_WEIGHT * guessed(Sign("c", "abc")))
    assert column_of(WHOLE_EVENT, [{"a": ["x", ["y"]], "b": 1}, {}]) == [["x", "y", 1], []]
