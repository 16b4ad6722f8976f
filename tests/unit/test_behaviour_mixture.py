"""Two opinions in one unit, and a budget that holds."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from sentinel.detect.behaviour.budget import DailyBudget
from sentinel.detect.behaviour.mixture import CLIP, Mixture, Scale, Tail

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def normal(rows: int, columns: int = 4, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, columns))


def test_nats_are_the_share_of_the_population_that_scores_higher() -> None:
    scores = np.random.default_rng(1).exponential(size=20_000)
    tail = Tail(scores, 1e-6)
    nats = tail.nats(np.array([np.log(2), np.log(100), np.log(10_000)]))
    assert nats == pytest.approx([np.log(2), np.log(100), np.log(10_000)], rel=0.05)


def test_nats_never_fall_as_the_score_grows() -> None:
    tail = Tail(normal(500)[:, 0], 0.1)
    grid = tail.nats(np.linspace(-5, 50, 2_000))
    assert (np.diff(grid) >= -1e-9).all()


def test_a_population_of_equals_gives_no_infinite_nats() -> None:
    mixture = Mixture(np.zeros((100, 3)), both_ways=True)
    assert mixture.score(np.zeros((1, 3)))[0] < 1
    far = mixture.score(np.full((1, 3), CLIP))[0]
    assert 5 < far < 200


def test_a_point_far_away_scores_above_everybody() -> None:
    mixture = Mixture(normal(800), both_ways=True)
    assert mixture.score(np.full((1, 4), 6.0))[0] > mixture.scores.max()
    assert mixture.score(np.full((1, 4), -6.0))[0] > mixture.scores.max()


def test_one_way_leaves_the_low_side_alone() -> None:
    one, both = (Mixture(normal(800), both_ways=ways) for ways in (False, True))
    low = np.array([[-3.0, 0, 0, 0]])
    assert one._rarity(low)[0] < both._rarity(low)[0]


def test_an_odd_combination_of_ordinary_values_is_seen() -> None:
    """Each value alone is common; KNN sees that they never come together."""
    base = normal(900)[:, :1]
    matrix = np.hstack([base, base])
    mixture = Mixture(matrix, both_ways=True)
    assert mixture.score(np.array([[1.5, -1.5]]))[0] > 2 * mixture.score(np.array([[1.5, 1.5]]))[0]


def test_an_absent_value_is_at_the_centre() -> None:
    values = np.array([[1.0, np.nan], [3.0, np.nan], [5.0, 2.0]])
    scale = Scale.of(values, np.array([0.1, 0.1]))
    scaled = scale.apply(np.array([[np.nan, np.nan], [3.0, 2.0]]))
    assert scaled == pytest.approx(np.zeros((2, 2)))
    nobody = Scale.of(np.full((5, 1), np.nan), np.array([0.5]))
    assert np.isfinite(nobody.apply(np.array([[7.0]]))).all()


def test_a_budget_is_by_day_and_counts_what_it_cut() -> None:
    budget = DailyBudget(2)
    told = [budget.admit(DAY + timedelta(hours=6 * number)) for number in range(8)]
    assert told == [True, True, False, False] * 2
    assert dict(budget.cut) == {DAY.date(): 2, (DAY + timedelta(days=1)).date(): 2}


def test_a_budget_forgets_days_of_long_ago() -> None:
    budget = DailyBudget(1)
    for number in range(400):
        assert budget.admit(DAY + timedelta(days=number))
        budget.admit(DAY + timedelta(days=number))
    assert len(budget.cut) <= 33
