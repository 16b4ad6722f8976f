"""The day that the demo tells: the same for the same seed, in formats that real parsers read."""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from sentinel.demo.day import FACT_HEADER
from sentinel.demo.story import Source, Story, tell, tell_normal

END = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
SOURCES: tuple[Source, ...] = ("backoffice", "crm", "www")
COMBINED = re.compile(
    r"(?P<ip>\S+) - (?P<user>\S+) \[(?P<time>[^\]]+)\] "
    r'"(?P<request>[^"]*)" (?P<status>\d{3}) (?P<size>\d+) "(?P<referrer>[^"]*)" "(?P<agent>[^"]*)"'
)
TEST_NETS = re.compile(r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d{1,3}")


@pytest.fixture(scope="module")
def story() -> Story:
    return tell(7, END)


def web_time(line: str) -> datetime:
    found = COMBINED.fullmatch(line)
    assert found, line
    return datetime.strptime(found["time"], "%d/%b/%Y:%H:%M:%S %z")


def test_the_same_seed_and_end_tell_the_same_day(story: Story) -> None:
    assert tell(7, END) == story


def test_another_seed_tells_another_day(story: Story) -> None:
    other = tell(8, END)
    for source in SOURCES:
        assert set(other.lines(source)) - set(story.lines(source))


def test_global_dice_are_left_alone(story: Story) -> None:
    import random

    random.seed(1)
    before = random.getstate()
    assert tell(7, END) == story
    assert random.getstate() == before


@pytest.mark.parametrize("seed", range(5))
def test_the_day_has_the_size_of_a_small_company(seed: int) -> None:
    told = tell(seed, END)
    assert 12_000 <= len(told.lines("www")) <= 25_000
    assert 1_500 <= len(told.lines("crm")) <= 3_000
    assert 300 <= len(told.lines("backoffice")) <= 900


def test_every_web_line_is_nginx_combined_in_time_order(story: Story) -> None:
    lines = story.lines("www")
    times = [web_time(line) for line in lines]
    assert times == sorted(times)
    matches = [COMBINED.fullmatch(line) for line in lines]
    statuses = {found["status"] for found in matches if found}
    assert {"200", "301", "302", "303", "304", "400", "401", "403", "404", "500"} <= statuses
    assert {found["request"].split()[0] for found in matches if found} >= {"GET", "POST"}
    users = {found["user"] for found in matches if found}
    assert "-" in users
    assert all(re.fullmatch(r"-|C\d{5}", user) for user in users)


def test_every_audit_line_is_a_json_object_with_an_own_id(story: Story) -> None:
    rows = [json.loads(line) for line in story.lines("crm")]
    times = [datetime.fromisoformat(row["time"]) for row in rows]
    assert times == sorted(times)
    assert len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        needed = {"id", "time", "actor", "action", "outcome", "ip", "environment"}
        allowed = {"customers", "category", "records", "mfa", "path", "session", "agent"}
        assert needed <= set(row) <= needed | allowed
        assert {"id", "kind", "roles"} <= set(row["actor"]) <= {"id", "kind", "roles", "team"}


def test_every_fact_is_a_row_under_the_header_with_an_own_id(story: Story) -> None:
    rows = list(csv.DictReader(story.lines("backoffice")))
    assert {row["kind"] for row in rows} == {
        "ticket", "incident", "invoice", "oncall", "employment", "batch", "assignment",
    }  # fmt: skip
    assert len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        assert set(row) == set(FACT_HEADER.split(","))
        since = datetime.fromisoformat(row["valid_from"])
        assert datetime.fromisoformat(row["recorded_at"]) < END
        assert not row["valid_to"] or since < datetime.fromisoformat(row["valid_to"])


def test_addresses_are_test_nets_only(story: Story) -> None:
    for line in story.lines("www"):
        assert TEST_NETS.fullmatch(line.split(" ", 1)[0])
    for line in story.lines("crm"):
        assert TEST_NETS.fullmatch(json.loads(line)["ip"])


def test_no_line_is_longer_than_64_kb(story: Story) -> None:
    assert max(len(line.encode()) for line in story.lines("crm")) < 64 * 1024


@pytest.mark.parametrize(
    "end",
    [
        END,
        datetime(2026, 10, 25, 3, 30, tzinfo=timezone(timedelta(hours=1))),
        datetime(2026, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC),
    ],
)
def test_the_day_ends_at_its_end(end: datetime) -> None:
    told = tell(3, end)
    assert told.end == end
    assert told.end.utcoffset() == timedelta(0)
    last = web_time(told.lines("www")[-1])
    assert end - timedelta(minutes=3) < last <= end
    assert web_time(told.lines("www")[0]) >= told.start.replace(microsecond=0)
    assert json.loads(told.lines("crm")[-1])["time"] < end.astimezone(UTC).isoformat()


def test_nothing_depends_on_the_hour_of_the_wall_clock() -> None:
    shift = timedelta(hours=9)
    noon, night = tell(5, END), tell(5, END + shift)
    for key, truth in noon.truth.items():
        moved = night.truth[key]
        assert (moved.ordinals, moved.ids) == (truth.ordinals, truth.ids)
        assert moved.first - truth.first == shift


def test_an_end_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        tell(1, datetime(2026, 3, 4, 15, 0))  # noqa: DTZ001 - what must be refused


def test_batches_come_as_senders_post_them(story: Story) -> None:
    assert [batch.until for batch in story.batches] == sorted(b.until for b in story.batches)
    assert story.batches[-1].until == END
    types = {batch.source: batch.content_type for batch in story.batches}
    assert types == {"backoffice": "text/csv", "crm": "application/x-ndjson", "www": "text/plain"}
    for batch in story.batches:
        assert batch.lines
        assert (batch.lines[0] == FACT_HEADER) == (batch.source == "backoffice")


def test_no_line_is_posted_later_than_the_allowed_lateness(story: Story) -> None:
    """Else a fast source would carry the watermark past what a slow one has not yet sent."""
    for batch in story.batches:
        for line in batch.lines:
            if batch.source == "backoffice":
                continue
            told = json.loads(line)["time"] if batch.source == "crm" else ""
            at = datetime.fromisoformat(told) if told else web_time(line)
            assert at < batch.until <= at + timedelta(minutes=8, seconds=1)


def test_a_fact_is_posted_before_the_accesses_that_follow_it(story: Story) -> None:
    posted: dict[str, int] = {}
    for number, batch in enumerate(story.batches):
        if batch.source == "backoffice":
            for row in csv.DictReader(batch.lines):
                assert datetime.fromisoformat(row["recorded_at"]) < batch.until
                posted[row["id"]] = number
        elif batch.source == "crm":
            first = datetime.fromisoformat(json.loads(batch.lines[0])["time"])
            unposted = [
                row["id"]
                for later in story.batches[number:]
                if later.source == "backoffice"
                for row in csv.DictReader(later.lines)
                if datetime.fromisoformat(row["recorded_at"]) <= first
            ]
            assert unposted == []
    assert len(posted) == len(story.lines("backoffice")) - 1


def test_files_for_an_offline_scan(story: Story, tmp_path: Path) -> None:
    paths = story.write_files(tmp_path)
    assert paths["www"].name == "access.log"
    assert paths["crm"].name == "audit.ndjson"
    assert paths["backoffice"] == tmp_path / "facts" / "facts.csv"
    for source, path in paths.items():
        assert path.read_text(encoding="utf-8").splitlines() == story.lines(source)
    facts = paths["backoffice"].read_text(encoding="utf-8")
    assert facts.count(FACT_HEADER) == 1


def test_the_directory_names_every_customer_of_the_day(story: Story) -> None:
    rows = {row["id"]: row for row in csv.DictReader(story.directory.splitlines())}
    assert all(row["email"].endswith("@example.org") for row in rows.values())
    assert {row["language"] for row in rows.values()} == {"fr", "en"}
    seen = {user for line in story.lines("www") if (user := line.split(" ")[2]) != "-"}
    for line in story.lines("crm"):
        seen.update(json.loads(line).get("customers", ()))
    assert seen <= set(rows)
    assert len({row["email"] for row in rows.values()}) == len(rows)


def test_a_normal_day_holds_none_of_the_five_stories() -> None:
    normal = tell_normal(7, END)
    told = tell(7, END)
    assert {key for key, truth in normal.truth.items() if truth.rule} == set()
    assert set(normal.truth) == {key for key, truth in told.truth.items() if not truth.rule}
    assert "customer.export" not in "".join(normal.lines("crm"))
    assert '"mfa":false' not in "".join(normal.lines("crm"))
    assert "203.0.113.66 " not in "".join(normal.lines("www"))
    ordinary = set(told.lines("www")) - set(normal.lines("www"))
    assert len(ordinary) == 300 + 230
