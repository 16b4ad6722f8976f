"""What a session looks like in numbers, and how the population's paths are counted."""

from math import isnan

import pytest

from sentinel.detect.behaviour.features import FEATURES, features, pages_of, tokens_of
from sentinel.detect.behaviour.markov import START, Markov
from sentinel.detect.behaviour.paths import depth, is_page, number, template, token
from sentinel.detect.behaviour.sessions import Step
from sentinel.domain.terms import TERMS


def step(at: float, path: str, *, method: str = "GET", status: int = 200, size: int = 10) -> Step:
    return Step(at, method, path, status, size)


def walk(paths: list[str], every: float = 10.0) -> list[Step]:
    return [step(index * every, path) for index, path in enumerate(paths)]


def measured(steps: list[Step], population: Markov | None = None) -> dict[str, float]:
    values = features(steps, population or Markov(), [0.0] * len(steps))
    return dict(zip(FEATURES, values, strict=True))


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/", "/"),
        ("", "/"),
        ("/documents/90412", "/documents/{id}"),
        ("/documents/90412.pdf", "/documents/{id}.pdf"),
        ("/customers/sub_abcdefghijklmn23/invoices", "/customers/{id}/invoices"),
        ("/c/C00123", "/c/C{id}"),
        ("/x/0a1b2c3d4e5f", "/x/{id}"),
        ("/x/123e4567-e89b-12d3-a456-426614174000/y", "/x/{id}/y"),
        ("/facade/decade", "/facade/decade"),
        ("/invoices/2026-118", "/invoices/{id}-{id}"),
        ("/customers/sub_short", "/customers/sub_short"),
    ],
)
def test_identifiers_collapse(path: str, shape: str) -> None:
    assert template(path) == shape


def test_a_hostile_path_stays_small() -> None:
    assert len(template("/a" * 5_000)) <= 200
    assert len(template("/" + "9" * 5_000)) <= 200


def test_the_method_is_part_of_the_page() -> None:
    assert token(step(0, "/login", method="POST")) == "POST /login"
    assert token(step(0, "/login")) == "/login"


def test_style_sheets_and_redirections_are_no_pages() -> None:
    assert is_page(step(0, "/documents/1"))
    assert is_page(step(0, "/missing", status=404))
    assert not is_page(step(0, "/static/app.3f9c1d.css"))
    assert not is_page(step(0, "/LOGO.PNG"))
    assert not is_page(step(0, "/login", status=302))


def test_numbers_and_depth() -> None:
    assert number("/documents/90412") == 90412
    assert number("/documents/90412.pdf") == 90412
    assert number("/documents/list") is None
    assert depth("/a/b/") == 2


def test_every_feature_has_words_in_both_languages() -> None:
    assert all(set(TERMS[name]) == {"en", "fr"} for name in FEATURES)


def test_a_metronome_is_told_from_a_person() -> None:
    steady = measured(walk([f"/documents/{n}" for n in range(20)], 6.5))
    assert steady["interval_cv"] == pytest.approx(0, abs=1e-9)
    assert steady["interval_median"] == pytest.approx(6.5)
    person = measured([step(at, "/a") for at in (0, 2, 3, 30, 31, 90, 95, 200)])
    assert person["interval_cv"] > 0.9


def test_too_few_intervals_say_nothing_of_the_pace() -> None:
    assert isnan(measured(walk(["/a", "/b", "/c"]))["interval_cv"])
    even = [step(at, "/a") for at in (0, 0, 0, 0, 9, 9, 9, 9)]
    assert measured(even)["interval_cv"] > 1.0


def test_order_of_the_documents() -> None:
    down = measured(walk([f"/documents/{n}" for n in range(100, 80, -1)]))
    assert down["ordered_run"] == 19
    assert down["consecutive_ids"] == 1.0
    sparse = measured(walk([f"/documents/{n * n}" for n in range(3, 23)]))
    assert sparse["ordered_run"] == 19
    assert sparse["consecutive_ids"] == 0.0
    by_lists = measured(walk(["/documents", "/documents/9", "/documents", "/documents/8"] * 5))
    assert by_lists["ordered_run"] == 0
    zigzag = measured(walk([f"/documents/{n}" for n in (5, 9, 2, 8, 1, 7, 0, 6)]))
    assert zigzag["ordered_run"] == 1


def test_shares_and_rates() -> None:
    steps = [
        *(step(at, "/a") for at in (0, 5, 10, 15)),
        step(30, "/documents/1", size=30),
        step(45, "/b"),
        step(60, "/nope", status=404),
        step(120, "/documents/1", size=50),
        step(121, "/static/app.css"),
    ]
    found = measured(steps)
    assert found["rate"] == 4.0
    assert found["document_rate"] == 1.0
    assert found["client_errors"] == 0.125
    assert found["distinct_paths"] == 0.5
    assert found["bytes"] == 17.5
    assert found["entropy"] == 1.75


def test_the_oddest_request_and_the_share_of_odd_ones() -> None:
    values = features(walk(["/a"] * 4), Markov(), [0.1, 4.6, 9.2, 0.0])
    found = dict(zip(FEATURES, values, strict=True))
    assert (found["oddest_request"], found["odd_requests"]) == (9.2, 0.5)


def test_a_burst_is_not_a_rate_of_infinity() -> None:
    assert measured(walk(["/a"] * 30, 0.0))["rate"] == 30


def test_the_hour_of_the_day_does_not_matter() -> None:
    steps = walk(["/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h"])
    later = [step(one.at + 7 * 3600, one.path) for one in steps]
    assert measured(steps) == pytest.approx(measured(later))


def test_a_short_session_has_no_pace_and_no_order() -> None:
    short, long = measured(walk(["/a"] * 7 + ["/a.css"] * 50)), measured(walk(["/a"] * 8))
    absent = {name for name, value in short.items() if isnan(value)}
    assert absent == {
        "rate", "interval_median", "interval_cv", "distinct_paths", "entropy", "document_rate",
        "repetition", "consecutive_ids", "ordered_run",
    }  # fmt: skip
    assert not any(isnan(value) for value in long.values())


def test_a_session_of_parts_alone_is_made_of_them() -> None:
    assert len(pages_of(walk(["/a.css", "/b.js"]))) == 2
    assert len(pages_of(walk(["/a", "/b.js"]))) == 1
    with pytest.raises(ValueError, match="without requests"):
        features([], Markov(), [])


def test_a_rare_path_is_more_surprising_than_a_common_one() -> None:
    chain = Markov()
    chain.learn([["/", "/list", "/doc", "/list", "/doc"]] * 50 + [["/", "/doc"]])
    common, rare = ["/", "/list", "/doc"], ["/", "/doc", "/doc"]
    assert chain.surprise(rare) > 3 * chain.surprise(common)
    assert chain.surprise([]) == 0.0


def test_unknown_pages_are_counted_apart_from_surprise() -> None:
    chain = Markov()
    chain.learn([["/", "/list"]] * 9)
    assert chain.surprise(["/never"]) == 0.0
    assert measured(walk(["/", "/never"]), chain)["unseen"] == 0.5


def test_probabilities_of_the_known_pages_do_not_exceed_one() -> None:
    chain = Markov()
    chain.learn([["/a", "/b", "/a"], ["/b"]])
    for before in (START, "/a", "/b", "/unknown"):
        assert sum(chain._probability(before, after) for after in ("/a", "/b")) < 1.0


def test_a_chain_survives_its_file() -> None:
    chain = Markov()
    chain.learn([tokens_of(walk(["/", "/documents/1", "/documents/2"]))] * 3)
    again = Markov.from_json(chain.to_json())
    assert again == chain
    assert again.to_json() == chain.to_json()
    assert again.surprise(["/", "/documents/{id}"]) == chain.surprise(["/", "/documents/{id}"])
