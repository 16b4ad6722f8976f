"""`sentinel behaviour` from the shell: train, score, drift, versions, rollback, staff, note."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from sentinel import config
from sentinel.app import parts
from sentinel.app.watching import make_staff_watch, make_watches, staff_path
from sentinel.cli.main import main
from sentinel.clock import SystemClock
from sentinel.detect.behaviour.watches import WithStaff
from sentinel.domain.event import Event, LogSource

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
Run = Callable[..., subprocess.CompletedProcess[str]]
SETTINGS = """
data_dir = "var"
[keys]
master = "{key}"
[scope.staff]
informed_on = 2026-01-02
informed_how = "note remise en main propre"
dpia_on = 2026-01-03
seen_by = ["équipe de sécurité"]
"""


def line(client: str, at: datetime, target: str, status: int = 200) -> str:
    stamp = at.strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'{client} - - [{stamp}] "GET {target} HTTP/1.1" {status} 900 "-" "Browser/1.0"\n'


def site(seed: int, *, root: str = "/files", people: int = 90) -> list[tuple[datetime, str]]:
    random, found = Random(seed), []
    for number in range(people):
        at = START + timedelta(days=seed, minutes=random.uniform(0, 600))
        for _ in range(random.randint(3, 15)):
            target = random.choice(["/", root, f"{root}/{random.randint(1, 999)}?view=full"])
            found.append((at, line(f"10.0.0.{number + 1}", at, target)))
            at += timedelta(seconds=2 + random.expovariate(1 / 20))
    return found


def attack(seed: int) -> list[tuple[datetime, str]]:
    start = START + timedelta(days=seed, hours=3)
    moments = [start + timedelta(seconds=n) for n in range(60)]
    return [(at, line("203.0.113.9", at, f"/.old/{at:%S}.bak", 404)) for at in moments]


def written(path: Path, lines: list[tuple[datetime, str]]) -> str:
    path.write_text("".join(text for _, text in sorted(lines)))
    return str(path)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Return what runs `sentinel behaviour …` in a set-up of its own."""
    (tmp_path / "sentinel.toml").write_text(SETTINGS.format(key="0" * 64))
    monkeypatch.chdir(tmp_path)

    def here(*arguments: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["sentinel", "behaviour", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return subprocess.CompletedProcess(arguments, ended.value.code, said.out, said.err)

    return here


def test_train_score_drift_and_back(run: Run, tmp_path: Path) -> None:
    ordinary = written(tmp_path / "a.log", site(1))
    assert run("train", ordinary).returncode == 0
    quiet = run("score", written(tmp_path / "q.log", site(3)), "--json")
    assert quiet.returncode == 0, quiet.stdout + quiet.stderr
    assert json.loads(quiet.stdout)["summary"]["scored"] == 90
    loud = run("score", written(tmp_path / "b.log", site(4) + attack(4)), "--json")
    assert loud.returncode == 1
    finding, summary = map(json.loads, loud.stdout.splitlines())
    assert finding["event_count"] == 60
    assert summary["summary"]["findings"] == 1
    assert summary["summary"]["cut_findings"] == {}

    assert run("drift", written(tmp_path / "d.log", site(5))).returncode == 0
    moved = run("drift", written(tmp_path / "m.log", site(5, root="/shop/new/items")), "--json")
    assert moved.returncode == 1
    assert json.loads(moved.stdout)["retrain"] is True

    first = json.loads(run("versions", "--json").stdout)
    assert [one["current"] for one in first] == [True]
    assert run("train", str(tmp_path / "m.log")).returncode == 0
    assert run("drift", str(tmp_path / "m.log")).returncode == 0
    back = json.loads(run("rollback", "--json").stdout)
    assert back["name"] == first[0]["name"]
    assert run("drift", str(tmp_path / "m.log")).returncode == 1
    assert run("rollback", "nowhere").returncode == 3


def test_the_note_says_what_runs_in_both_languages(run: Run, tmp_path: Path) -> None:
    french = run("note", "--lang", "fr").stdout
    assert "mise en balance" in french
    assert "aucun modèle n’a été appris" in french
    assert "[nom du responsable du traitement]" in french
    assert "Le personnel a été informé le 2\u00a0janvier\u00a02026." in french
    assert "équipe de sécurité" in french
    assert run("train", written(tmp_path / "a.log", site(1))).returncode == 0
    english = run("note", "--lang", "en").stdout
    assert "from 6\u00a0January\u00a02026 to 6\u00a0January\u00a02026, 90 sessions" in english
    assert "pages per minute" in english
    for text in (french, english):
        assert "{{" not in text
        assert "None" not in text
    settings = (tmp_path / "sentinel.toml").read_text()
    (tmp_path / "sentinel.toml").write_text(settings + "[behaviour]\nstaff = false\n")
    assert "désactivée par le réglage" in run("note", "--lang", "fr").stdout


def stored_work() -> list[Event]:
    """Twenty days of two roles, one of them of four accounts, up to now."""
    now, random = SystemClock().now(), Random(1)
    found: list[Event] = []
    for day in range(20):
        for number in range(12):
            role = "support" if number < 8 else "sre"
            for _ in range(random.randint(5, 20)):
                at = now - timedelta(days=day, minutes=random.uniform(0, 540))
                customer = f"sub_{random.randint(1, 300)}"
                found.append(
                    Event(
                        id=f"{day}-{number}-{len(found)}",
                        time=at,
                        source="crm",
                        ref="",
                        logsource=LogSource(category="audit"),
                        fields={
                            "sentinel.actor.kind": "staff",
                            "user.name": f"usr_{number}",
                            "user.roles": [role],
                            "event.action": "customer.read",
                            "sentinel.subject": [customer],
                        },
                    )
                )
    return sorted(found, key=lambda event: event.time)


def test_staff_are_learnt_from_the_store_and_watched(run: Run, tmp_path: Path) -> None:
    settings = config.load(None)
    sealer = parts.open_sealer(settings)
    events = parts.open_events(settings, sealer)
    events.append(stored_work(), last_offset=10_000)
    events.close()
    assert make_watches(settings, sealer) is None
    learnt = run("train-staff", "--days", "30", "--json")
    assert learnt.returncode == 0, learnt.stderr
    manifest = json.loads(learnt.stdout)
    assert manifest["roles"] == {"support": 8}
    assert manifest["left_out"] == 1
    assert isinstance(make_watches(settings, sealer), WithStaff)
    assert json.loads(run("versions", "--of", "staff", "--json").stdout)[0]["current"]
    note = run("note", "--lang", "fr").stdout
    assert "Rôles sans aucun modèle" in note
    assert "support" in note


def test_without_the_information_of_staff_nothing_is_learnt_or_watched(
    run: Run, tmp_path: Path
) -> None:
    settings = config.load(None)
    sealer = parts.open_sealer(settings)
    events = parts.open_events(settings, sealer)
    events.append(stored_work(), last_offset=10_000)
    events.close()
    assert run("train-staff").returncode == 0
    bare = SETTINGS.format(key="0" * 64).split("[scope.staff]")[0]
    (tmp_path / "sentinel.toml").write_text(bare)
    refused = run("train-staff")
    assert refused.returncode != 0
    assert "staff monitoring is not live" in refused.stderr
    settings = config.load(None)
    assert (staff_path(settings) / "manifest.json").exists()
    assert make_staff_watch(settings, sealer) is None
