"""``sentinel deadlines``: what it prints, and what it refuses with one clear line."""

import io
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from sentinel.cli.main import main

pytest.importorskip("holidays", reason="the environment is older than pyproject: make install")


class Ran(NamedTuple):
    code: int
    out: bytes
    err: str

    @property
    def answers(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


Sentinel = Callable[..., Ran]


@pytest.fixture
def sentinel(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]):
    def run(*arguments: str, given: bytes = b"") -> Ran:
        monkeypatch.setattr("sys.argv", ["sentinel", "deadlines", *arguments])
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given)))
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsysbinary.readouterr()
        assert isinstance(ended.value.code, int)
        return Ran(ended.value.code, captured.out, captured.err.decode())

    return run


def test_the_published_example_as_json(sentinel: Sentinel) -> None:
    ran = sentinel("--aware-at", "2020-12-22T12:17", "--tz", "Europe/Paris", "--json")
    (answer,) = ran.answers
    assert (ran.code, ran.err) == (0, "")
    assert answer["due_strict"] == {
        "utc": "2020-12-25T11:17:00Z",
        "local": "2020-12-25T12:17:00+01:00",
    }
    assert answer["due_1182"]["local"] == "2020-12-25T13:00:00+01:00"
    assert answer["aware_at"]["utc"] == "2020-12-22T11:17:00Z"
    assert answer["contested"] == ["due_3_5_touch", "due_3_5_full"]
    assert answer["basis"] == "GDPR art. 33(1)"
    assert "steps" not in answer
    assert (answer["regime"], answer["applies"], answer["zone"]) == (
        "gdpr_art33", True, "Europe/Paris",
    )  # fmt: skip


def test_the_alarms_are_instants(sentinel: Sentinel) -> None:
    (answer,) = sentinel("--aware-at", "2026-10-23T15:00+02:00", "--json").answers
    assert [alarm["after"] for alarm in answer["alarms"]] == [
        "PT24H", "PT36H", "PT48H", "PT60H", "PT66H", "PT70H", "PT71H",
    ]  # fmt: skip
    assert answer["alarms"][1] == {
        "after": "PT36H",
        "utc": "2026-10-25T01:00:00Z",
        "local": "2026-10-25T02:00:00+01:00",
    }
    assert answer["alarms_repeat"] == "PT15M"


def test_both_contested_readings(sentinel: Sentinel) -> None:
    (answer,) = sentinel("--aware-at", "2026-12-31T18:30+01:00", "--json").answers
    assert answer["due_1182"]["local"] == "2027-01-03T19:00:00+01:00"
    assert answer["due_3_5_touch"]["local"] == "2027-01-05T00:00:00+01:00"
    assert answer["due_3_5_full"]["local"] == "2027-01-06T00:00:00+01:00"


def test_no_microsecond_is_lost(sentinel: Sentinel) -> None:
    (answer,) = sentinel("--aware-at", "2026-03-02T10:30:15.000001Z", "--json").answers
    assert answer["due_strict"] == {
        "utc": "2026-03-05T10:30:15.000001Z",
        "local": "2026-03-05T11:30:15.000001+01:00",
    }


def test_an_offset_wins_over_the_zone_which_then_displays(sentinel: Sentinel) -> None:
    (answer,) = sentinel(
        "--aware-at", "2026-03-02T10:30+01:00", "--tz", "Asia/Kolkata", "--json"
    ).answers
    assert answer["aware_at"] == {
        "utc": "2026-03-02T09:30:00Z",
        "local": "2026-03-02T15:00:00+05:30",
    }
    assert answer["due_1182"]["utc"] == "2026-03-05T10:30:00Z"  # the hour of the displayed zone


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--aware-at", "2026-03-29T02:30", "--tz", "Europe/Paris"], "does not exist"),
        (["--aware-at", "2026-10-25T02:30", "--tz", "Europe/Paris"], "occurs twice"),
        (["--aware-at", "2026-03-02T10:30"], "neither offset nor zone"),
        (["--aware-at", "2026-03-29T02:30"], "neither offset nor zone"),
        (["--aware-at", "2026-03-02", "--tz", "Europe/Paris"], "no time of day"),
        (["--aware-at", "2026-03-02T10:30Z", "--tz", "Europe/Atlantis"], "no time zone"),
        (["--aware-at", "2026-03-02T10:30Z", "--tz", ""], "no time zone"),
        (["--aware-at", "2026-03-02T10:30Z", "--tz", "../zone"], "no time zone"),
        (["--aware-at", "2026-03-02T10:30Z", "--tz", "Europe"], "no time zone"),
        (["--aware-at", "9999-12-30T10:30Z"], "end of the calendar"),
        (["--aware-at", "9999-12-28T23:30Z", "--tz", "Pacific/Kiritimati"], "end of the calendar"),
        (["--aware-at", "0001-01-01T00:00Z", "--tz", "America/Lima"], "no rule set"),
        (["--aware-at", "0001-01-01T00:00Z", "--tz", "America/Lima", "--regime", "dora"], "end of"),
        (["--aware-at", "2018-05-24T10:30Z"], "no rule set"),
        (["--aware-at", "2026-03-02T10:30Z", "--regime", "gdpr"], "gdpr_art33"),
        (["--aware-at", "2026-03-02T10:30Z", "--batch", "-"], "either --aware-at or --batch"),
        ([], "either --aware-at or --batch"),
        (["--batch", "-", "--done", "notification=2026-03-02T10:30Z"], "--done belongs to one"),
        (["--aware-at", "2026-03-02T10:30Z", "--done", "fix"], "no instant"),
        (["--aware-at", "2026-03-02T10:30Z", "--done", "fix=2026-03-02T10:30Z"], "knows no fix"),
    ],
)
def test_what_cannot_be_computed_is_refused_in_one_line(
    sentinel: Sentinel, arguments: list[str], reason: str
) -> None:
    ran = sentinel(*arguments, "--json")
    assert (ran.code, ran.out) == (2, b"")
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1
    assert reason in ran.err


def test_a_batch_answers_each_line_in_order(sentinel: Sentinel) -> None:
    given = "\n".join(
        [
            "2026-03-02T10:30:00.000001Z",
            "2026-03-29T02:30",
            "",
            "2026-03-29T03:30",
            "soon",
            "  2026-10-25T02:30+01:00\t",
        ]
    )
    ran = sentinel("--batch", "-", "--tz", "Europe/Paris", "--json", given=given.encode())
    first, skipped, empty, summer, soon, autumn = ran.answers
    assert (ran.code, ran.err) == (1, "")
    assert first["due_strict"]["utc"] == "2026-03-05T10:30:00.000001Z"
    assert (skipped["line"], empty["line"], soon["line"]) == (2, 3, 5)
    assert "does not exist" in skipped["error"]
    assert "no instant" in empty["error"]
    assert summer["due_strict"]["local"] == "2026-04-01T03:30:00+02:00"
    assert autumn["due_strict"]["utc"] == "2026-10-28T01:30:00Z"


def test_small_letters_are_those_of_rfc_3339(sentinel: Sentinel) -> None:
    ran = sentinel("--batch", "-", given=b"2026-03-02t10:30:00z\n2026-03-02T10:30:00Z\n")
    assert ran.code == 0
    assert ran.answers[0] == ran.answers[1]


@pytest.mark.parametrize("regime", ["gdpr_art33", "nis2_art23", "insurance_l12_10_1"])
def test_every_key_of_the_contract_is_there(sentinel: Sentinel, regime: str) -> None:
    (answer,) = sentinel("--aware-at", "2026-03-02T10:30Z", "--regime", regime, "--json").answers
    for name in ("due_strict", "due_1182", "due_3_5_touch", "due_3_5_full"):
        assert name in answer
        assert answer[name] is None or set(answer[name]) == {"utc", "local"}
    assert set(answer["due_strict"]) == {"utc", "local"}
    assert isinstance(answer["alarms"], list)
    assert all({"utc", "local"} <= set(alarm) for alarm in answer["alarms"])
    assert set(answer["contested"]) == {"due_3_5_touch", "due_3_5_full"}


def test_a_batch_without_a_fault_ends_well_with_either_line_end(sentinel: Sentinel) -> None:
    ran = sentinel("--batch", "-", given=b"2026-03-02T10:30Z\r\n2026-03-02T10:30Z\n")
    assert ran.code == 0
    assert ran.answers[0] == ran.answers[1]
    assert sentinel("--batch", "-", given=b"").out == b""


def test_a_batch_survives_bytes_that_are_no_text(sentinel: Sentinel) -> None:
    ran = sentinel("--batch", "-", given=b"\xff\xfe\n2026-03-02T10:30Z\n\x00\n")
    bad, good, nothing = ran.answers
    assert ran.code == 1
    assert "no UTF-8" in bad["error"]
    assert good["due_strict"]["utc"] == "2026-03-05T10:30:00Z"
    assert nothing["line"] == 3


def test_another_regime_prints_its_steps(sentinel: Sentinel) -> None:
    (answer,) = sentinel(
        "--aware-at", "2026-10-20T08:15Z", "--regime", "cra_art14", "--json",
        "--done", "notification=2026-10-21T07:00Z",
    ).answers  # fmt: skip
    steps = {step["step"]: step for step in answer["steps"]}
    assert list(steps) == [
        "early_warning", "notification", "final_vulnerability", "final_incident",
    ]  # fmt: skip
    assert answer["due_strict"] == steps["early_warning"]["due_strict"]
    assert steps["final_vulnerability"]["due_strict"] is None
    assert steps["final_vulnerability"]["after"] == "fix"
    assert steps["final_incident"]["last_day"] == "2026-11-21"
    assert steps["final_incident"]["due_strict"]["local"] == "2026-11-22T00:00:00+01:00"
    assert steps["final_incident"]["provisional"] is False


def test_a_regime_that_is_not_yet_law_says_so(sentinel: Sentinel) -> None:
    arguments = ("--aware-at", "2026-03-02T10:30Z", "--regime", "cra_art14")
    (answer,) = sentinel(*arguments, "--json").answers
    assert (answer["applies"], answer["applies_from"]) == (False, "2026-09-11")
    assert b"not yet law: it applies from 2026-09-11" in sentinel(*arguments).out


def test_people_read_the_zone(sentinel: Sentinel) -> None:
    ran = sentinel("--aware-at", "2026-10-23T15:00+02:00")
    assert ran.code == 0
    assert ran.out.decode() == (
        "gdpr_art33, aware 2026-10-23 15:00:00+02:00 (Europe/Paris)\n"
        "\n"
        "notification: GDPR art. 33(1)\n"
        "  due                    2026-10-26 14:00:00+01:00\n"
        "  1182/71, information   2026-10-26 15:00:00+01:00\n"
        "  3(5) touch, contested  2026-10-26 15:00:00+01:00\n"
        "  3(5) full, contested   2026-10-28 00:00:00+01:00\n"
    )


def test_people_read_what_is_assumed_and_what_waits(sentinel: Sentinel) -> None:
    out = sentinel("--aware-at", "2026-10-23T15:00+02:00", "--regime", "cra_art14").out.decode()
    assert "waits: say --done fix=INSTANT" in out
    assert "(if notification is done at its limit)" in out
    assert "last day               2026-11-26; after 3(4) 2026-11-26" in out
