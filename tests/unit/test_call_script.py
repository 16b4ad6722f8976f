"""The script of the call centre: lists stay apart, the order of advice is kept, nobody is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sentinel.config import Organisation, Person
from sentinel.domain.affected import Affected
from sentinel.domain.incident import Incident, Security
from sentinel.notify.call_script import call_script

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
ORGANISATION = Organisation(
    name="Exemple Télécom",
    website="https://www.example.org/incident",
    dpo=Person(name="Camille Dubreuil", email="dpo@example.org", phone="+33 1 99 00 12 34"),
)
AFFECTED = Affected(
    subjects=("sub_aaaaaaaaaaaaaaaa",),
    categories={"identity": 1},
    record_count=1,
    first=NOW - timedelta(hours=4),
    last=NOW - timedelta(hours=2),
    query="accesses of usr_aaaaaaaaaaaaaaaa",
    sha256="ab" * 32,
)
CASE = Incident(
    id="i1",
    reference="INC-2026-0001",
    title="Export de la liste des clients",
    kind="bulk_export",
    created_at=NOW,
    created_by="a",
    security=Security.CONTAINED,
    detected_at=NOW,
)
WORDS = {
    "fr": ("ne sont pas concernées", "votre identité", "vos factures"),
    "en": ("are not concerned", "your identity", "your invoices"),
}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_what_is_not_concerned_is_not_listed_with_what_is(language: str) -> None:
    script = call_script(CASE, AFFECTED, ORGANISATION, language, NOW)
    apart, concerned, spared = WORDS[language]
    text = script.markdown()
    assert text.index(concerned) < text.index(apart) < text.index(spared)
    assert "\n## \n" not in text


@pytest.mark.parametrize("language", ["fr", "en"])
def test_advice_keeps_its_order(language: str) -> None:
    script = call_script(CASE, AFFECTED, ORGANISATION, language, NOW)
    (steps,) = [one for one in script.sections if one.numbered]
    said = [line for line in script.markdown().splitlines() if line[:1].isdigit()]
    assert [line.partition(". ")[0] for line in said] == [
        str(at) for at in range(1, len(steps.items) + 1)
    ]
    assert "Camille" not in script.markdown()
    assert script.pdf(NOW).startswith(b"%PDF-")
