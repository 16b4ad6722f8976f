"""An approval that comes back from a real backup holds nothing, and may be asked for again."""

from __future__ import annotations

import hashlib
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest

from sentinel.app import parts
from sentinel.app.approving import open_approvals
from sentinel.app.backup.create import create
from sentinel.app.backup.restore import restore
from sentinel.clock import ManualClock
from sentinel.config import Settings
from sentinel.domain.approval import Approval, Bound, Subject
from sentinel.domain.incident import Incident, Role
from sentinel.errors import Refused
from sentinel.respond.second_factor import Factor, prove
from sentinel.store.ports import CaseTx
from sentinel.web.auth.accounts import NewAccount, create_account

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LETTER = Bound(
    incident_id="i1",
    subject=Subject.LETTER,
    object_id="letter-1",
    sha256=hashlib.sha256(b"letter").hexdigest(),
    audience=hashlib.sha256(b"audience").hexdigest(),
)


class Desk:
    """The case store of a data directory, with a DPO and a director."""

    def __init__(self, settings: Settings, clock: ManualClock) -> None:
        self.clock = clock
        self.sealer = parts.open_sealer(settings)
        self.store = parts.open_cases(settings, self.sealer, clock)
        self.approvals = open_approvals(settings)

    def hire(self) -> dict[str, NewAccount]:
        people = {
            name: create_account(
                name=name, display_name=name, roles=[role], language="en",
                sealer=self.sealer, now=START,
            )
            for name, role in (("dpo", Role.DPO), ("director", Role.DIRECTOR))
        }  # fmt: skip
        with self.store.begin() as tx:
            for made in people.values():
                tx.accounts.put(made.account)
            tx.incidents.put(
                Incident(
                    id="i1", reference="INC-2026-0001", title="x", kind="generic",
                    created_at=START, created_by="dpo",
                )
            )  # fmt: skip
        return people

    def factor(self, tx: CaseTx, made: NewAccount) -> Factor:
        self.clock.advance(timedelta(seconds=30))  # each code is accepted once
        now = self.clock.now()
        code = pyotp.TOTP(made.totp_secret).at(now)
        found = prove(tx, self.sealer, made.account.id, code, now=now)
        assert found is not None
        return found

    def approve(self, people: dict[str, NewAccount]) -> Approval:
        dpo, director = people["dpo"], people["director"]
        with self.store.begin() as tx:
            asked = self.approvals.ask(
                tx, dpo.account.actor, self.factor(tx, dpo), LETTER, now=self.clock.now()
            )
            return self.approvals.approve(
                tx, director.account.actor, self.factor(tx, director), asked.id,
                present=LETTER, now=self.clock.now(),
            )  # fmt: skip

    def require(self) -> Approval:
        with self.store.begin() as tx:
            return self.approvals.require(tx, LETTER, now=self.clock.now())


def test_an_approval_from_a_backup_lets_nothing_out(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {
            "data_dir": tmp_path / "data",
            "keys": {"master": "5e" * 32, "anchor": "11" * 32},
            "backup": {"dir": tmp_path / "backups", "key": "ab" * 32, "automatic": False},
        }
    )
    clock = ManualClock(START)
    desk = Desk(settings, clock)
    people = desk.hire()
    desk.approve(people)
    assert desk.require()
    desk.store.close()
    archive, *_ = create(settings, clock.now())
    shutil.rmtree(settings.data_dir)

    restore(settings, archive.path, clock, by="the administrator")

    back = Desk(settings, clock)
    with pytest.raises(Refused, match="restored since"):
        back.require()
    back.approve(people)
    assert back.require()
    back.store.close()
