"""`sentinel behaviour eval` on a small site, from log files to figures."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from sentinel.cli.main import main

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
Run = Callable[..., subprocess.CompletedProcess[str]]


def line(client: str, at: datetime, target: str, status: int = 200) -> str:
    stamp = at.strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'{client} - - [{stamp}] "GET {target} HTTP/1.1" {status} 900 "-" "Browser/1.0"\n'


def day(seed: int, *, people: int = 90) -> list[tuple[datetime, str, str]]:
    """Ordinary visits as (instant, line, label)."""
    random, found = Random(seed), []
    for number in range(people):
        at = START + timedelta(days=seed, minutes=random.uniform(0, 600))
        for _ in range(random.randint(3, 15)):
            target = random.choice(["/", "/files", f"/files/{random.randint(1, 999)}?view=full"])
            found.append((at, line(f"10.0.0.{number + 1}", at, target), ""))
            at += timedelta(seconds=2 + random.expovariate(1 / 20))
    return found


def attack(seed: int) -> list[tuple[datetime, str, str]]:
    at, found = START + timedelta(days=seed, hours=3), []
    for number in range(60):
        at += timedelta(seconds=1)
        found.append((at, line("203.0.113.9", at, f"/.old/{number}.bak", 404), "scan"))
    odd = "/files/7?view=full%27%20UNION%20SELECT%201"
    found.append((at, line("203.0.113.10", at, odd), "injection"))
    return found


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set")
    for part in ("train", "test"):
        (folder / part).mkdir()
    (folder / "train" / "a.log").write_text("".join(text for _, text, _ in sorted(day(1))))
    test = sorted(day(8) + attack(8))
    (folder / "test" / "b.log").write_text("".join(text for _, text, _ in test))
    (folder / "labels.ndjson").write_text(
        "".join(
            json.dumps({"file": "b.log", "line": number, "label": kind}) + "\n"
            for number, (_, _, kind) in enumerate(test, 1)
        )
    )
    return folder


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Return what runs the command here: starting a process costs more than the command."""

    def here(*arguments: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["sentinel", "behaviour", "eval", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return subprocess.CompletedProcess(arguments, ended.value.code, said.out, said.err)

    return here


def test_the_report_counts_by_line_by_session_and_by_kind(dataset: Path, run: Run) -> None:
    answer = run(str(dataset), "--json", "--compare")
    assert answer.returncode == 0, answer.stderr
    report = json.loads(answer.stdout)
    assert report["roc_auc"] == report["lines"]["roc_auc"] > 0.99
    assert report["sessions"]["positives"] == 2
    assert report["recall"] == report["precision"] == 1.0
    assert report["by_label"]["scan"]["found_lines"] == 60
    assert report["by_label"]["injection"]["found_lines"] == 1
    assert set(report["detectors"]) >= {"mixture", "KNN", "IForest", "markov"}


def test_a_person_reads_the_same(dataset: Path, run: Run) -> None:
    text = run(str(dataset)).stdout
    assert "scan: 60 of 60 lines" in text
    assert "at 20 findings a day: 2 findings (0 more were cut), 0 of them without a label" in text


def test_the_budget_is_a_bound_and_says_what_was_cut(dataset: Path, run: Run) -> None:
    at = json.loads(run(str(dataset), "--json", "--budget", "1").stdout)["at_budget"]
    assert (at["findings"], at["cut"]) == (1, 1)


def test_the_same_seed_gives_the_same_report(dataset: Path, run: Run) -> None:
    assert run(str(dataset), "--json").stdout == run(str(dataset), "--json").stdout


def test_one_client_for_all_is_cut_shorter(dataset: Path, tmp_path: Path, run: Run) -> None:
    """A log behind one proxy has one client: its lines are judged all the same."""
    for part in ("train", "test"):
        (tmp_path / part).mkdir()
        for path in (dataset / part).iterdir():
            rows = [f"10.9.9.9 {row.split(' ', 1)[1]}" for row in path.read_text().splitlines()]
            (tmp_path / part / path.name).write_text("\n".join(rows) + "\n")
    (tmp_path / "labels.ndjson").write_bytes((dataset / "labels.ndjson").read_bytes())
    report = json.loads(run(str(tmp_path), "--json").stdout)
    assert report["roc_auc"] > 0.95
    assert report["window_minutes"] < 24 * 60 or report["most_lines"] < 1000


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{", "labels.ndjson:2"),
        ('{"file": "b.log"}', "a label names its file and its line"),
        ('{"file": "c.log", "line": 1, "label": "x"}', "there is no 'c.log'"),
        ('{"file": "b.log", "line": 0, "label": "x"}', "counted from 1"),
    ],
)
def test_a_wrong_label_is_one_clear_line(
    dataset: Path, tmp_path: Path, row: str, said: str, run: Run
) -> None:
    for part in ("train", "test"):
        (tmp_path / part).symlink_to(dataset / part)
    (tmp_path / "labels.ndjson").write_text('{"file": "b.log", "line": 1}\n' + row + "\n")
    answer = run(str(tmp_path))
    assert answer.returncode == 3
    assert said in answer.stderr
    assert "labels.ndjson:2" in answer.stderr
    assert len(answer.stderr.strip().splitlines()) <= 2


def test_a_missing_part_is_named(tmp_path: Path, run: Run) -> None:
    answer = run(str(tmp_path))
    assert answer.returncode == 4
    assert "train" in answer.stderr
