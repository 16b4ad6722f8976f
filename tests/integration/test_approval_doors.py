"""Approval over the API; and what an administrator reads: nothing, by no door, on no disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from console_house import Browser
from dossier_house import DossierHouse, calling, people

from sentinel.app.casework import Casework
from sentinel.clock import isoformat
from sentinel.domain.affected import Affected
from sentinel.domain.directory import DirectoryEntry
from sentinel.domain.incident import Role
from sentinel.errors import Refused
from sentinel.store.directory import SubjectDirectory
from sentinel.web.auth.tokens import issue

PERSON = "sub_aaaaaaaaaaaaaaaa"
NAME, MAIL = "Yannick Le Goff-Exemple", "yannick.legoff@example.org"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[DossierHouse]:
    made = DossierHouse(tmp_path)
    yield made
    made.close()


async def test_two_humans_approve_and_the_filing_knows_it(house: DossierHouse) -> None:
    async with calling(house) as call:
        _, frozen = await call.post("analyst", "dossiers", kind="initial")
        dossier = frozen["id"]
        status, _ = await call.post("dpo", "approvals", object=dossier, code="123456")
        assert status == 409
        code = house.code("dpo")
        status, asked = await call.post("dpo", "approvals", object=dossier, code=code)
        assert (status, asked["state"]) == (201, "pending")
        assert "mac" not in asked
        path = f"approvals/{asked['id']}/approve"
        assert (await call.post("dpo", path, code=code))[0] == 409  # a code serves once
        for same in ("dpo", "alice.legal"):
            status, refused = await call.post(same, path, code=house.code(same))
            assert (status, "author cannot" in refused["detail"]) == (409, True)
        assert (await call.post("director", path, code="000000"))[0] == 409
        status, given = await call.post("director", path, code=house.code("director"))
        assert (status, given["state"]) == (200, "approved")
        await call.post(
            "dpo",
            "filings",
            kind="initial",
            number="FR-1",
            filed_at=isoformat(house.clock.now()),
            dossier=dossier,
        )
    (filing,) = house.case().filings
    assert filing.approved_by == house.account_of("director").id
    assert "FILING-APPROVAL" not in house.open_clocks()


async def test_who_froze_it_does_not_approve_it(house: DossierHouse) -> None:
    async with calling(house) as call:
        _, frozen = await call.post("director", "dossiers", kind="initial")
        _, asked = await call.post("dpo", "approvals", object=frozen["id"], code=house.code("dpo"))
        path = f"approvals/{asked['id']}/approve"
        status, refused = await call.post("director", path, code=house.code("director"))
    assert (status, "author cannot" in refused["detail"]) == (409, True)


async def test_a_byte_changed_on_the_disk_is_approved_by_nobody(
    house: DossierHouse, tmp_path: Path
) -> None:
    async with calling(house) as call:
        _, frozen = await call.post("analyst", "dossiers", kind="initial")
        _, asked = await call.post("dpo", "approvals", object=frozen["id"], code=house.code("dpo"))
        (path,) = (tmp_path / "documents").rglob("*.json.sealed")
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(bytes(content))
        status, _ = await call.post(
            "director", f"approvals/{asked['id']}/approve", code=house.code("director")
        )
        assert status >= 400
        assert (await call.get("dpo", f"dossiers/{frozen['id']}/files/pdf"))[0] >= 400


async def test_a_state_set_by_hand_in_the_database_approves_nothing(
    house: DossierHouse, tmp_path: Path
) -> None:
    async with calling(house) as call:
        _, frozen = await call.post("analyst", "dossiers", kind="initial")
        await call.post("dpo", "approvals", object=frozen["id"], code=house.code("dpo"))
        with sqlite3.connect(tmp_path / "cases.db") as database:
            database.execute(
                "UPDATE case_records SET body = replace(body, 'pending', 'approved') "
                "WHERE kind = 'approval'"
            )
            database.execute(
                "UPDATE case_records SET body = (SELECT body FROM case_records "
                "WHERE kind = 'frozendossier') WHERE kind = 'approval'"
            )
        status, _ = await call.post(
            "dpo",
            "filings",
            kind="initial",
            number="FR-1",
            filed_at=isoformat(house.clock.now()),
            dossier=frozen["id"],
        )
    # A forged row is no approval; and what was filed is recorded all the same.
    assert status == 201
    assert house.case().filings[0].approved_by == ""
    assert "FILING-APPROVAL" in house.open_clocks()


def everything(folder: Path) -> dict[Path, bytes]:
    return {one: one.read_bytes() for one in folder.rglob("*") if one.is_file()}


READS = (
    "dossiers",
    "approvals",
    "timeline",
    "tasks",
    "proposals",
    "qualification",
    "evidence",
    "dossiers/x/files/pdf",
)


async def test_an_administrator_reads_nothing_over_the_console_and_the_api(
    house: DossierHouse,
) -> None:
    with pytest.raises(Refused, match="administrator"):
        house.now_in_store(
            lambda tx: issue(
                tx, house.account_of("admin"), name="t", days=1, now=house.clock.now(), by="x"
            )
        )
    async with calling(house) as call:
        browser = Browser(call.client, house)
        assert (await browser.sign_in(people()["admin"])).status == 303
        for path in READS:
            status, body = await browser.get(f"/api/v1/incidents/incident-1/{path}")
            assert (path, status) == (path, 403)
            assert "INC-2026" not in body
        for path in ("/api/v1/incidents", "/api/v1/incidents/incident-1", "/api/v1/register"):
            assert (await browser.get(path))[0] in {403, 409}
        for path in ("", "/dossier", "/letters", "/evidence", "/documents/x"):
            assert (await browser.get(f"/incidents/incident-1{path}"))[0] == 403


async def test_neither_database_nor_a_copy_of_it_names_anybody(
    house: DossierHouse, tmp_path: Path
) -> None:
    """What an administrator finds on the disk, or in a backup, without the master key."""
    directory = SubjectDirectory(tmp_path / "directory.sqlite", house.sealer)
    directory.take(
        [DirectoryEntry(pseudonym=PERSON, name=NAME, email=MAIL, language="fr")],
        source="test",
        by="dpo",
        at=house.clock.now(),
        whole=True,
    )
    directory.close()
    house.change(
        affected=Affected(subjects=(PERSON,), categories={"identity": 1}, record_count=1),
        subjects=(PERSON,),
    )
    desk = Casework(house.settings, house.in_store, None, house.clock, None)  # type: ignore[arg-type]
    drafted = await desk.draft_letters(house.account_of("dpo").actor, "incident-1")
    (audience,) = [one for one in drafted if one.kind == "audience"]
    content = await desk.document_bytes(audience)
    assert PERSON.encode() in content or NAME.encode() in content
    async with calling(house) as call:
        await call.post("dpo", "dossiers", kind="initial")
    with sqlite3.connect(tmp_path / "cases.db") as database:
        backup = sqlite3.connect(tmp_path / "backup.db")
        database.backup(backup)
        backup.close()
    found = everything(tmp_path)
    assert any(one.name == "backup.db" for one in found)
    for secret in (NAME, MAIL, PERSON, "Customer list exported", "Le journal montre l’export"):
        holders = {one.name for one, raw in found.items() if secret.encode() in raw}
        # The directory keys its rows, of all customers, by pseudonym: it tells no audience.
        assert (secret, holders - {"directory.sqlite"} if secret == PERSON else holders) == (
            secret,
            set(),
        )
    assert Role.ADMIN in house.account_of("admin").roles
