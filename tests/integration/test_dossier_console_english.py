"""The page of the dossier in the reader's language, with the English kept beside the draft."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from console_house import START, House, furnish, signed_in_as

from sentinel.config import Settings
from sentinel.notify.dossier import Dossier
from sentinel.notify.dossier_build import build_dossier
from sentinel.notify.dossier_phrases import Phrases, phrases

PAGE = "/incidents/incident-1/dossier"
KIND = "dossier_initial"
JSON = "application/json"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path, Settings(data_dir=tmp_path))
    furnish(made)
    yield made
    made.close()


def draft(house: House, sha256: str = "") -> None:
    """File what the service files; ``sha256``: of another dossier, where the English is stale."""
    incident = house.now_in_store(lambda tx: tx.incidents.get("incident-1"))

    def built(language: str) -> Dossier:
        return build_dossier(
            incident,
            deadlines=[],
            affected=None,
            organisation=house.settings.organisation,
            now=START,
            language=language,
        )

    french = built("fr")
    told = Phrases(sha256=sha256 or french.sha256, english=phrases(french, built("en")))
    house.file("incident-1", KIND, "fr", JSON, french.canonical())
    house.file("incident-1", KIND, "en", JSON, told.canonical())
    for language in ("fr", "en"):
        house.file("incident-1", KIND, language, "application/pdf", b"%PDF-")


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_page_speaks_the_language_of_who_reads(house: House, language: str) -> None:
    draft(house)
    async with signed_in_as(house, language=language) as browser:
        _, body = await browser.get(PAGE)
    french = language == "fr"
    assert ("a signalé" in body) == french
    assert (" reported" in body) != french
    assert ("Description of the breach" in body) != french
    assert ("Non traduit" in body) is False
    assert ("in the words of the French dossier" in body) != french  # what the person wrote
    for name in ("PDF (FR)", "PDF (EN)", "doc-dossier_initial-fr-json"):
        assert name in body
    assert "doc-dossier_initial-en-json" not in body, "the sentences are no paper"


async def test_english_of_another_draft_is_not_believed(house: House) -> None:
    draft(house, sha256="ab" * 32)
    async with signed_in_as(house) as browser:
        _, body = await browser.get(PAGE)
    assert "a signalé" in body
