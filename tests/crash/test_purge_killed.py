"""kill -9 anywhere in a purge, on real stores: the next run finishes, and nothing goes twice.

A child process counts what reaches the disk (fsync, unlink, rename, link) and each transaction,
and kills itself at one of them. By default at every twelfth; ``PURGE_KILLS=1``: at each.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from sentinel.app.backup import cycle
from sentinel.app.purge import certificates
from sentinel.app.purge.run import Purger
from sentinel.clock import ManualClock
from sentinel.config import Settings
from sentinel.domain.alert import Alert, AlertState
from sentinel.domain.certificate import Certificate
from sentinel.domain.event import Event
from sentinel.domain.finding import Level, RuleInfo
from sentinel.domain.incident import Actor, Incident, Legal, Outcome, Role
from sentinel.respond.documents import Draft, file_drafts
from sentinel.respond.journal_check import all_lines, check
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.events_embedded import EmbeddedEventStore
from sentinel.store.ports import CaseTx
from sentinel.store.seal import AesGcmSealer
from sentinel.store.signing import AnchorSigner

T = TypeVar("T")
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
SEALER, SIGNER = AesGcmSealer(bytes(range(32))), AnchorSigner("22" * 32)
RULE = RuleInfo(id="r-1", slug="r", title="r", level=Level.HIGH)
STRIDE = int(os.environ.get("PURGE_KILLS", "12"))
OLD, YOUNG = 12, 5
KILLED = -signal.SIGKILL


def settings_in(folder: Path) -> Settings:
    backup = {"dir": folder / "backups", "key": "ab" * 32}
    return Settings.model_validate({"data_dir": folder / "data", "backup": backup})


class House:
    def __init__(self, folder: Path) -> None:
        self.settings = settings_in(folder)
        self.clock = ManualClock(NOW)
        data = self.settings.data_dir
        self.opened = ExitStack()
        self.cases = SqlCaseStore.open(data / "cases.sqlite", SEALER, self.clock)
        self.opened.callback(self.cases.close)
        self.events = EmbeddedEventStore(data / "events", SEALER, compact_at=0)
        self.opened.callback(self.events.close)

    def run(self, function: Callable[[CaseTx], T], /) -> T:
        with self.cases.begin() as tx:
            return function(tx)

    def purge(self, run: Any = None) -> Certificate:
        purger = Purger(self.settings, run or self.run, self.events, SIGNER, self.clock)
        return purger.purge(clock_is_right=True)


def furnish(folder: Path) -> None:
    """Fill a house: events old and young, an alert, a closed case with drafts, old backups."""
    house = House(folder)
    times = [NOW - (370 + n) * DAY for n in range(OLD)] + [NOW - n * DAY for n in range(YOUNG)]
    events = [
        Event(id=f"{n:032x}", time=at, source="crm", ref="", fields={"user.name": "usr_a"})
        for n, at in enumerate(times)
    ]
    house.events.append(events[::2], last_offset=10)
    house.events.compact()
    house.events.append(events[1::2], last_offset=20)
    incident = Incident(
        id="case-1", reference="INC-2022-0001", title="t", kind="k", created_by="a",
        created_at=NOW - 1300 * DAY, detected_at=NOW - 1300 * DAY, legal=Legal.CLOSED,
        outcome=Outcome.REGISTER, closed_at=NOW - 1200 * DAY, actors=("usr_a",),
    )  # fmt: skip
    draft = Draft(kind="letter", language="fr", media_type="text/plain", name="a.txt",
                  content=b"text")  # fmt: skip

    def fill(tx: CaseTx) -> None:
        tx.incidents.put(incident)
        for number, case in enumerate(("", "case-1")):
            tx.alerts.put(
                Alert(
                    id=f"alert-{number}", fingerprint="f", rule=RULE, actor="usr_a", subjects=(),
                    categories=(), first=times[0], last=times[0], created_at=times[0], count=1,
                    event_count=1, events=(), refs=(), reasons=(), incident_id=case,
                    state=AlertState.PROMOTED if case else AlertState.DISMISSED,
                )
            )  # fmt: skip
        actor = Actor("dpo", frozenset({Role.DPO}))
        root = house.settings.data_dir
        file_drafts(tx, root=root, sealer=SEALER, incident=incident, drafts=[draft], actor=actor,
                    now=NOW - 1299 * DAY)  # fmt: skip

    house.run(fill)
    house.opened.close()
    folder = folder / "backups"
    folder.mkdir()
    for number, kind in enumerate(("daily", "weekly", "monthly")):
        (folder / cycle.name_of(kind, NOW - 400 * DAY, f"{number:08x}")).write_bytes(b"x")


def die_at(step: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return what wraps a call so that the process dies before or after the ``step``-th one."""
    passed = 0

    def tick() -> None:
        nonlocal passed
        passed += 1
        if passed == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def wrap(call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **more: Any) -> Any:
            tick()
            result = call(*args, **more)
            tick()
            return result

        return counted

    return wrap


def killed_at(folder: Path, step: int) -> bool:
    """Purge in a child that kills itself at ``step``; False where it got to the end before."""
    child = os.fork()
    if child == 0:
        try:
            house = House(folder)
            wrap = die_at(step)
            for name in ("fsync", "unlink", "replace", "rename", "link"):
                setattr(os, name, wrap(getattr(os, name)))
            house.purge(wrap(house.run))
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1] == signal.SIGKILL


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_killed_anywhere_the_next_run_finishes(tmp_path: Path) -> None:
    furnish(tmp_path / "template")
    step, deaths = 1, 0
    while True:
        folder = tmp_path / f"step-{step}"
        shutil.copytree(tmp_path / "template", folder)
        died = killed_at(folder, step)
        house = House(folder)
        house.purge()
        found = house.run(certificates.all_certificates)
        told: dict[str, int] = {}
        for certificate in found:
            for item in certificate.items:
                told[item.what] = told.get(item.what, 0) + item.count
        verdict = house.run(lambda tx: check(all_lines(tx)))
        left = sorted(event.time for event in house.events.search())
        rest = house.run(lambda tx: (tx.alerts.count(), tx.incidents.get("case-1").actors))
        house.opened.close()
        where = f"killed at {step}"
        assert told == {
            "events": OLD, "alerts": 1, "cases": 1, "case_files": 2, "backups": 3,
        }, where  # fmt: skip
        assert left == sorted(NOW - n * DAY for n in range(YOUNG)), where
        assert rest == (0, ()), where
        assert certificates.faults(found, SIGNER.public) == [], where
        assert verdict.holds, where
        assert cycle.archives(folder / "backups") == []
        assert not [p for p in (folder / "data" / "documents").rglob("*") if p.is_file()], where
        certified = sorted((folder / "data" / "certificates").glob("*.json"))
        assert [certificates.read(path) for path in certified] == found, where
        shutil.rmtree(folder)
        if not died:
            break
        deaths += 1
        step += STRIDE
    print(f"{deaths} deaths")
    assert deaths * STRIDE > 100
