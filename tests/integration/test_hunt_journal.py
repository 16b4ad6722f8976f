"""Who asks the stored events stands in the journal before anything is shown (promise R-32)."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sentinel.app import hunt_journal, parts
from sentinel.app.hunt_journal import Line, digest_of, named_in
from sentinel.app.key_uses import KeyUses
from sentinel.app.service import Sentinel
from sentinel.cli.main import app
from sentinel.clock import SystemClock
from sentinel.config import Settings
from sentinel.detect.hunt.query import condition_of
from sentinel.domain.journal import JournalLine
from sentinel.store.keys.uses import left

WHO = "zoe.lambert"
NETWORK = "203.0.113.77"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SENTINEL_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SENTINEL_KEYS__MASTER", "11" * 32)
    monkeypatch.setenv("USER", "marie")
    monkeypatch.setenv("LOGNAME", "marie")
    monkeypatch.delenv("SUDO_USER", raising=False)
    return Settings.model_validate(
        {
            "data_dir": tmp_path / "data",
            "log_level": "error",
            "keys": {"master": "11" * 32},
            "behaviour": {"enabled": False},
            "sources": [{"name": "crm", "format": "json", "profile": "crm-audit", "token": "t"}],
        }
    )


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Sentinel]:
    """A running service that stored one access of a member of staff."""
    service = await Sentinel.open(settings, SystemClock())
    await service.start()
    service._scheduler.pause()
    line = {"id": "1", "time": datetime.now(UTC).isoformat(), "ip": NETWORK,
            "actor": {"id": WHO, "kind": "staff"}, "action": "customer.read",
            "customers": ["C00001"]}  # fmt: skip
    batch = service._intakes["crm"].batch([json.dumps(line).encode()], "b")
    await service._spool.append(batch.events)
    await service.settle()
    yield service
    await service.stop()


async def asked(service: Sentinel) -> list[Line]:
    return await service.in_store(lambda tx: hunt_journal.since(tx, None))


async def lines(service: Sentinel) -> list[JournalLine]:
    return await service.in_store(lambda tx: tx.journal.lines())


async def test_each_hunt_is_a_line_beside_the_running_service(
    settings: Settings, service: Sentinel
) -> None:
    query = f"user.name:@staff({WHO}) and url.query ~ '{NETWORK}' or source.ip:@ip({NETWORK})"
    result = CliRunner().invoke(app, ["hunt", query, "--since", "7d"])
    assert result.exit_code == 0, result.output
    keys = parts.open_persons(settings, service.sealer)
    keys.at(datetime.now(UTC))
    person = keys.pseudonym("usr", WHO)
    keys.close()
    assert person in result.stdout
    (line,) = await asked(service)
    assert line.by == "command-line:marie"
    assert line.asked.shows == "events"
    assert person in line.asked.named
    assert any(one.startswith("ip_") for one in line.asked.named)
    assert line.asked.query == digest_of(settings, f"  {query} ")
    assert line.asked.since is not None
    assert line.asked.until is None
    now = datetime.now(UTC)
    await service.in_store(
        lambda tx: tx.journal.append(
            occurred_at=now, actor="a", action="x", object_id="o", payload={}
        )
    )
    assert CliRunner().invoke(app, ["journal", "verify"]).exit_code == 0, "one chain, two writers"


async def test_the_line_holds_no_word_of_the_query(settings: Settings, service: Sentinel) -> None:
    for query in (f"user.name:@staff({WHO})", f"url.query ~ {NETWORK}", f"user.name:{WHO}"):
        assert CliRunner().invoke(app, ["hunt", query]).exit_code == 0

    def payloads(tx: parts.CaseTx) -> list[object]:
        return [tx.journal.opened(line) for line in tx.journal.lines(object_id="events")]

    told = json.dumps(await service.in_store(payloads))
    assert told.count('"query"') == 3
    assert WHO not in told
    assert NETWORK not in told


async def test_what_is_counted_and_backtested_is_a_line_too(service: Sentinel) -> None:
    runner = CliRunner()
    rule = "admin_session_without_mfa"
    assert runner.invoke(app, ["hunt", "--sigma", rule, "--count"]).exit_code == 0
    tested = await asyncio.to_thread(runner.invoke, app, ["backtest", rule, "--since", "7d"])
    assert tested.exit_code == 0, tested.output
    first, second = await asked(service)
    assert (first.asked.shows, first.asked.rule) == ("groups", rule)
    assert (second.asked.shows, second.asked.rule, second.asked.query) == ("findings", rule, "")
    shown = runner.invoke(app, ["keys", "uses", "--asked", "--json"])
    told = [json.loads(one) for one in shown.stdout.splitlines()]
    assert [one["asked"]["shows"] for one in told] == ["groups", "findings"]
    plain = runner.invoke(app, ["keys", "uses", "--asked"]).stdout
    assert f"shows=findings rule={rule}" in plain
    assert runner.invoke(app, ["keys", "uses", "--asked", "--since", "2999-01-01"]).stdout == ""


async def test_the_keys_that_a_hunt_used_are_counted_and_taken_into_the_journal(
    settings: Settings, service: Sentinel
) -> None:
    for _, one in left(settings.data_dir):
        assert "open:data-key:events" not in " ".join(one.counts)
    assert CliRunner().invoke(app, ["hunt", "--count"]).exit_code == 0
    gc.collect()  # the command's process would have ended
    mine = [one for _, one in left(settings.data_dir) if one.by == "command-line:marie"]
    assert any(name.startswith("open:data-key:events") for one in mine for name in one.counts)
    await KeyUses(settings, service.in_store, service.sealer, service.clock).look()
    assert left(settings.data_dir) == []
    actions = [(line.action, line.actor) for line in await lines(service)]
    assert ("keys.used", "command-line:marie") in actions


async def test_a_query_that_is_wrong_is_no_line(service: Sentinel) -> None:
    assert CliRunner().invoke(app, ["hunt", "user.name"]).exit_code != 0
    assert CliRunner().invoke(app, ["hunt", "--sigma", "no_such_rule"]).exit_code != 0
    assert await asked(service) == []


async def test_without_the_line_nothing_is_shown(
    settings: Settings, service: Sentinel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENTINEL_STORE__CASES__URL", "sqlite:////nowhere/at/all/cases.sqlite")
    result = CliRunner().invoke(app, ["hunt"])
    assert result.exit_code != 0
    assert result.stdout == ""


def test_where_nothing_is_stored_nothing_is_made(settings: Settings) -> None:
    assert CliRunner().invoke(app, ["hunt", "--count"]).exit_code != 0
    assert not (settings.data_dir / parts.CASES).exists()


def test_a_digest_is_keyed_and_outlives_a_rotation(settings: Settings, tmp_path: Path) -> None:
    other = settings.model_copy(update={"keys": settings.keys.model_copy(
        update={"master": type(settings.keys.master)("22" * 32)})})  # fmt: skip
    assert digest_of(settings, "user.name:x") != digest_of(other, "user.name:x")
    assert digest_of(settings, "") == digest_of(settings, "  ") == ""
    before = digest_of(settings, "user.name:x")
    settings.data_dir.mkdir()
    key = tmp_path / "new.key"
    assert CliRunner().invoke(app, ["keys", "rotate", "--new-key-file", str(key)]).exit_code == 0
    assert digest_of(settings, "user.name:x") == before


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("", ()),
        ("user.name:usr_caz5wcz7cowm6wrz", ("usr_caz5wcz7cowm6wrz",)),
        ("not (a:1 or b:(sub_aaaaaaaaaaaaaaaa or x))", ("sub_aaaaaaaaaaaaaaaa",)),
        ("a:ip_aaaaaaaaaaaaaaaa b:ses_aaaaaaaaaaaaaaaa",
         ("ip_aaaaaaaaaaaaaaaa", "ses_aaaaaaaaaaaaaaaa")),
        ("url.path:/x/usr_caz5wcz7cowm6wrz/zoe.lambert", ()),
        ("user.name:zoe.lambert n >= 4 f:*", ()),
    ],
)  # fmt: skip
def test_of_a_query_pseudonyms_are_named_and_nothing_else(
    query: str, named: tuple[str, ...]
) -> None:
    assert named_in(condition_of(query)) == named
