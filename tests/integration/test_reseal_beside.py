"""After a rotation persons, letters and files of cases open by the new root alone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sentinel.app import parts, rotation
from sentinel.app.campaign.house import FILE as CAMPAIGNS
from sentinel.app.directory import FILE as DIRECTORY
from sentinel.clock import ManualClock
from sentinel.config import Settings
from sentinel.domain.directory import DirectoryEntry
from sentinel.domain.dispatch import Dispatch
from sentinel.domain.incident import Actor, Document, Incident
from sentinel.domain.record import Evidence
from sentinel.errors import StorageError
from sentinel.respond.documents import Draft, document_context, file_drafts, read_document
from sentinel.respond.evidence import Label, read_out, take_in
from sentinel.store import reseal_rows
from sentinel.store.campaign_ledger import CampaignLedger
from sentinel.store.directory import SubjectDirectory
from sentinel.store.disk import Disk
from sentinel.store.keys import ring
from sentinel.store.keys.master import LocalMasterKey
from sentinel.store.ports import Sealer
from sentinel.store.reseal_beside import DRAFT, reseal_files
from sentinel.store.seal import AesGcmSealer

OLD, NEW = "11" * 32, "22" * 32
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ACTOR = Actor("dpo-1", frozenset())
CASE = Incident(
    id="i1", reference="INC-2026-0001", title="t", kind="x", created_at=NOW, created_by="a"
)
PEOPLE = [
    DirectoryEntry(pseudonym=f"sub_{n:016d}", email=f"p{n}@example.org") for n in range(7)
]  # fmt: skip
LETTERS = [
    Dispatch(token=f"{n:032x}", campaign="c", number=n, pseudonym=f"sub_{n:016d}")
    for n in range(1, 6)
]  # fmt: skip


def settings_in(folder: Path, key: str = OLD) -> Settings:
    return Settings.model_validate({"data_dir": folder / "data", "keys": {"master": key}})


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A house with persons in two versions, letters, two documents (one in clear), evidence."""
    monkeypatch.setattr(reseal_rows, "AT_ONCE", 3)  # several slices, and one that is just full
    settings = settings_in(tmp_path)
    sealer = parts.open_sealer(settings)
    cases = parts.open_cases(settings, sealer, ManualClock(NOW))
    root = settings.data_dir
    draft = Draft(kind="k", language="fr", media_type="text/plain", name="d.txt", content=b"said")
    label = Label(
        name="log", media_type="text/plain", described="d", source="s", acquired_at=NOW
    )  # fmt: skip
    with cases.begin() as tx:
        tx.incidents.put(CASE)
        for under in (sealer, None):
            file_drafts(
                tx, root=root, incident=CASE, drafts=[draft], actor=ACTOR, now=NOW, sealer=under
            )
        for content in (b"first", b"second"):
            taken = take_in(root, sealer, content, label=label, actor=ACTOR, now=NOW)
            tx.records.put(taken)
    cases.close()
    people = SubjectDirectory(root / DIRECTORY, sealer)
    people.take(PEOPLE, at=NOW, by="a", source="s")
    people.take([*PEOPLE[:5], *(changed(one) for one in PEOPLE[5:])], at=NOW, by="a", source="s")
    people.close()
    ledger = CampaignLedger(root / CAMPAIGNS, sealer)
    ledger.fill(LETTERS)
    ledger.close()
    return settings


def changed(one: DirectoryEntry) -> DirectoryEntry:
    return DirectoryEntry(pseudonym=one.pseudonym, email=f"new-{one.email}")


def files_of(settings: Settings, sealer: Sealer) -> tuple[list[Document], list[Evidence]]:
    cases = parts.open_cases(settings, sealer, ManualClock(NOW))
    try:
        with cases.begin() as tx:
            return tx.incidents.documents("i1"), tx.records.find(Evidence)
    finally:
        cases.close()


def everything(settings: Settings, sealer: Sealer) -> dict[str, object]:
    """Open one of each; raises StorageError where the key is wrong."""
    root = settings.data_dir
    people = SubjectDirectory(root / DIRECTORY, sealer)
    ledger = CampaignLedger(root / CAMPAIGNS, sealer)
    documents, evidence = files_of(settings, sealer)
    try:
        return {
            "people": people.opened([one.pseudonym for one in PEOPLE]),
            "letters": ledger.due("c", NOW, open_to=99, limit=99),
            "documents": [read_document(root, one, sealer) for one in documents],
            "evidence": [read_out(root, sealer, one) for one in evidence],
        }
    finally:
        people.close()
        ledger.close()


def rotate(settings: Settings) -> dict[str, int]:
    return dict(rotation.rotate(settings, LocalMasterKey(bytes.fromhex(NEW)), "tester"))


def newest(settings: Settings) -> AesGcmSealer:
    """Return what opens by the last root alone."""
    return AesGcmSealer(
        ring.open_roots(settings.data_dir, LocalMasterKey(bytes.fromhex(NEW)))[-1]
    )  # fmt: skip


def test_what_lies_beside_the_cases_opens_by_the_new_root_alone(house: Settings) -> None:
    before = everything(house, parts.open_sealer(house))
    assert len(before["letters"]) == 5  # type: ignore[arg-type]
    told = rotate(house)
    assert (told["directory"], told["letters"], told["files of cases"]) == (9, 5, 3)
    assert everything(house, newest(house)) == before
    with pytest.raises(StorageError, match="the key in force is"):
        everything(house, AesGcmSealer(bytes.fromhex(OLD)))
    assert everything(house, parts.open_sealer(house)) == before
    again = rotate(house)
    assert (again["directory"], again["letters"], again["files of cases"]) == (0, 0, 0)
    assert not list(house.data_dir.rglob(f"*{DRAFT}"))


def test_nothing_under_the_former_root_stays_in_the_files(house: Settings) -> None:
    former = AesGcmSealer(bytes.fromhex(OLD)).seal(b"", context="x")[:9]
    names = (DIRECTORY, CAMPAIGNS)

    def held() -> list[str]:
        found = [path for path in house.data_dir.rglob("*") if path.name.startswith(names)]
        return [path.name for path in found if former in path.read_bytes()]

    assert set(names) <= set(held())
    rotate(house)
    assert held() == []


def test_altered_evidence_stays_as_it_is_and_is_told(house: Settings) -> None:
    _, (first, second) = files_of(house, parts.open_sealer(house))
    path = house.data_dir / first.path
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    told = rotate(house)
    assert told["files of cases"] == 2
    assert told["files that do not open and stay as they are"] == 1
    assert path.read_bytes() == raw
    assert read_out(house.data_dir, newest(house), second)[0] == b"second"


def test_a_file_that_is_purged_meanwhile_does_not_come_back(tmp_path: Path) -> None:
    old, path = AesGcmSealer(bytes.fromhex(OLD)), tmp_path / "one.sealed"
    path.write_bytes(old.seal(b"said", context="evidence:1"))

    class Purging(Disk):
        def fsync(self, fd: int) -> None:
            super().fsync(fd)
            path.unlink(missing_ok=True)

    both = AesGcmSealer(bytes.fromhex(NEW), [bytes.fromhex(OLD)])
    files = [(path, "evidence:1"), (tmp_path / "gone.sealed", "evidence:2")]
    assert reseal_files(files, both, Purging()) == (0, [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"said"])
def test_a_disk_that_fails_anywhere_leaves_one_or_the_other(tmp_path: Path, content: bytes) -> None:
    path, context = tmp_path / "one.sealed", document_context("1")
    both = AesGcmSealer(bytes.fromhex(NEW), [bytes.fromhex(OLD)])
    before = AesGcmSealer(bytes.fromhex(OLD)).seal(content, context=context)
    failures = 0
    for at in range(20):
        path.write_bytes(before)
        try:
            reseal_files([(path, context)], both, FailingDisk(at))
        except StorageError:
            failures += 1
            assert both.open(path.read_bytes(), context=context) == content
            reseal_files([(path, context)], both)
        assert both.is_current(path.read_bytes())
        assert both.open(path.read_bytes(), context=context) == content
        assert list(tmp_path.iterdir()) == [path]
    assert failures == 5


class FailingDisk(Disk):
    """Fails at the n-th thing that it is asked, from 0."""

    def __init__(self, fails_at: int) -> None:
        self.left = fails_at

    def _count(self) -> None:
        self.left -= 1
        if self.left == -1:
            raise OSError(28, "No space left on device")

    def create(self, path: Path) -> int:
        self._count()
        return super().create(path)

    def write(self, fd: int, data: bytes) -> None:
        self._count()
        super().write(fd, data)

    def fsync(self, fd: int) -> None:
        self._count()
        super().fsync(fd)

    def replace(self, source: Path, target: Path) -> None:
        self._count()
        super().replace(source, target)
