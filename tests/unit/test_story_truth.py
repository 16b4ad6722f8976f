"""What the truth says of each story and look-alike is what the lines say, on every seed."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from sentinel.demo.story import Story, StoryTruth, tell

END = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
RULES = {
    "no_ticket_read": "staff_access_without_reason",
    "admin_without_mfa": "admin_session_without_mfa",
    "leaver_export": "leaver_bulk_export",
    "site_scanner": "forced_browsing",
    "odd_navigation": "unusual_navigation",
}
LOOK_ALIKES = {
    "oncall_night", "billing_batch", "busy_support_morning", "power_user", "monitoring_probe",
    "search_bot", "mistyped_password",
}  # fmt: skip
OF_THE_OFFICE = ["no_ticket_read", "admin_without_mfa", "leaver_export", "oncall_night",
                 "billing_batch", "busy_support_morning"]  # fmt: skip


@pytest.fixture(scope="module")
def story() -> Story:
    return tell(11, END)


def audit(story: Story, key: str) -> list[dict[str, Any]]:
    lines = story.lines("crm")
    return [json.loads(lines[number - 1]) for number in story.truth[key].ordinals]


def hits(story: Story, key: str) -> list[str]:
    lines = story.lines("www")
    return [lines[number - 1] for number in story.truth[key].ordinals]


def facts(story: Story) -> list[dict[str, str]]:
    return list(csv.DictReader(story.lines("backoffice")))


def holding(story: Story, kind: str, instant: str) -> list[dict[str, str]]:
    return [
        row
        for row in facts(story)
        if row["kind"] == kind
        and row["recorded_at"] <= instant
        and row["valid_from"] <= instant
        and (not row["valid_to"] or instant < row["valid_to"])
    ]


def substance(truth: StoryTruth) -> tuple[object, ...]:
    return (truth.rule, truth.source, truth.actor, truth.subjects, truth.ids, len(truth.ordinals))


def test_each_story_names_the_rule_that_must_find_it(story: Story) -> None:
    assert {key: truth.rule for key, truth in story.truth.items() if truth.rule} == RULES
    assert {key for key, truth in story.truth.items() if not truth.rule} == LOOK_ALIKES


def acts(story: Story, key: str) -> list[tuple[object, ...]]:
    return [
        (row["actor"]["id"], row["action"], row.get("category"), row.get("customers"))
        for row in audit(story, key)
    ]


def requests(story: Story, key: str) -> list[str]:
    return [hit.split('"')[1] for hit in hits(story, key)]


@pytest.mark.parametrize("seed", range(20))
def test_the_substance_is_the_same_on_twenty_seeds(story: Story, seed: int) -> None:
    other = tell(seed, END + timedelta(days=seed, minutes=7 * seed))
    for key in RULES:
        assert substance(other.truth[key]) == substance(story.truth[key])
    for key in ("no_ticket_read", "admin_without_mfa", "leaver_export"):
        assert acts(other, key) == acts(story, key)
    for key in ("site_scanner", "odd_navigation"):
        assert requests(other, key) == requests(story, key)


@pytest.mark.parametrize("key", OF_THE_OFFICE)
def test_truths_of_the_office_point_at_their_lines(story: Story, key: str) -> None:
    truth, rows = story.truth[key], audit(story, key)
    assert tuple(row["id"] for row in rows) == truth.ids
    assert {row["actor"]["id"] for row in rows} == {truth.actor}
    touched = {customer for row in rows for customer in row.get("customers", ())}
    assert touched == set(truth.subjects)
    assert len(truth.subjects) == len(touched)


@pytest.mark.parametrize(
    ("key", "field"),
    [("site_scanner", 0), ("odd_navigation", 2), ("monitoring_probe", 0), ("search_bot", 0)],
)
def test_truths_of_the_site_point_at_all_lines_of_their_actor(
    story: Story, key: str, field: int
) -> None:
    truth = story.truth[key]
    of_actor = [
        number
        for number, line in enumerate(story.lines("www"), start=1)
        if line.split(" ")[field] == truth.actor
    ]
    assert tuple(of_actor) == truth.ordinals
    assert truth.ids == ()


def test_no_ticket_read_has_no_fact_and_stands_among_reads_that_have_one(story: Story) -> None:
    truth, rows = story.truth["no_ticket_read"], audit(story, "no_ticket_read")
    assert len(truth.subjects) == 12
    assert timedelta(minutes=40) < truth.last - truth.first < timedelta(hours=1)
    assert not {row["customer"] for row in facts(story)} & set(truth.subjects)
    assert {row["category"] for row in rows} <= {
        "identity", "contact", "connection_data", "correspondence",
    }  # fmt: skip
    between = [
        row
        for row in map(json.loads, story.lines("crm"))
        if row["actor"]["id"] == truth.actor
        and rows[0]["time"] < row["time"] < rows[-1]["time"]
        and row["id"] not in truth.ids
    ]
    assert len(between) >= 15
    for row in between:
        tickets = holding(story, "ticket", row["time"])
        assert any(
            ticket["customer"] == row["customers"][0] and ticket["team"] == "support-1"
            for ticket in tickets
        )


def test_the_administrator_gets_in_without_a_second_factor(story: Story) -> None:
    (row,) = audit(story, "admin_without_mfa")
    assert row["actor"]["roles"] == ["admin"]
    assert (row["action"], row["mfa"], row["outcome"]) == ("session.login", False, "success")
    others = [
        json.loads(line)
        for line in story.lines("crm")
        if '"session.login"' in line and row["id"] not in line
    ]
    assert all(other.get("mfa", True) for other in others)


def test_the_leaver_exports_twelve_hundred_customers_before_leaving(story: Story) -> None:
    (row,) = audit(story, "leaver_export")
    assert (row["action"], row["records"], len(row["customers"])) == ("customer.export", 1200, 1200)
    ending = [fact for fact in holding(story, "employment", row["time"]) if fact["valid_to"]]
    assert [fact["staff"] for fact in ending] == [row["actor"]["id"]]
    left = datetime.fromisoformat(ending[0]["valid_to"])
    assert timedelta(0) < left - END < timedelta(days=30)


def test_the_scanner_asks_for_what_does_not_exist(story: Story) -> None:
    truth, lines = story.truth["site_scanner"], hits(story, "site_scanner")
    assert len(lines) == 300
    assert len({line.split('"')[1] for line in lines}) == 300
    assert {line.split('"')[2].split()[0] for line in lines} == {"403", "404"}
    assert truth.last - truth.first < timedelta(minutes=5)


def test_nobody_else_comes_near_the_threshold_of_forced_browsing(story: Story) -> None:
    refused: dict[str, int] = {}
    for line in story.lines("www"):
        if line.split('"')[2].split()[0] in ("403", "404"):
            address = line.split(" ", 1)[0]
            refused[address] = refused.get(address, 0) + 1
    del refused[story.truth["site_scanner"].actor]
    assert max(refused.values()) < 20


def test_the_odd_navigation_descends_like_a_metronome_without_a_list(story: Story) -> None:
    truth, lines = story.truth["odd_navigation"], hits(story, "odd_navigation")
    targets = [line.split('"')[1].split()[1] for line in lines]
    numbers = [int(target.removeprefix("/documents/")) for target in targets]
    assert numbers == list(range(numbers[0], numbers[0] - 230, -1))
    assert {line.split('"')[2].split()[0] for line in lines} == {"200"}
    stamps = [datetime.strptime(line.split("[")[1][:20], "%d/%b/%Y:%H:%M:%S") for line in lines]  # noqa: DTZ007
    gaps = {(b - a).seconds for a, b in pairwise(stamps)}
    assert gaps <= {6, 7}
    # the session is over, idle time and lateness included, before the story ends
    assert END - truth.last > timedelta(minutes=60)


def test_the_night_on_call_has_its_duty_and_its_incidents(story: Story) -> None:
    truth = story.truth["oncall_night"]
    assert len(truth.subjects) == 25
    assert truth.last < story.start + timedelta(hours=4)
    for row in audit(story, "oncall_night"):
        duties = [duty["staff"] for duty in holding(story, "oncall", row["time"])]
        assert row["actor"]["id"] in duties
        if "customers" in row:
            assert row["customers"][0] in {
                incident["customer"]
                for incident in holding(story, "incident", row["time"])
                if incident["team"] == row["actor"]["team"]
            }


def test_the_batch_stays_inside_its_declared_window(story: Story) -> None:
    rows = audit(story, "billing_batch")
    assert sum(row["action"] == "invoice.read" for row in rows) == 800
    for row in (rows[0], rows[-1]):
        assert row["actor"]["kind"] == "service"
        assert "svc-billing" in {window["staff"] for window in holding(story, "batch", row["time"])}


def test_every_read_of_the_busy_morning_has_an_open_ticket(story: Story) -> None:
    truth = story.truth["busy_support_morning"]
    assert len(truth.subjects) == 60
    assert truth.last - truth.first < timedelta(hours=2, minutes=10)
    for row in audit(story, "busy_support_morning"):
        assert any(
            ticket["customer"] == row["customers"][0]
            and (ticket["staff"] == truth.actor or ticket["team"] == row["actor"]["team"])
            for ticket in holding(story, "ticket", row["time"])
        )


def test_the_power_user_reads_forty_documents_by_way_of_the_lists(story: Story) -> None:
    targets = [line.split('"')[1].split()[1] for line in hits(story, "power_user")]
    assert sum(target.startswith("/documents/") for target in targets) >= 40
    assert (
        sum(target.startswith("/documents?") or target == "/documents" for target in targets) >= 40
    )


def test_the_forgetful_customer_mistypes_three_times_then_gets_in(story: Story) -> None:
    posts = [line for line in hits(story, "mistyped_password") if '"POST /login ' in line]
    assert [line.split('"')[2].split()[0] for line in posts] == ["401", "401", "401", "302"]
