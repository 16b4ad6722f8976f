"""A request alone: what the population asks for is ordinary, what it never does is odd."""

from random import Random

import pytest

from sentinel.detect.behaviour.requests import (
    REQUEST_FEATURES,
    SHARED_BY,
    Requests,
    parameters,
)
from sentinel.detect.behaviour.sessions import Step
from sentinel.detect.behaviour.shapes import LONGEST, Shapes, decoded, shape


def ask(path: str, query: str = "", method: str = "GET", status: int = 200) -> Step:
    return Step(0.0, method, path, status, 10, query)


def population(size: int = 200) -> list[list[Step]]:
    random = Random(1)
    words = ["lamp", "desk", "chair", "shelf"]
    return [
        [
            ask("/"),
            ask("/search", f"q={random.choice(words)}&page={random.randint(1, 30)}"),
            ask(f"/items/{random.randint(1, 9000)}", f"sort={random.choice(['asc', 'desc'])}"),
        ]
        for _ in range(size)
    ]


@pytest.fixture(scope="module")
def learnt() -> Requests:
    return Requests.learnt(population())


def measured(learnt: Requests, step: Step) -> dict[str, float]:
    return dict(zip(REQUEST_FEATURES, learnt.features(step), strict=True))


@pytest.mark.parametrize(
    ("text", "plain", "layers"),
    [
        ("plain", "plain", 0),
        ("a+b", "a b", 0),
        ("a%20b", "a b", 1),
        ("%2527", "'", 2),
        ("%25252527", "%27", 3),
        ("100%", "100%", 0),
        ("%zz", "%zz", 0),
        ("", "", 0),
        ("%ff", "\ufffd", 1),
    ],
)
def test_percent_encoding_is_taken_off_layer_by_layer(text: str, plain: str, layers: int) -> None:
    assert decoded(text) == (plain, layers)


def test_a_shape_keeps_punctuation_and_no_letter() -> None:
    assert shape("Léa d'Ormont 12") == "aea a'aaaaaa 00"
    assert shape("1' OR '1'='1") == "0' aa '0'='0"
    assert shape("\x00é\t") == "\x01e\x01"


def test_what_is_common_costs_less_than_what_is_not() -> None:
    chain = Shapes()
    for number in range(500):
        chain.learn(shape(f"2026-{number % 12:02}"))
    usual, odd = chain.costs(shape("2025-11")), chain.costs(shape("2025';--"))
    assert odd[0] > 2 * usual[0]
    assert odd[1] > 2 * usual[1]
    assert Shapes.from_rows(chain.to_rows()) == chain


def test_an_ordinary_request_has_nothing_odd(learnt: Requests) -> None:
    found = measured(learnt, ask("/search", "q=table&page=3"))
    assert found["unknown_parameters"] == found["missing_parameters"] == 0
    assert found["encoding_layers"] == 0
    assert found["value_length"] < 2
    assert found["page_rarity"] < 2


@pytest.mark.parametrize(
    ("step", "feature", "least"),
    [
        (ask("/admin"), "page_rarity", 6),
        (ask("/search", "q=a&page=1", method="DELETE"), "method_rarity", 4),
        (ask("/search", "q=a&page=1", status=500), "status_rarity", 4),
        (ask("/search", "q=a&page=1&debug=1"), "unknown_parameters", 1),
        (ask("/search", "q=a"), "missing_parameters", 1),
        (ask("/items/5", "sort=asc';DROP TABLE x"), "value_shape", 3),
        (ask("/search", f"q={'a' * 400}&page=1"), "value_length", 5),
        (ask("/items/5", "sort=sideways"), "value_rarity", 5),
        (ask("/search", "q=%2527&page=1"), "encoding_layers", 2),
        (ask("/items/..%2f..%2fetc/passwd"), "path_peak", 5),
    ],
)
def test_each_oddity_has_its_feature(
    learnt: Requests, step: Step, feature: str, least: float
) -> None:
    usual = measured(learnt, ask("/search", "q=lamp&page=2"))[feature]
    found = measured(learnt, step)[feature]
    assert found >= least
    assert found > usual


def test_r03_what_fewer_than_three_sessions_hold_is_not_learnt() -> None:
    """A name in a path or in a parameter's name stays out of the model."""
    rare = [[ask("/people/jeanne-dupont", "jeanne=1")]] * (SHARED_BY - 1)
    written = Requests.learnt(population() + rare).to_json()
    assert b"jeanne" not in written
    often = [[ask("/people/team", "team=1")]] * SHARED_BY
    assert b"/people/team" in Requests.learnt(population() + often).to_json()


def test_r03_values_are_kept_only_as_a_short_list_that_many_share() -> None:
    named = [[ask("/search", f"q=person{number}&page=1")] for number in range(50)]
    written = Requests.learnt(named).to_json()
    assert b"person" not in written
    assert b"asc" in Requests.learnt(population()).to_json()


def test_the_counts_survive_their_file(learnt: Requests) -> None:
    again = Requests.from_json(learnt.to_json())
    assert again == learnt
    for step in (ask("/search", "q=x&page=2"), ask("/nope", "a=b"), ask("/items/77")):
        assert again.features(step) == learnt.features(step)


def test_a_monstrous_request_is_looked_at_in_part_only(learnt: Requests) -> None:
    query = "&".join(f"p{number}={'%25' * 1000}" for number in range(5_000))
    assert len(parameters(query)) == 64
    assert all(len(value) <= LONGEST for _, value, _ in parameters(query))
    assert len(learnt.features(ask("/" * 100_000, query))) == len(REQUEST_FEATURES)
