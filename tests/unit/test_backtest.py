"""A backtest runs one rule alone, over files or over what is stored, and counts what it finds."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sentinel import config
from sentinel.app import parts
from sentinel.cli.main import app
from sentinel.clock import SystemClock
from sentinel.content import content_dir
from sentinel.detect.rules.load import load_rules
from sentinel.detect.rules.model import RuleSet
from sentinel.domain.event import Event, LogSource
from sentinel.errors import SentinelError

LOG = (
    "{ip} - - [{day}/Jan/2026:08:{minute:02d}:{second:02d} +0000] "
    '"GET /x/{n} HTTP/1.1" {status} 12 "-" "Mozilla/5.0"'
)
OWN = """\
title: Gone
id: 44444444-4444-4444-8444-444444444444
logsource: {category: webserver}
detection: {s: {http.response.status_code: 410}, condition: s}
"""


def run(*arguments: str) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error, as `sentinel.cli.main.main` does."""
    done = CliRunner().invoke(app, arguments)
    if isinstance(done.exception, SentinelError):
        return int(done.exception.exit_code), done.stdout, f"{done.stderr}{done.exception}"
    return done.exit_code, done.stdout, done.stderr


def lines(day: str, count: int, status: int, ip: str = "192.0.2.7") -> list[str]:
    return [
        LOG.format(ip=ip, day=day, minute=n // 60, second=n % 60, n=n, status=status)
        for n in range(count)
    ]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    found = [*lines("05", 60, 404), *lines("06", 45, 404), *lines("06", 300, 200, "192.0.2.8")]
    path.write_text("\n".join(found) + "\n")
    return path


@pytest.fixture(scope="module")
def pack() -> RuleSet:
    return load_rules(content_dir("rules")).require_clean()


class TestFiles:
    def test_it_counts_per_day_and_per_actor(self, log: Path) -> None:
        code, out, _ = run("backtest", "forced_browsing", str(log), "--json")
        report = json.loads(out)["report"]
        assert code == 1
        assert report["events"] == 405
        assert report["findings"] == 2
        assert report["per_day"] == {"2026-01-05": 1, "2026-01-06": 1}
        assert report["actors"] == {"192.0.2.7": 2}
        assert (report["first"][:10], report["last"][:10]) == ("2026-01-05", "2026-01-06")

    def test_other_rules_say_nothing(self, log: Path) -> None:
        code, out, _ = run("backtest", "mfa_disabled", str(log), "--json")
        assert code == 0
        assert json.loads(out)["report"]["findings"] == 0

    def test_a_rule_that_others_count_speaks_when_it_is_asked(self, log: Path) -> None:
        _, out, _ = run("backtest", "webserver_not_found", str(log), "--json")
        assert json.loads(out)["report"]["findings"] == 105

    def test_a_rule_in_the_making_needs_no_folder(self, log: Path, tmp_path: Path) -> None:
        (tmp_path / "new").mkdir()
        rule = tmp_path / "new" / "gone.yml"
        rule.write_text(OWN)
        log.write_text("\n".join(lines("05", 3, 410)) + "\n")
        code, out, _ = run("backtest", str(rule), str(log))
        assert code == 1
        assert "gone: 3 findings, 0 persons\n  2026-01-05  3\n" in out
        assert "http.response.status_code is 410" in out

    def test_lines_that_are_not_understood_are_told(self, log: Path) -> None:
        log.write_text(log.read_text() + "damage\n")
        assert "1 of 406 lines were not understood" in run("backtest", "scraping", str(log))[2]


class TestUsage:
    @pytest.mark.parametrize(
        ("arguments", "code", "says"),
        [
            (("scraping",), 2, "give log files, or --since"),
            (("scraping", "x.log", "--since", "7d"), 2, "one of the two"),
            (("scrapping", "x.log"), 2, "did you mean scraping?"),
            (("scraping", "--since", "yesterday"), 2, "is no time"),
            (("scraping", "nowhere.log"), 4, "nowhere.log"),
        ],
    )
    def test_errors_have_their_exit_code(
        self, arguments: tuple[str, ...], code: int, says: str
    ) -> None:
        found, out, err = run("backtest", *arguments)
        assert (found, out) == (code, "")
        assert says in err


class TestStored:
    @pytest.fixture
    def house(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> config.Settings:
        monkeypatch.chdir(tmp_path)
        assert CliRunner().invoke(app, ["init"]).exit_code == 0
        return config.load(None)

    def store(self, settings: config.Settings) -> None:
        store = parts.open_events(settings, parts.open_sealer(settings))
        now = SystemClock().now()
        store.append([access(now - timedelta(days=n), n) for n in range(10)], last_offset=9)
        store.close()

    def test_it_reads_the_verdict_of_the_day(self, house: config.Settings) -> None:
        """The facts of the day may be gone: the stored verdict is what counts."""
        self.store(house)
        code, out, _ = run("backtest", "staff_access_without_reason", "--since", "4d", "--json")
        report = json.loads(out)["report"]
        assert code == 1
        assert (report["events"], report["findings"], report["persons"]) == (4, 4, 4)
        assert report["actors"] == {"usr_a": 4}

    def test_an_instant_is_a_beginning_too(self, house: config.Settings) -> None:
        self.store(house)
        day = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
        code, out, _ = run("backtest", "staff_access_without_reason", "--since", day, "--json")
        assert (code, json.loads(out)["report"]["events"]) == (0, 0)

    def test_it_reads_while_a_service_writes(self, house: config.Settings) -> None:
        self.store(house)
        running = parts.open_events(house, parts.open_sealer(house))
        try:
            code, out, _ = run("backtest", "staff_access_without_reason", "--since", "4d", "--json")
        finally:
            running.close()
        assert (code, json.loads(out)["report"]["events"]) == (1, 4)

    @pytest.mark.usefixtures("house")
    def test_nothing_stored_is_a_clear_error(self) -> None:
        code, _, err = run("backtest", "scraping", "--since", "7d")
        assert code == 4
        assert "no events are stored here" in err


class TestOnly:
    def test_it_takes_what_a_chain_refers_to(self, pack: RuleSet) -> None:
        alone = pack.only("brute_force_then_success")
        assert {item.info.slug for item in alone.rules} == {"login_failed", "login_succeeded"}
        assert [item.info.slug for item in alone.correlations] == [
            "login_brute_force",
            "brute_force_then_success",
        ]
        chosen = alone.find("brute_force_then_success")
        assert chosen is not None
        assert alone.silent == {item.info.id for item in alone.items} - {chosen.info.id}

    def test_an_unknown_rule_is_an_empty_set(self, pack: RuleSet) -> None:
        assert pack.only("nobody").items == ()


def access(time: datetime, number: int) -> Event:
    return Event(
        id=f"{number:032x}",
        time=time,
        source="crm",
        ref=f"crm#{number}",
        logsource=LogSource(category="audit", product="application", service="crm"),
        fields={
            "event.action": "customer.read",
            "event.outcome": "success",
            "sentinel.actor.kind": "staff",
            "user.name": "usr_a",
            "user.roles": ["support"],
            "sentinel.subject": [f"sub_{number}"],
            "sentinel.data_category": "identity",
            "sentinel.scope.verdict": "unexplained",
        },
    )
