"""``sentinel hunt`` on the embedded store, while a service writes there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sentinel import config
from sentinel.app import parts
from sentinel.cli.main import app
from sentinel.domain.event import Event, LogSource
from sentinel.store.events_embedded import EmbeddedEventStore

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
WEB = LogSource(category="webserver", product="nginx", service="access")


def request(number: int) -> Event:
    query = "id=1 UNION SELECT password FROM users" if number % 10 == 0 else f"page={number}"
    return Event(
        id=f"{number:032x}",
        time=NOON + timedelta(hours=number),
        source="www",
        ref=f"www#{number}",
        logsource=WEB,
        fields={
            "source.ip": f"ip_{number % 3}",
            "url.path": "/shop" if number % 2 else "/health",
            "url.query": query,
            "url.original": f"/shop?{query}",
            "http.response.status_code": 200 + 100 * (number % 4),
        },
    )


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A house whose service holds the store: half of the events compacted, half in the tail."""
    folder = tmp_path_factory.mktemp("house")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert CliRunner().invoke(app, ["init"]).exit_code == 0
        settings = config.load(None)
        store = parts.open_events(settings, parts.open_sealer(settings))
    assert isinstance(store, EmbeddedEventStore)
    store.append([request(number) for number in range(20)], last_offset=19)
    store.compact()
    store.append([request(number) for number in range(20, 40)], last_offset=39)
    yield folder
    store.close()


@pytest.fixture(autouse=True)
def inside(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(house)


def hunt(*arguments: str) -> list[dict[str, object]]:
    result = CliRunner().invoke(app, ["hunt", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


def numbers(*arguments: str) -> list[int]:
    return [int(str(found["id"]), 16) for found in hunt(*arguments)]


def test_a_query_over_tail_and_column_files() -> None:
    query = "source.ip:ip_1 and not url.path:/hea* and http.response.status_code >= 500"
    assert numbers(query) == [31, 19, 7]
    assert numbers("url.path:/shop", "--limit", "3", "--oldest-first") == [1, 3, 5]
    assert numbers("--since", "2026-01-04", "--until", "2026-01-04T02:00") == [37, 36]
    assert len(numbers("--limit", "1000")) == 40


def test_groups_and_counts() -> None:
    assert hunt("url.path:/health", "--count") == [{"key": {}, "count": 20}]
    assert hunt("url.path:/nowhere", "--count") == [{"key": {}, "count": 0}]
    assert hunt("--by", "source.ip", "--top", "1") == [{"key": {"source.ip": "ip_0"}, "count": 14}]
    assert [one["count"] for one in hunt("--by", "@day", "--distinct", "source.ip")] == [3, 3, 3]
    assert [one["count"] for one in hunt("--by", "source.ip", "--rare")] == [13, 13, 14]


def test_a_sigma_rule_judges_what_its_question_finds() -> None:
    assert numbers("--sigma", "injection_probe") == [30, 20, 10, 0]
    assert numbers("url.path:/health", "--sigma", "injection_probe", "--limit", "2") == [30, 20]
    assert hunt("--sigma", "injection_probe", "--by", "source.ip", "--top", "1") == [
        {"key": {"source.ip": "ip_0"}, "count": 2}
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["a b:c"], 2, "query, column 3"),
        (["--since", "soon"], 2, "is no time"),
        (["--by", "@week"], 2, "@week is no span of time"),
        (["--distinct", "source.ip"], 2, "go with --by"),
        (["--sigma", "forced_browsing"], 2, "has no selection"),
        (["--sigma", "no_such_rule"], 2, "there is no rule"),
        (["--by", "a,b,c,d,e"], 2, "4 fields at most"),
    ],
)
def test_a_mistake_is_one_clear_line(arguments: list[str], code: int, told: str) -> None:
    result = CliRunner().invoke(app, ["hunt", *arguments])
    error = result.exception
    assert getattr(error, "exit_code", result.exit_code) == code
    assert told in str(error)


def test_nothing_stored_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTINEL_DATA_DIR", str(tmp_path / "elsewhere"))
    error = CliRunner().invoke(app, ["hunt", "--count"]).exception
    assert "no events are stored here" in str(error)
