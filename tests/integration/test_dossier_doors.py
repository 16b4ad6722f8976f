"""What leaves late leaves with its reasons; what was filed is recorded whatever it lacks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from console_house import START, Browser
from dossier_house import REASONS, DossierHouse, calling, people

from sentinel.app.dossier_verify import verify
from sentinel.clock import isoformat
from sentinel.domain.frozen_dossier import FrozenDossier
from sentinel.domain.incident import Legal, Outcome, Persons
from sentinel.errors import Refused
from sentinel.respond.workflow.closing import close

FILES = {"json": b"{", "sig": b"{", "pdf": b"%PDF-", "dpv": b"{", "edpb": b"{"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[DossierHouse]:
    made = DossierHouse(tmp_path)
    yield made
    made.close()


@pytest.fixture
def late(tmp_path: Path) -> Iterator[DossierHouse]:
    made = DossierHouse(tmp_path, aware=80)
    yield made
    made.close()


async def test_an_initial_dossier_with_most_answers_unknown_goes_all_the_way(
    house: DossierHouse,
) -> None:
    async with calling(house) as call:
        status, frozen = await call.post("dpo", "dossiers", kind="initial")
        assert status == 201
        assert frozen["unknown"] > 20
        assert not frozen["gaps"]
        got = {}
        for name, start in FILES.items():
            status, got[name] = await call.get("dpo", f"dossiers/{frozen['id']}/files/{name}")
            assert status == 200
            assert got[name].startswith(start)
        assert verify(got["json"], got["sig"], None) == []
        pdf = f"dossiers/{frozen['id']}/files/pdf"
        assert (await call.get("dpo", f"{pdf}?lang=fr"))[1] == got["pdf"]
        status, english = await call.get("dpo", f"{pdf}?lang=en")
        assert (status, b"/Lang(en-GB)" in english) == (200, True)
        assert (await call.get("dpo", f"{pdf}?lang=de"))[0] == 400
        answers = json.loads(got["json"])["answers"]
        assert answers["q.severity"]["unknown"]["owner"] == "dpo"
        assert answers["q.severity"]["unknown"]["due"]
        status, filed = await call.post(
            "dpo",
            "filings",
            kind="initial",
            number="FR-1",
            filed_at=isoformat(house.clock.now()),
            dossier=frozen["id"],
        )
        assert (status, filed["authority"]) == (201, "initial")
    (filing,) = house.case().filings
    assert (filing.dossier, filing.number) == (frozen["id"], "FR-1")
    assert "CNIL-72" not in house.open_clocks()


async def test_a_late_dossier_leaves_by_no_door_without_reasons(late: DossierHouse) -> None:
    async with calling(late) as call:
        status, refused = await call.post("dpo", "dossiers", kind="initial")
        assert status == 409
        assert "reasons for the delay" in refused["detail"]
        late.change(answers={"t.late_reasons": "Nous étions en retard, voilà tout."})
        assert (await call.post("dpo", "dossiers", kind="initial"))[0] == 409  # typed is not told
        late.explain()
        status, frozen = await call.post("dpo", "dossiers", kind="initial")
        assert (status, frozen["late"], frozen["reasons"]) == (201, True, True)
        status, content = await call.get("dpo", f"dossiers/{frozen['id']}/files/json")
        assert status == 200
        assert REASONS in json.loads(content)["answers"]["t.late_reasons"]


async def test_a_dossier_frozen_in_time_and_late_by_now_is_frozen_again(
    house: DossierHouse,
) -> None:
    async with calling(house) as call:
        _, frozen = await call.post("dpo", "dossiers", kind="initial")
        house.clock.advance(timedelta(hours=70))
        call.tokens.clear()
        path = f"dossiers/{frozen['id']}/files/pdf"
        assert (await call.get("dpo", path))[0] == 409
        house.explain()
        status, content = await call.get("dpo", path)
        assert status == 409
        assert b"frozen without the reasons" in content
        _, again = await call.post("dpo", "dossiers", kind="initial")
        assert (await call.get("dpo", f"dossiers/{again['id']}/files/pdf"))[0] == 200


async def test_a_draft_in_the_case_is_no_way_round(late: DossierHouse) -> None:
    document = late.file("incident-1", "dossier_initial", "fr", "application/pdf", b"%PDF-")
    made = late.account_of("dpo")
    async with calling(late) as call:
        browser = Browser(call.client, late)
        late.clock.advance(timedelta(seconds=30))
        assert (await browser.sign_in(people()[made.name])).status == 303
        status, _ = await browser.get(f"/incidents/incident-1/documents/{document.id}")
        assert status == 409
        late.explain()  # the draft is older than the reasons: it does not say them
        status, _ = await browser.get(f"/incidents/incident-1/documents/{document.id}")
        assert status == 409


async def test_a_late_filing_is_recordable_and_its_gaps_block_closing(late: DossierHouse) -> None:
    async with calling(late) as call:
        status, _ = await call.post(
            "dpo", "filings", kind="complete", number="FR-9", filed_at=isoformat(START)
        )
        assert status == 201
    assert {"LATE-REASONS", "FILING-APPROVAL"} <= late.open_clocks()
    late.change(legal=Legal.QUALIFIED, outcome=Outcome.AUTHORITY, persons=Persons.INFORMED)
    with pytest.raises(Refused, match="FILING-APPROVAL, LATE-REASONS"):
        late.now_in_store(
            lambda tx: close(
                tx,
                late.account_of("dpo").actor,
                "incident-1",
                outcome="authority",
                reason="Everything was done and told",
                now=late.clock.now(),
                approved_by=late.account_of("director").actor,
            )
        )


async def test_a_complement_names_what_changed_since_what_was_filed(house: DossierHouse) -> None:
    async with calling(house) as call:
        _, first = await call.post("dpo", "dossiers", kind="initial")
        assert (await call.post("dpo", "dossiers", kind="complement"))[0] == 409
        await call.post(
            "dpo",
            "filings",
            kind="initial",
            number="FR-1",
            filed_at=isoformat(house.clock.now()),
            dossier=first["id"],
        )
        house.change(answers={**house.case().answers, "q.severity": "limited"})
        status, second = await call.post("dpo", "dossiers", kind="complement")
        assert status == 201
        _, content = await call.get("dpo", f"dossiers/{second['id']}/files/json")
        told = json.loads(content)
        assert [one["field"] for one in told["changes"]] == ["q.severity"]
        assert told["previous"] == {
            "kind": "initial",
            "number": "FR-1",
            "filed_at": told["previous"]["filed_at"],
            "sha256": first["sha256"],
        }
        status, refused = await call.post("dpo", "dossiers", kind="complete")
        assert status == 409
        assert "33(3)(c)" in refused["detail"]
        assert "33(3)(d)" in refused["detail"]


async def test_an_altered_dossier_is_not_the_one_that_was_frozen(house: DossierHouse) -> None:
    async with calling(house) as call:
        _, frozen = await call.post("dpo", "dossiers", kind="initial")
        _, content = await call.get("dpo", f"dossiers/{frozen['id']}/files/json")
        _, sig = await call.get("dpo", f"dossiers/{frozen['id']}/files/sig")
    assert verify(content, sig, None) == []
    comma = content.replace("Télécom".encode(), "Télécom,".encode(), 1)
    assert any("altered" in one for one in verify(comma, sig, None))
    assert any("signature" in one for one in verify(comma, sig, None))
    spaced = json.dumps(json.loads(content)).encode()
    assert any("canonical" in one for one in verify(spaced, sig, None))
    other = json.loads(sig)
    other["signature"] = "00" * 64
    assert verify(content, json.dumps(other).encode(), None) == ["the signature does not fit"]


async def test_the_files_on_disk_are_sealed(house: DossierHouse, tmp_path: Path) -> None:
    async with calling(house) as call:
        _, frozen = await call.post("dpo", "dossiers", kind="initial")
    record = house.now_in_store(lambda tx: tx.records.get(FrozenDossier, frozen["id"]))
    assert record.sha256 == frozen["sha256"]
    files = [one for one in (tmp_path / "documents").rglob("*") if one.is_file()]
    assert len(files) == 2
    for one in files:
        content = one.read_bytes()
        assert b"Exemple" not in content
        assert not content.startswith(b"%PDF")


async def test_the_console_goes_the_same_way(house: DossierHouse) -> None:
    """Five forms from a confirmed breach to a file to copy from, by two people."""
    page = "/incidents/incident-1/dossier"
    async with calling(house) as call:
        browser = Browser(call.client, house)
        house.clock.advance(timedelta(seconds=30))
        assert (await browser.sign_in(people()["dpo"])).status == 303
        assert (await browser.post(f"{page}/freeze", form=page, kind="initial")).status == 303
        (frozen,) = house.now_in_store(lambda tx: tx.records.find(FrozenDossier, "incident-1"))
        status, shown = await browser.get(page)
        assert status == 200
        assert frozen.sha256 in shown
        stand = f"{page}/{frozen.id}/approval"
        refused = await browser.post(stand, form=page, code="000000")
        assert refused.status == 409
        code = house.code("dpo")
        assert (await browser.post(stand, form=page, code=code)).status == 303
        again = house.code("dpo")
        assert (await browser.post(stand, form=page, code=again)).status == 409  # the author
    async with calling(house) as call:
        browser = Browser(call.client, house)
        house.clock.advance(timedelta(seconds=30))
        assert (await browser.sign_in(people()["director"])).status == 303
        code = house.code("director")
        assert (await browser.post(stand, form=page, code=code)).status == 303
        for name in ("pdf", "pdf-en", "json", "sig"):
            assert (await call.client.get(f"{page}/{frozen.id}/{name}")).status == 200
        assert (await browser.get(f"{page}/{frozen.id}/else"))[0] == 404
        status, shown = await browser.get(page)
        assert "director" in shown
