"""The sheet of clocks as a PDF that people print, in French and English."""

from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from console_house import START, House, browsing, furnish

from sentinel.config import Settings
from sentinel.domain.incident import Role
from sentinel.notify.clock_sheet import clock_sheet_pdf
from sentinel.web.console.pages import Pages
from sentinel.web.console.sheet_paper import sheet_data


@pytest.fixture
def house(tmp_path: Path):
    made = House(tmp_path, Settings(data_dir=tmp_path))
    furnish(made)
    yield made
    made.close()


def read(pdf: bytes, folder: Path) -> str:
    if shutil.which("pdftotext") is None:
        pytest.skip("no pdftotext to read it with: apt-get install poppler-utils")
    (folder / "sheet.pdf").write_bytes(pdf)
    command = ["pdftotext", "-layout", "sheet.pdf", "-"]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout.decode()


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_console_hands_the_sheet_out(house: House, language: str, tmp_path: Path) -> None:
    made = house.account("reader", Role.COMMANDER, language=language)
    async with browsing(house) as browser:
        await browser.sign_in(made)
        answer = await browser.client.get("/incidents/incident-1/sheet.pdf")
        assert answer.status == 200
        assert answer.content_type == "application/pdf"
        body = await answer.read()
    assert body.startswith(b"%PDF-")
    told = read(body, tmp_path)
    assert ("Fiche des délais" in told) == (language == "fr")
    assert ("Clock sheet" in told) == (language == "en")
    for clock in house.now_in_store(lambda tx: tx.incidents.deadlines("incident-1")):
        assert clock.due_at.strftime("%Y-%m-%dT%H:%M:%S") in told


async def test_an_administrator_gets_no_sheet(house: House) -> None:
    made = house.account("root", Role.ADMIN)
    async with browsing(house) as browser:
        await browser.sign_in(made)
        answer = await browser.client.get("/incidents/incident-1/sheet.pdf")
        assert answer.status == 403


def test_a_title_is_data_and_never_markup(house: House) -> None:
    incident = house.now_in_store(lambda tx: tx.incidents.get("incident-1"))
    hostile = msgspec.structs.replace(
        incident, title='#panic("x") *b* $x$ \u202e\u0007 😀', drill=True
    )
    clocks = house.now_in_store(lambda tx: tx.incidents.deadlines("incident-1"))
    pages = Pages("Europe/Paris")
    many = [
        msgspec.structs.replace(one, id=f"{number}", due_at=one.due_at - timedelta(days=number))
        for number in range(40)
        for one in clocks
    ]
    for given in (clocks, [], many):
        data = sheet_data(hostile, given, pages, "fr", START)
        assert clock_sheet_pdf(data, at=START).startswith(b"%PDF-")
