"""Letters under `kill -9`: every person gets exactly one letter or one named failure.

The real sending process is killed again and again; the first mail server misbehaves and then dies
for good, the second is a real Postfix. At the end the ledger is held against the servers' own logs.
``CAMPAIGN_LETTERS=5000`` runs the long version; the figures are printed either way.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from campaign_house import SENDER, World, entries
from campaign_postfix import HOW, Postfix, missing

from sentinel.app.campaign import desk, proof
from sentinel.app.campaign.house import FILE
from sentinel.domain.campaign import Campaign, CampaignState
from sentinel.domain.dispatch import Dispatch, DispatchState, Failure
from sentinel.domain.incident import Role
from sentinel.store.campaign_ledger import CampaignLedger

LETTERS = int(os.environ.get("CAMPAIGN_LETTERS", "120"))
SMALL = LETTERS <= 200
MOST_KILLS = 3 if SMALL else 1000
SECONDS = 600 if SMALL else 3000
LONGEST_LIFE = 0.8 if SMALL else 2.5  # processor seconds, once it sends
OPEN = (DispatchState.QUEUED, DispatchState.HANDING_OVER, DispatchState.UNKNOWN)
HERE = Path(__file__).parent
SENTINEL = Path(sys.executable).with_name("sentinel")
MAIL = """
[mail]
sender = "{sender}"
bounce_address = "bounces@example.org"
bounce_maildir = "{maildir}"
connections = 4
per_minute = 100000
retry_minutes = 0.03
unknown_hours = 0.004
settle_seconds = 3
switch_back_minutes = 0.1
[mail.primary]
host = "127.0.0.1"
port = {first}
security = "none"
reply_seconds = 5
[mail.second]
host = "127.0.0.1"
port = {second}
security = "none"
log = "{log}"
"""


@contextmanager
def relay(
    folder: Path, maildir: Path, *options: str
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a misbehaving server in a process of its own."""
    command = [sys.executable, str(HERE / "campaign_relay.py")]
    command += ["--log", str(folder / "relay.log"), "--maildir", str(maildir), *options]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def postfix() -> Iterator[Postfix]:
    """Run a Postfix of our own."""
    if why := missing():
        pytest.skip(f"NOT RUN: {why}; {HOW}")
    server = Postfix()
    try:
        server.start()
        yield server
    finally:
        server.stop()


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process: on a busy machine a wall clock kills idlers."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Killer:
    """Runs the sending process, and kills it when it has sent for a while."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self._world = world
        self._chance = chance
        self._process: subprocess.Popen[bytes] | None = None
        self._dies_at = 0.0
        self._left = 0
        self.kills = 0
        self.log = world.folder / "worker.log"

    def step(self, left: int, *, kill: bool) -> None:
        """Start what does not run; kill what has sent for a while. ``left``: letters that wait."""
        if self._process is None or self._process.poll() is not None:
            with self.log.open("ab") as log:
                command = [str(SENTINEL), "-c", str(self._world.toml), "campaign", "work"]
                self._process = subprocess.Popen(command, stdout=log, stderr=log)
            self._left, self._dies_at = left, 0.0
        elif not self._dies_at:
            if left != self._left:  # it sends
                used = cpu_seconds(self._process.pid)
                self._dies_at = used + self._chance.uniform(0.0, LONGEST_LIFE)
        elif kill and cpu_seconds(self._process.pid) >= self._dies_at:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self.kills += 1

    def stop(self) -> None:
        """End it properly."""
        if self._process is not None:
            self._process.terminate()
            assert self._process.wait(30) == 0


def test_exactly_one_letter_or_one_named_failure(tmp_path: Path) -> None:
    chance = random.Random(LETTERS)
    with postfix() as second, relay(tmp_path, second.bounces) as (first, port):
        for name in ("tmp", "new", "cur"):
            (second.bounces / name).mkdir(parents=True, exist_ok=True)
            os.chown(second.bounces / name, *_owner(second))
        os.chown(second.bounces, *_owner(second))
        world = World(
            tmp_path,
            MAIL.format(
                sender=SENDER,
                maildir=second.bounces,
                first=port,
                second=second.port,
                log=second.log,
            ),
        )
        world.person("comms", Role.COMMS)
        world.person("dpo", Role.DPO)
        world.fill(
            entries(LETTERS, full=LETTERS // 50, english=LETTERS // 10, post=LETTERS // 50),
            minors=LETTERS // 4,
        )
        campaign = world.approved()
        world.act("dpo", desk.start, campaign)
        killer = Killer(world, chance)
        began, first_died = time.monotonic(), 0
        while True:
            counts = _counts(world, campaign)
            if not any(counts[state] for state in OPEN):
                break
            assert time.monotonic() - began < SECONDS, _where(world, campaign)
            left = counts[DispatchState.QUEUED] + counts[DispatchState.HANDING_OVER]
            killer.step(left, kill=left > 0 and killer.kills < MOST_KILLS)
            if first.poll() is None and left < LETTERS * 0.6:
                first.send_signal(signal.SIGKILL)  # it never comes back
                first_died = LETTERS - left
            canary_is_out = counts[DispatchState.QUEUED] > LETTERS * 0.9
            if canary_is_out and world.campaign(campaign).state is CampaignState.CANARY_DONE:
                world.act("dpo", desk.go_on, campaign)
            time.sleep(0.2 if SMALL else 0.6)
        lasted = time.monotonic() - began
        time.sleep(1)
        _wait_idle(world, campaign, second, killer)
        killer.stop()
        with world.house() as house:
            letters = list(house.ledger.letters(campaign.id))
        first_log = (tmp_path / "relay.log").read_text().splitlines()
        taken = [json.loads(line)["id"].strip("<>").partition("@")[0] for line in first_log]
        _agrees(letters, Counter(taken), second.taken())
        _proves(world.act("dpo", proof.make_evidence, campaign).json, letters)
        world.close()
    settled = Counter(one.settled_by for one in letters if one.state is not DispatchState.FAILED)
    failures = Counter(str(one.failure) for one in letters if one.failure)
    print(
        f"\n{LETTERS} letters, {killer.kills} kills, {lasted:.0f} s; first server took {len(taken)}"
        f" and died after {first_died}, Postfix took {len(second_taken(letters))}; states "
        f"{dict(Counter(str(one.state) for one in letters))}; failures {dict(failures)}; "
        f"handed over known by {dict(settled)}; twice: 0; nobody: 0"
    )
    assert killer.kills >= max(2, LETTERS // 250)
    assert first_died > 0


def second_taken(letters: list[Dispatch]) -> list[Dispatch]:
    """Return the letters that went by the second way."""
    gone = (DispatchState.HANDED_OVER, DispatchState.DELIVERED)
    return [one for one in letters if one.path == "second" and one.state in gone]


def _agrees(letters: list[Dispatch], first: Counter[str], second: dict[str, str]) -> None:
    """Hold the ledger against what the servers themselves wrote."""
    assert len(letters) == LETTERS
    assert len({one.token for one in letters}) == len({one.pseudonym for one in letters}) == LETTERS
    assert not [token for token, times in first.items() if times > 1], "taken twice by the first"
    assert not first.keys() & second.keys(), "taken by both servers"
    known = {one.token for one in letters}
    assert first.keys() <= known
    assert second.keys() <= known
    for one in letters:
        assert one.state.settled, one
        where = "primary" if one.token in first else "second" if one.token in second else ""
        if one.state is DispatchState.FAILED:
            assert one.failure is not None
            bounced = any(report.action == "failed" for report in one.reports)
            # A letter that a server has is a failure only where it bounced, or nobody could know.
            assert not where or bounced or one.failure is Failure.HANDOVER_UNKNOWN, one
        else:
            assert one.failure is None
            assert where == one.path, one
            if where == "second" and one.queue_id:
                assert second[one.token] == one.queue_id


def _proves(evidence: bytes, letters: list[Dispatch]) -> None:
    """Hold the signed file against the ledger, which agrees with the servers' logs."""
    rows = {row["token"]: row for row in json.loads(evidence)["evidence"]["letters"]}
    assert len(rows) == len(letters)
    for one in letters:
        row = rows[one.token]
        told = (row["state"], row["failure"], row["way"], row["queue_id"])
        failure = one.failure.value if one.failure else ""
        assert told == (one.state.value, failure, one.path, one.queue_id)


def _owner(server: Postfix) -> tuple[int, int]:
    found = server.bounces.parent.stat()
    return found.st_uid, found.st_gid


def _counts(world: World, campaign: Campaign) -> dict[DispatchState, int]:
    if not world.watch:
        world.watch.append(CampaignLedger(world.settings.data_dir / FILE, world.sealer))
    return world.watch[0].counts(campaign.id)


def _wait_idle(world: World, campaign: Campaign, server: Postfix, killer: Killer) -> None:
    """Let the last reports come back and be read."""
    end = time.monotonic() + 60
    while not (server.idle() and not list((server.bounces / "new").iterdir())):
        assert time.monotonic() < end, "reports do not come back"
        killer.step(0, kill=False)
        time.sleep(0.3)


def _where(world: World, campaign: Campaign) -> str:
    state = world.campaign(campaign)
    log = (world.folder / "worker.log").read_text()[-2000:]
    return f"{state.state} {state.reason} {_counts(world, campaign)}\n{log}"
