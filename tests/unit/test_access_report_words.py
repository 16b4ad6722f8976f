"""The answer to an access request (GDPR art. 15) is in words: no code, no bare date."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from sentinel.app.access_report import Access, AccessReport, paper_of

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
REPORT = AccessReport(
    subject="sub_aaaaaaaaaaaaaaaa",
    since=None,
    until=AT,
    accesses=(
        Access(
            at=AT,
            action="customer.read",
            category="identity",
            role="support",
            outcome="success",
            reason={"fr": "ticket", "en": "ticket"},
            examined=False,
            kept_until=date(2027, 3, 2),
        ),
    ),
    own={"GET": 1200, "invoice.read": 1},
    zone="Europe/Paris",
)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("fr", ("consultation de la fiche", "2 mars 2027", "- page consultée : 1 200")),
        ("en", ("customer file read", "2 March 2027", "- page viewed: 1,200")),
    ],
)
def test_what_a_person_reads_is_in_words(language: str, said: tuple[str, ...]) -> None:
    text = paper_of(REPORT, language).markdown()
    plain = text.replace("\u00a0", " ").replace("\u202f", " ")
    assert all(one in plain for one in said)
    assert not any(code in text for code in ("customer.read", "invoice.read", "2027-03-02", "GET"))
