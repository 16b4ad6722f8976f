"""A drill from log lines to closing; and the proof that nothing in it reaches anybody real."""

import asyncio
import hashlib
import json
import shutil
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sentinel.app.bundle import verify
from sentinel.app.drill import play, sandbox
from sentinel.app.drill.guard import LeftTheHouse, closed_house
from sentinel.app.drill.load import find, load, shipped
from sentinel.app.drill.sandbox import Outbox, drill_settings, replace_channels, reserved
from sentinel.app.drill.score import Score
from sentinel.clock import SystemClock
from sentinel.config import Settings
from sentinel.domain.scenario import Scenario
from sentinel.errors import ContentError, NotFound, Refused, SentinelError
from sentinel.notify.channel import Rendered, TransportError
from sentinel.notify.registry import build_registry
from sentinel.yaml_file import read_yaml

REAL = {  # what a house has configured: a mail server, people, a webhook, a token
    "keys": {"master": "7" * 64},
    "smtp": {
        "host": "192.0.2.25",
        "port": 25,
        "username": "u",
        "password": "p",
        "sender": "sentinel@a-real-house.fr",
        "timeout_seconds": 1,
    },
    "notify": {
        "email_to": ["somebody@a-real-house.fr"],
        "webhook_url": "https://198.51.100.80/hook",
        "webhook_secret": "s",
        "egress_allow": ["198.51.100.80"],
    },
}
WORDS = Rendered(subject="s", text="t", html="<p>t</p>", payload={})


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the tests' own guard away, so that the drill's is what stops a connection."""
    monkeypatch.delattr(socket.socket, "connect")
    monkeypatch.delattr(socket.socket, "connect_ex")


@pytest.fixture
def real() -> Settings:
    return Settings.model_validate(REAL)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Score, Path]:
    out = tmp_path_factory.mktemp("drill") / "pack"
    real = Settings.model_validate(REAL)
    return asyncio.run(play.run_drill(real, load(find("staff-export")), out))


def test_the_shipped_scenario_passes_and_is_scored(played: tuple[Score, Path]) -> None:
    score, _ = played
    assert [one.id for one in score.marks if not one.passed] == []
    assert (score.points, score.passed, score.missed, score.left) == (100, True, (), ())
    took = {one.id: one.took for one in score.marks if one.took is not None}
    assert took["detect"] == 30  # seconds: what the shippers took
    assert took["notify"] == 8 * 3600
    assert score.unknown
    assert set(score.moments) >= {"occurred", "detected", "confirmed", "notified", "closed"}


def test_the_evidence_pack_is_whole_and_verifies_with_other_tools(
    played: tuple[Score, Path], tmp_path: Path
) -> None:
    score, pack = played
    sums = dict(
        reversed(line.split("  ", 1)) for line in (pack / "SHA256SUMS").read_text().splitlines()
    )
    files = {path.relative_to(pack).as_posix(): path for path in pack.rglob("*") if path.is_file()}
    assert set(sums) == set(files) - {"SHA256SUMS"}
    for name, sha256 in sums.items():
        assert hashlib.sha256(files[name].read_bytes()).hexdigest() == sha256
    assert {"score.json", "report.fr.md", "report.en.md", "scenario/scenario.yml"} <= set(files)
    zipfile.ZipFile(files[f"{score.reference}-bundle.zip"]).extractall(tmp_path)
    assert verify.check(tmp_path) == []
    assert json.loads((tmp_path / "case.json").read_bytes())["drill"] is True
    assert json.loads((tmp_path / "manifest.json").read_bytes())["drill"] is True
    assert "[EXERCICE]" in (pack / "report.fr.md").read_text()


def test_every_message_went_to_the_sandbox_under_a_reserved_domain(
    played: tuple[Score, Path],
) -> None:
    _, pack = played
    mails = list((pack / "outbox").rglob("*.eml"))
    assert {path.parent.name for path in mails} == {"email", "webhook", "letters", "cnil"}
    assert len([path for path in mails if path.parent.name == "letters"]) == 600
    for path in mails:
        head = path.read_bytes().split(b"\r\n\r\n", 1)[0].decode()
        assert "X-Sentinel-Drill: true" in head
        recipient = next(line[4:] for line in head.split("\r\n") if line.startswith("To: "))
        assert reserved(recipient), recipient
    assert b"a-real-house" not in b"".join(path.read_bytes() for path in mails)


def test_the_settings_of_a_drill_hold_no_way_out(real: Settings, tmp_path: Path) -> None:
    drill = drill_settings(real, load(find("staff-export")).scenario, tmp_path)
    text = json.dumps(drill.model_dump(mode="json"), default=str)
    for secret in ("192.0.2.25", "198.51.100.80", "a-real-house", "7" * 64):
        assert secret not in text
    assert drill.keys.master != real.keys.master


async def test_each_channel_is_the_sandbox_even_where_a_real_one_is_configured(
    real: Settings, tmp_path: Path
) -> None:
    registry = build_registry(real, SystemClock())
    assert set(registry.channels) == {"email", "webhook"}
    replace_channels(registry, Outbox(tmp_path, SystemClock()))
    for channel in registry.channels.values():
        assert isinstance(channel, sandbox.SandboxChannel)
        assert (await channel.send(WORDS, key="k")).startswith("sandbox ")
    assert {one.name for one in await asyncio.to_thread(mails_in, tmp_path)} == {
        "00001.eml",
        "00002.eml",
    }


def mails_in(folder: Path) -> list[Path]:
    return list(folder.rglob("*.eml"))


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("name", ["email", "webhook"])
async def test_the_guard_stops_a_real_channel_that_slipped_through(
    real: Settings, name: str
) -> None:
    channel = build_registry(real, SystemClock()).channels[name]
    with closed_house() as guard:
        with pytest.raises((LeftTheHouse, TransportError)):
            await channel.send(WORDS, key="k")
        assert guard.refused
        assert any("192.0.2.25" in one or "198.51.100.80" in one for one in guard.refused)


@pytest.mark.usefixtures("bare")
async def test_a_drill_whose_sandbox_fails_is_failed_and_names_the_address(
    real: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave_them(registry: object, outbox: object) -> None:
        real_ones = build_registry(real, SystemClock()).channels
        registry.channels.update(real_ones)  # type: ignore[attr-defined]

    monkeypatch.setattr(play, "replace_channels", leave_them)
    score, _ = await play.run_drill(real, short(tmp_path), tmp_path / "pack")
    assert not score.passed
    assert any("192.0.2.25" in one for one in score.left)
    assert any("198.51.100.80" in one for one in score.left)
    assert "nothing_left" in [one.id for one in score.marks if not one.passed]


def short(tmp_path: Path):
    """The scenario up to the opening of the case: enough for its alerts and alarms."""
    folder = tmp_path / "short"
    shutil.copytree(find("staff-export"), folder)
    text = (folder / "scenario.yml").read_text()
    head, _, rest = text.partition("  - {id: runbook,")
    (folder / "scenario.yml").write_text(head + rest[rest.index("targets:") :])
    return load(folder)


def connect_tcp() -> None:
    socket.create_connection(("192.0.2.1", 443), timeout=0.1)


def connect_relay_of_this_machine() -> None:
    socket.create_connection(("127.0.0.1", 25), timeout=0.1)


def connect_unix() -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.connect("/run/mail")


def connect_ex() -> None:
    with socket.socket() as one:
        one.connect_ex(("192.0.2.1", 25))


def connect_v6() -> None:
    with socket.socket(socket.AF_INET6) as one:
        one.connect(("2001:db8::1", 25))


def datagram() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        one.sendto(b"x", ("192.0.2.1", 53))


def message() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        one.sendmsg([b"x"], [], 0, ("192.0.2.1", 53))


def look_up() -> None:
    socket.getaddrinfo("mail.a-real-house.fr", 25)


def child() -> None:
    subprocess.run(["true"], check=False)


WAYS_OUT = [
    connect_tcp, connect_relay_of_this_machine, connect_unix, connect_ex, connect_v6, datagram,
    message, look_up, child,
]  # fmt: skip


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("way", WAYS_OUT, ids=lambda way: way.__name__)
def test_no_way_out_is_open(way) -> None:
    with closed_house() as guard:
        with pytest.raises(LeftTheHouse):
            way()
        assert len(guard.refused) == 1


def test_the_sandbox_itself_is_reachable_and_the_house_opens_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with closed_house() as guard:
            with pytest.raises(LeftTheHouse):
                guard.allow("192.0.2.1", 25)
            guard.allow("127.0.0.1", port)
            socket.create_connection(("127.0.0.1", port)).close()
        socket.create_connection(("127.0.0.1", port)).close()
        assert guard.refused == []


@pytest.mark.parametrize(
    "address",
    [
        "somebody@a-real-house.fr",
        "x@example.com.a-real-house.fr",
        "x@notexample.org",
        "x@example.org, y@a-real-house.fr",
        "example.org",
        "<x@example.org>",
        "@example.org",
        "",
    ],
)
def test_an_address_that_could_be_somebodys_is_refused(address: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="reserved"):
        Outbox(tmp_path, SystemClock()).write("letters", address, "s", "t", key="k")
    assert list(tmp_path.rglob("*.eml")) == []


def test_a_scenario_with_a_real_recipient_is_not_even_loaded(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    shutil.copytree(find("staff-export"), folder)
    persons = folder / "persons.csv"
    persons.write_text(persons.read_text().replace("personne00007@example.org", "p@real-house.fr"))
    with pytest.raises(Refused, match=r"persons\.csv:8"):
        load(folder)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("at: PT20M", "at: PT2M"),  # before the step above it
        ("to: detected", "to: nowhere"),
        ('occurred: "2026-03-02T09:00:00Z"', 'occurred: "2026-03-02T09:00:00"'),
        ("by: analyst", "by: king"),
        ("rule: leaver", "rules: leaver"),
        ("within: PT5M", "within: 5 minutes"),
    ],
)
def test_a_scenario_that_cannot_be_played_is_refused(tmp_path: Path, old: str, new: str) -> None:
    folder = tmp_path / "own"
    shutil.copytree(find("staff-export"), folder)
    file = folder / "scenario.yml"
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(SentinelError):
        load(folder)


def test_what_is_asked_for_must_exist_and_the_pack_needs_a_new_folder(tmp_path: Path) -> None:
    assert "staff-export" in shipped()
    with pytest.raises(NotFound):
        find("no-such-drill")
    (tmp_path / "there").write_text("x")
    with pytest.raises(Refused, match="new folder"):
        asyncio.run(play.run_drill(Settings(), load(find("staff-export")), tmp_path))


async def test_a_drill_whose_attack_nobody_sees_says_so(real: Settings, tmp_path: Path) -> None:
    stage = short(tmp_path)
    (stage.folder / "crm.ndjson").write_text(
        (stage.folder / "crm.ndjson").read_text().splitlines()[0] + "\n"
    )
    with pytest.raises(ContentError, match="where detection failed"):
        await play.run_drill(real, load(stage.folder), tmp_path / "pack")


def test_a_missed_step_costs_points(real: Settings, tmp_path: Path) -> None:
    score, _ = asyncio.run(play.run_drill(real, short(tmp_path), tmp_path / "pack"))
    failed = {one.id for one in score.marks if not one.passed}
    assert {"runbook", "roles", "notify", "inform"} <= failed
    assert 0 < score.points <= 60


def test_the_shipped_scenario_reads_as_data() -> None:
    tree = read_yaml(find("staff-export") / "scenario.yml").tree
    assert tree["id"] == "staff-export"
    assert {one["do"] for one in tree["steps"]} >= {"record_filing", "send_letters", "close"}
    assert isinstance(load(find("staff-export")).scenario, Scenario)


def test_from_the_command_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("sentinel"), "drill", "run", "staff-export", "--json"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["score"]["points"] == 100
    assert (tmp_path / answer["pack"] / "SHA256SUMS").is_file()
