"""The ENISA score on all 864 legal inputs, and a refusal that names the field for the others."""

import itertools
import json
import math
import subprocess
import sys
from fractions import Fraction
from typing import Any

import pytest

from sentinel.domain.severity import Assessed, assess, read_assessed
from sentinel.errors import InvalidValue

DPC = (1, 2, 3, 4)
EI = (0.25, 0.5, 0.75, 1)
LOSS = (0, 0.25, 0.5)
INTENT = (0, 0.5)
ALL = list(itertools.product(DPC, EI, LOSS, LOSS, LOSS, INTENT))


def asked(**changes: Any) -> dict[str, Any]:
    """Return a question; ``cb__integrity=...`` changes a field of ``cb``."""
    cb = {"confidentiality": 0.25, "integrity": 0, "availability": 0, "malicious_intent": 0.5}
    question: dict[str, Any] = {
        "dpc": 1, "ei": 0.25, "cb": cb, "individuals": 12, "unintelligible": False,
    }  # fmt: skip
    for name, value in changes.items():
        if name.startswith("cb__"):
            cb[name.removeprefix("cb__")] = value
        else:
            question[name] = value
    return question


def put(dpc: int, ei: float, c: float, i: float, a: float, intent: float) -> dict[str, Any]:
    cb = {"confidentiality": c, "integrity": i, "availability": a, "malicious_intent": intent}
    return asked(dpc=dpc, ei=ei, cb=cb)


def test_there_are_864_legal_inputs() -> None:
    assert len(set(ALL)) == 864


@pytest.mark.parametrize(
    ("low", "high", "level", "screen"),
    [
        (Fraction(0), Fraction(2), "low", "register"),
        (Fraction(2), Fraction(3), "medium", "authority"),
        (Fraction(3), Fraction(4), "high", "authority_and_individuals"),
        (Fraction(4), Fraction(100), "very_high", "authority_and_individuals"),
    ],
)
def test_every_legal_input_of_a_band(
    low: Fraction, high: Fraction, level: str, screen: str
) -> None:
    """Against exact fractions, which know no rounding."""
    found = 0
    for dpc, ei, *cb in ALL:
        exact = Fraction(dpc) * Fraction(ei) + sum(map(Fraction, cb))
        if not low <= exact < high:
            continue
        found += 1
        answer = assess(read_assessed(put(dpc, ei, *cb)))
        near = [t for t in (2, 3, 4) if abs(exact - t) <= Fraction(1, 4)]
        assert Fraction(answer.se) == exact
        assert exact % Fraction(1, 4) == 0
        assert Fraction(1, 4) <= exact <= 6
        assert (answer.level, answer.screen) == (level, screen)
        assert list(answer.borderline) == near
        assert answer.flags == (("borderline",) if near else ())
        assert answer.review_required is bool(near)
    assert found > 0


def test_both_ends_of_the_scale_are_reached() -> None:
    scores = {assess(read_assessed(put(*one))).se for one in ALL}
    assert (min(scores), max(scores)) == (0.25, 6.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [("negligible", 0.25), ("limited", 0.5), ("significant", 0.75), ("maximum", 1)],
)
def test_the_ease_of_identification_has_names(name: str, value: float) -> None:
    assert read_assessed(asked(ei=name)) == read_assessed(asked(ei=value))


@pytest.mark.parametrize(
    ("individuals", "unintelligible", "flags"),
    [
        (None, False, ()),
        (0, False, ()),
        (100, False, ()),
        (101, False, ("over_100_individuals",)),
        (10**12, True, ("over_100_individuals", "unintelligible_data")),
        (None, True, ("unintelligible_data",)),
    ],
)
def test_flags_ask_for_a_review_and_leave_the_score(
    individuals: int | None, unintelligible: bool, flags: tuple[str, ...]
) -> None:
    answer = assess(read_assessed(asked(individuals=individuals, unintelligible=unintelligible)))
    assert answer.flags == flags
    assert answer.review_required is bool(flags)
    assert answer.se == 1.0


def test_all_three_flags_at_once() -> None:
    answer = assess(read_assessed(asked(dpc=4, ei=1, individuals=101, unintelligible=True)))
    assert answer.flags == ("over_100_individuals", "unintelligible_data")
    answer = assess(read_assessed(asked(dpc=3, ei=1, individuals=101, unintelligible=True)))
    assert answer.flags == ("over_100_individuals", "unintelligible_data", "borderline")
    assert (answer.se, answer.borderline) == (3.75, (4,))


ILLEGAL: list[tuple[dict[str, Any], str]] = [
    *[({"dpc": bad}, "dpc") for bad in (0, 5, -1, 2.0, 2.5, True, "2", None, [], {}, 10**30)],
    *[({"ei": bad}, "ei") for bad in (0, 0.3, 1.25, True, "high", "0.5", "", None, [0.5])],
    *[({"ei": bad}, "ei") for bad in (math.nan, math.inf, -0.25)],
    *[({"cb": bad}, "cb") for bad in (None, 0.5, [], "low")],
    *[
        ({f"cb__{field}": bad}, f"cb.{field}")
        for field in ("confidentiality", "integrity", "availability")
        for bad in (0.75, 1, -0.25, True, False, "0.25", None, math.nan)
    ],
    *[({"cb__malicious_intent": bad}, "cb.malicious_intent") for bad in (0.25, 1, True, None)],
    *[({"individuals": bad}, "individuals") for bad in (-1, 1.0, True, "12", [], math.nan)],
    *[({"unintelligible": bad}, "unintelligible") for bad in (0, 1, None, "no", [])],
    ({"colour": 1}, "colour"),
    ({"cb__secrecy": 0}, "cb.secrecy"),
]


@pytest.mark.parametrize(("changes", "field"), ILLEGAL)
def test_an_illegal_value_is_refused_by_name(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        read_assessed(asked(**changes))
    assert f" {field} is " in str(refused.value)


@pytest.mark.parametrize("field", ["dpc", "ei", "cb", "individuals", "unintelligible"])
def test_a_missing_field_is_refused_by_name(field: str) -> None:
    question = asked()
    del question[field]
    with pytest.raises(InvalidValue, match=f" {field} is missing"):
        read_assessed(question)


@pytest.mark.parametrize(
    "field", ["confidentiality", "integrity", "availability", "malicious_intent"]
)
def test_a_missing_circumstance_is_refused_by_name(field: str) -> None:
    question = asked()
    del question["cb"][field]
    with pytest.raises(InvalidValue, match=rf" cb\.{field} is missing"):
        read_assessed(question)


@pytest.mark.parametrize("question", [None, [], "dpc", 3, True])
def test_what_is_no_object_is_refused(question: object) -> None:
    with pytest.raises(InvalidValue, match="not an object"):
        read_assessed(question)


def test_an_error_stays_short_and_on_one_line() -> None:
    with pytest.raises(InvalidValue) as refused:
        read_assessed(asked(ei="\n\x1b[31m" * 10_000))
    assert len(str(refused.value)) < 300
    assert str(refused.value).isprintable()


def run(arguments: list[str], given: bytes) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", "from sentinel.cli.main import main; main()", *arguments]
    return subprocess.run(command, input=given, capture_output=True, check=False)


def test_the_command_answers_all_864_in_order() -> None:
    given = b"".join(json.dumps(put(*one)).encode() + b"\n" for one in ALL)
    done = run(["severity", "--json", "-"], given)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, b"")
    assert [a["se"] for a in answers] == [one[0] * one[1] + sum(one[2:]) for one in ALL]
    assert set(answers[0]) == {
        "se", "level", "flags", "borderline", "screen", "review_required",
    }  # fmt: skip


def test_each_bad_line_gets_its_own_answer_and_the_exit_code_tells() -> None:
    good = json.dumps(asked()).encode()
    bad = [
        b"", b"{", b"null", b'{"dpc": NaN}', b'{"dpc": 1, "dpc": 2}', b"\xff", b"[" * 100_000,
        b'{"dpc": ' + b"9" * 5_000 + b"}", good.replace(b"0.25", b"1e999"), good + good,
        b'{"\\ud800": 1}',
    ]  # fmt: skip
    done = run(["severity", "--json", "-"], b"\n".join([good, *bad, good]))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert [answer.get("line") for answer in answers] == [None, *range(2, 2 + len(bad)), None]
    assert all(set(answer) == {"error", "line"} for answer in answers[1:-1])
    assert "byte 1" in answers[6]["error"]
    assert "at column 2" in answers[2]["error"]
    assert "too many digits" in answers[8]["error"]
    assert "'dpc' stands twice" in answers[5]["error"]
    assert answers[0] == answers[-1]


def test_people_read_a_line_each_and_errors_apart() -> None:
    done = run(["severity", "-"], json.dumps(asked(individuals=300)).encode() + b"\nnothing\n")
    assert done.stdout == b"SE 1     low        register  review: over_100_individuals\n"
    assert done.stderr.startswith(b"-:2: A value cannot be accepted: no JSON")


def test_a_file_that_is_not_there_is_one_clear_error() -> None:
    done = run(["severity", "--json", "nowhere.ndjson"], b"")
    assert (done.returncode, done.stdout) == (4, b"")
    assert done.stderr == b"error: nowhere.ndjson: No such file or directory\n"


def test_a_legal_input_is_what_the_reader_made_of_it() -> None:
    read = read_assessed(asked(individuals=None))
    assert isinstance(read, Assessed)
    assert (read.dpc, read.ei, read.cb.total, read.individuals) == (1, 0.25, 0.75, None)
