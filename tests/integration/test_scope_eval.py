"""`sentinel scope eval` on an invented company: what is found, and what a wrong folder is told."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from scope_world import make_world
from typer.testing import CliRunner

from sentinel.cli.main import app
from sentinel.detect.scope.evaluate import Report, evaluate
from sentinel.detect.scope.evaluate_world import read_world
from sentinel.errors import ContentError, SentinelError, UnreadableFile

SEED = 5
BUDGET = 8  # 36 people: about what 20 a day are to a company of 120
KEYS = {
    "legit_explained",
    "legit_silent",
    "false_alerts_per_10k",
    "case_recall",
    "random_recall",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_world(tmp_path_factory.mktemp("scope") / "world", SEED)


@pytest.fixture(scope="module")
def report(folder: Path) -> Report:
    return evaluate(read_world(folder), budget=BUDGET)


def copy_of(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def test_it_finds_what_the_issue_asks_for(report: Report) -> None:
    recall = report.case_recall
    assert recall["all"] is not None
    assert recall["all"] >= 0.75
    assert recall["single_look"] is not None
    assert recall["single_look"] >= 0.60
    assert report.legit_silent is not None
    assert report.legit_silent >= 0.95
    assert report.random_recall is not None
    assert report.random_recall < 0.3


@pytest.mark.parametrize("scenario", ["scrape", "shared", "departing", "vip", "stalker"])
def test_no_kind_of_case_is_missed_altogether(report: Report, scenario: str) -> None:
    assert report.case_recall[scenario]


def test_the_figures_are_those_of_the_scored_half(report: Report) -> None:
    assert report.scored_from == "2026-07-01"
    assert report.days == 15
    assert report.reviewed == report.days * BUDGET
    assert report.cases["all"] == 17
    assert report.cases["single_look"] == report.cases["curious"] + report.cases["cover"]


def test_the_labels_choose_nothing(folder: Path, report: Report, tmp_path: Path) -> None:
    """With one label left, whatever is chosen stays the same: only the counting changes."""
    other = copy_of(folder, tmp_path)
    first = (other / "labels.csv").read_text(encoding="utf-8").splitlines()[:2]
    (other / "labels.csv").write_text("\n".join(first) + "\n", encoding="utf-8")
    alone = evaluate(read_world(other), budget=BUDGET)
    found = alone.case_recall["all"]
    assert found is not None
    hits = round(report.reviewed - report.false_alerts_per_10k * report.accesses / 10_000)
    misses = round(alone.reviewed - alone.false_alerts_per_10k * alone.accesses / 10_000)
    assert misses == found
    assert hits > misses
    assert alone.reviewed == report.reviewed


def test_the_order_of_lines_decides_nothing(folder: Path, report: Report, tmp_path: Path) -> None:
    other = copy_of(folder, tmp_path)
    lines = gzip.decompress((other / "accesses.ndjson.gz").read_bytes()).splitlines()
    (other / "accesses.ndjson.gz").unlink()
    (other / "accesses.ndjson").write_bytes(b"\n".join(reversed(lines)))
    facts = (other / "facts" / "ticket.csv").read_text(encoding="utf-8").splitlines()
    shuffled = "\n".join([facts[0], *reversed(facts[1:])])
    (other / "facts" / "ticket.csv").write_text(shuffled, encoding="utf-8")
    assert evaluate(read_world(other), budget=BUDGET) == report


def test_a_fact_recorded_after_the_review_explains_nothing(folder: Path, tmp_path: Path) -> None:
    other = copy_of(folder, tmp_path)
    for file in (other / "facts").iterdir():
        lines = file.read_text(encoding="utf-8").splitlines()
        late = [f"{line.rpartition(',')[0]},2027-01-01T00:00:00Z" for line in lines[1:]]
        file.write_text("\n".join([lines[0], *late]), encoding="utf-8")
    assert evaluate(read_world(other), budget=BUDGET).legit_explained == 0


def test_the_whole_day_under_review_finds_everything(folder: Path) -> None:
    report = evaluate(read_world(folder), budget=10_000)
    assert report.case_recall["all"] == 1
    assert report.random_recall == 1
    assert report.legit_silent == 0


def test_the_command_prints_the_keys(folder: Path) -> None:
    result = CliRunner().invoke(
        app, ["scope", "eval", str(folder), "--budget", str(BUDGET), "--json"]
    )
    assert result.exit_code == 0
    printed = json.loads(result.stdout)
    assert set(printed) >= KEYS
    assert set(printed["case_recall"]) >= {"all", "single_look", "curious", "cover", "shared"}


def cut(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def append(name: str, text: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write(text)

    return change


def unpack(extra: bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        packed = folder / "accesses.ndjson.gz"
        packed.write_bytes(gzip.compress(gzip.decompress(packed.read_bytes()) + extra))

    return change


def halve(folder: Path) -> None:
    packed = folder / "accesses.ndjson.gz"
    packed.write_bytes(packed.read_bytes()[:500])


def rewrite(name: str, text: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_text(text, encoding="utf-8")

    return change


@pytest.mark.parametrize(
    ("damage", "error", "says"),
    [
        (cut("labels.csv"), UnreadableFile, "labels.csv"),
        (cut("staff.csv"), UnreadableFile, "staff.csv"),
        (cut("customers.csv"), UnreadableFile, "customers.csv"),
        (cut("accesses.ndjson.gz"), UnreadableFile, "accesses.ndjson.gz"),
        (lambda folder: shutil.rmtree(folder / "facts"), UnreadableFile, "facts"),
        (halve, UnreadableFile, "gzip"),
        (unpack(b'{"@timestamp": 3}\n'), ContentError, "accesses.ndjson.gz:"),
        (append("labels.csv", "e999999,curious,x#1\n"), ContentError, "is not there"),
        (append("labels.csv", "e000001,curious,scrape#0\n"), ContentError, "two scenarios"),
        (append("labels.csv", "e000001,,\n"), ContentError, "needs a scenario"),
        (append("labels.csv", "e000001,curious\n"), ContentError, "2 cells where 3"),
        (rewrite("labels.csv", "event_id,scenario,case\n"), ContentError, "no label"),
        (rewrite("labels.csv", "event,scenario,case\n"), ContentError, "no column event_id"),
        (append("facts/ticket.csv", "C1,s1,t,when,,\n"), ContentError, "not an instant"),
    ],
)
def test_a_wrong_folder_is_told_so(
    folder: Path,
    tmp_path: Path,
    damage: Callable[[Path], None],
    error: type[SentinelError],
    says: str,
) -> None:
    other = copy_of(folder, tmp_path)
    damage(other)
    with pytest.raises(error) as caught:
        read_world(other)
    assert says in str(caught.value)
    assert caught.value.where


def test_labels_of_history_alone_score_nothing(folder: Path, tmp_path: Path) -> None:
    other = copy_of(folder, tmp_path)
    first = gzip.decompress((other / "accesses.ndjson.gz").read_bytes()).splitlines()[0]
    event = json.loads(first)["event"]["id"]
    text = f"event_id,scenario,case\n{event},curious,c#1\n"
    (other / "labels.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ContentError, match="no case lies in the scored days"):
        evaluate(read_world(other))


def test_a_cut_outside_the_period_is_refused(folder: Path) -> None:
    world = read_world(folder)
    for day in (min(one.instant for one in world.looks), max(one.instant for one in world.looks)):
        outside = day.date().replace(month=5 if day.month == 6 else 8)
        with pytest.raises(ContentError, match="both sides"):
            evaluate(world, scored_from=outside)
