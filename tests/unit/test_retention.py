"""When records must go: month ends, false positives, open cases, backups, and refusals by name."""

import json
import subprocess
import sys
from datetime import date
from typing import Any

import pytest

from sentinel.domain.calendar import add_months
from sentinel.domain.retention import PERIODS, due, read_record
from sentinel.errors import InvalidValue

AT = "2025-01-10T10:00:00Z"
DETECTED = "2025-01-12T08:00:00Z"


def ask(**question: Any) -> tuple[str, str, bool]:
    """Return both days and whether the record is held; ``kind`` stands for ``class``."""
    question["class"] = question.pop("kind")
    answer = due(read_record(question))
    return str(answer.purge_not_before), str(answer.purge_not_after), answer.held


def refusal(**question: Any) -> str:
    with pytest.raises(InvalidValue) as refused:
        ask(**question)
    return str(refused.value)


@pytest.mark.parametrize(
    ("kind", "at", "first", "after"),
    [
        ("security_normal", "2025-03-15T10:00:00Z", "2026-03-15", "2026-03-16"),
        ("security_normal", "2024-02-29T10:00:00Z", "2025-02-28", "2025-03-01"),
        ("security_normal", "2023-02-28T10:00:00Z", "2024-02-28", "2024-02-29"),
        ("security_normal", "2025-12-31T12:00:00Z", "2026-12-31", "2027-01-01"),
        ("navigation", "2025-01-31T10:00:00Z", "2026-02-28", "2026-03-01"),
        ("navigation", "2023-01-31T10:00:00Z", "2024-02-29", "2024-03-01"),
        ("navigation", "2025-12-15T10:00:00Z", "2027-01-15", "2027-01-16"),
        ("backup_daily", "2026-02-25T02:00:00Z", "2026-03-04", "2026-03-05"),
        ("backup_daily", "2024-02-25T02:00:00Z", "2024-03-03", "2024-03-04"),
        ("backup_weekly", "2026-12-20T02:00:00Z", "2027-01-17", "2027-01-18"),
        ("backup_monthly", "2025-08-31T02:00:00Z", "2026-02-28", "2026-03-01"),
        ("backup_monthly", "2023-08-31T02:00:00Z", "2024-02-29", "2024-03-01"),
        ("backup_monthly", "2026-03-31T02:00:00Z", "2026-09-30", "2026-10-01"),
    ],
)
def test_each_class_has_its_period(kind: str, at: str, first: str, after: str) -> None:
    assert ask(kind=kind, at=at) == (first, after, False)


@pytest.mark.parametrize(
    ("at", "first"),
    [
        ("2025-06-30T21:59:59.999999Z", "2026-06-30"),
        ("2025-06-30T22:00:00Z", "2026-07-01"),  # midnight in Paris, in summer
        ("2025-12-31T23:00:00Z", "2027-01-01"),  # and in winter
        ("2026-01-01T00:00:00+01:00", "2027-01-01"),
        ("2025-12-31T23:30:00+00:00", "2027-01-01"),
        ("2025-10-26T02:30:00+02:00", "2026-10-26"),
        ("2025-10-26", "2026-10-26"),
    ],
)
def test_the_day_of_an_event_is_that_of_paris(at: str, first: str) -> None:
    assert ask(kind="security_normal", at=at)[0] == first


def test_an_incident_is_kept_36_months_from_its_detection() -> None:
    answer = ask(
        kind="security_incident", at=AT, incident_detected_at="2024-02-29T10:00:00Z",
        incident_state="closed_confirmed", closed_at="2024-04-01T10:00:00Z",
    )  # fmt: skip
    assert answer == ("2027-02-28", "2027-03-01", False)


@pytest.mark.parametrize("evaluated", ["2025-02-01T10:00:00Z", "2031-02-01T10:00:00Z", None])
def test_an_open_case_holds_its_records_and_moves_no_day(evaluated: str | None) -> None:
    answer = ask(
        kind="security_incident", at=AT, incident_detected_at=DETECTED, incident_state="open",
        evaluated_at=evaluated, closed_at=None,
    )  # fmt: skip
    assert answer == ("2028-01-12", "2028-01-13", True)


@pytest.mark.parametrize(
    ("closed", "evaluated", "first"),
    [
        # twelve months from the event are still to come: they count, and nothing else
        ("2025-02-01T10:00:00Z", "2025-02-01T11:00:00Z", "2026-01-10"),
        ("2025-02-01T10:00:00Z", None, "2026-01-10"),
        (None, "2026-01-09T10:00:00Z", "2026-01-10"),
        # they end on the day of the question
        ("2026-01-10T10:00:00Z", "2026-01-10T10:00:00Z", "2026-01-10"),
        # they are past: the next run takes it
        ("2026-01-11T10:00:00Z", "2026-01-11T10:00:00Z", "2026-01-11"),
        ("2026-06-01T10:00:00Z", None, "2026-06-01"),
        ("2026-06-01T10:00:00Z", "2026-06-03T10:00:00Z", "2026-06-03"),
        (None, "2026-06-03T10:00:00Z", "2026-06-03"),
        ("2026-06-01T22:30:00Z", None, "2026-06-02"),  # after midnight in Paris
    ],
)
def test_a_false_positive_falls_back_to_a_normal_access(
    closed: str | None, evaluated: str | None, first: str
) -> None:
    found, after, held = ask(
        kind="security_incident", at=AT, incident_detected_at=DETECTED,
        incident_state="closed_false_positive", closed_at=closed, evaluated_at=evaluated,
    )  # fmt: skip
    assert found == first
    assert date.fromisoformat(after).toordinal() == date.fromisoformat(first).toordinal() + 1
    assert not held


def test_what_does_not_apply_may_be_null_and_the_evaluation_moves_no_other_class() -> None:
    answer = ask(
        kind="navigation", at=AT, incident_detected_at=None, incident_state=None,
        closed_at=None, evaluated_at="2030-01-01T10:00:00Z",
    )  # fmt: skip
    assert answer == ("2026-02-10", "2026-02-11", False)


CASE = {"kind": "security_incident", "at": AT, "incident_detected_at": DETECTED}


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ({"kind": "normal", "at": AT}, "class is 'normal'"),
        ({"kind": None, "at": AT}, "class is null"),
        ({"kind": ["navigation"], "at": AT}, "class is a list"),
        ({"kind": "navigation"}, "at is missing"),
        ({"kind": "navigation", "at": None}, "at is null"),
        ({"kind": "navigation", "at": 1767225600}, "at is 1767225600"),
        ({"kind": "navigation", "at": True}, "at is true"),
        ({"kind": "navigation", "at": "2026-01-02T10:00"}, "at: .* neither offset nor zone"),
        ({"kind": "navigation", "at": "2026-02-30"}, "at: .* no instant"),
        ({"kind": "navigation", "at": "9999-06-01T10:00:00Z"}, "end of the calendar"),
        ({"kind": "backup_daily", "at": "9999-12-24"}, "end of the calendar"),
        ({"kind": "backup_daily", "at": "9999-12-31T23:30:00Z"}, "outside the calendar"),
        ({"kind": "navigation", "at": AT, "user": "x"}, "the field user is unknown"),
        ({"kind": "navigation", "at": AT, "incident_state": "open"}, "beside the class navigation"),
        ({"kind": "security_normal", "at": AT, "closed_at": AT}, "closed_at stands beside"),
        ({"kind": "security_incident", "at": AT}, "incident_detected_at is missing"),
        (CASE, "incident_state is missing"),
        (CASE | {"incident_state": "closed"}, "incident_state is 'closed'"),
        (CASE | {"incident_state": True}, "incident_state is true"),
        (CASE | {"incident_state": "open", "closed_at": DETECTED}, "incident_state of open"),
        (CASE | {"incident_state": "closed_confirmed", "closed_at": AT}, "closed_at is before"),
        (
            CASE | {"incident_state": "closed_confirmed", "closed_at": "soon"},
            "closed_at: 'soon' is no instant",
        ),
        (
            CASE
            | {
                "incident_state": "closed_false_positive",
                "closed_at": "2025-03-01",
                "evaluated_at": "2025-02-28",
            },
            "evaluated_at is before closed_at",
        ),
        (CASE | {"incident_state": "closed_false_positive"}, "one of them is needed"),
        (
            CASE | {"at": "2028-01-13", "incident_state": "open"},
            "at is more than 36 months after the detection",
        ),
    ],
)
def test_a_question_without_an_answer_is_refused_by_name(
    question: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidValue, match=reason):
        ask(**question)


def test_every_end_of_month_stays_in_its_month() -> None:
    """Against a search that knows no arithmetic of months: walk back from the 31st to a day."""
    for ordinal in range(date(2023, 1, 1).toordinal(), date(2028, 1, 1).toordinal()):
        day = date.fromordinal(ordinal)
        for months in (1, 6, 12, 13, 36):
            target = day.year * 12 + day.month - 1 + months
            number = day.day
            while True:
                try:
                    expected = date(target // 12, target % 12 + 1, number)
                    break
                except ValueError:
                    number -= 1
            assert add_months(day, months) == expected


def test_no_class_is_without_a_test() -> None:
    assert set(PERIODS) == {
        "security_normal", "security_incident", "navigation",
        "backup_daily", "backup_weekly", "backup_monthly",
    }  # fmt: skip


def run(arguments: list[str], given: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from sentinel.cli.main import main; main()", *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False)


def test_the_command_answers_line_by_line() -> None:
    given = [
        {"class": "security_normal", "at": "2024-02-29T10:00:00Z"},
        {"class": "unknown", "at": AT},
        {"class": "backup_weekly", "at": "2026-01-01T03:00:00Z"},
    ]
    done = run(["retention", "due", "--json", "-"], "\n".join(map(json.dumps, given)))
    first, second, third = (json.loads(line) for line in done.stdout.splitlines())
    assert (done.returncode, done.stderr) == (1, "")
    assert first == {
        "purge_not_before": "2025-02-28",
        "purge_not_after": "2025-03-01",
        "rule": "12 months after the event",
        "held": False,
    }
    assert second["line"] == 2
    assert "class is 'unknown'" in second["error"]
    assert third["purge_not_before"] == "2026-01-29"


def test_people_read_one_line_each() -> None:
    question = json.dumps(
        {
            "class": "security_incident",
            "at": AT,
            "incident_detected_at": DETECTED,
            "incident_state": "open",
        }
    )
    done = run(["retention", "due"], question)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "2028-01-12 to 2028-01-13  held  "
        "36 months after the detection of the incident; held while the incident is open\n"
    )
