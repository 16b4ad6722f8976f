"""The calendar on its page: obligations, weekly reviews, who is on duty."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from console_house import START, House, signed_in_as

from sentinel.config import Settings
from sentinel.domain.incident import Actor, Role
from sentinel.legal.obligations import in_force
from sentinel.respond import log_review, obligations

SETTINGS = Settings.model_validate(
    {"calendar": {"since": "2025-01-01"}, "rota": {"officer": "absent-officer"}}
)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = House(tmp_path, SETTINGS)
    week = log_review.draw(
        [], week="2026-W09", since=START - timedelta(days=7), until=START, share=0.05, now=START
    )
    drill = obligations.named(in_force(START.date()), "breach-drill")
    actor = Actor("acc", frozenset({Role.DPO}))

    def fill(tx) -> None:
        log_review.keep(tx, week, START)
        obligations.complete(
            tx, actor, drill, done_on=START.date(), proof="pack.zip", sha256="b" * 64, now=START
        )

    opened.now_in_store(fill)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("fr", ("Calendrier des obligations", "Test d’intrusion", "jamais", "2026-W09")),
        ("en", ("Calendar of obligations", "Penetration test", "never", "waits for a signature")),
    ],
)
async def test_the_page(house: House, language: str, said: tuple[str, ...]) -> None:
    async with signed_in_as(house, Role.DPO, language=language) as browser:
        status, page = await browser.get("/calendar")
        _, today = await browser.get("/")
    assert status == 200
    for words in said:
        assert words in page
    assert "pack.zip" in page
    assert 'href="/calendar"' in today


async def test_an_administrator_sees_no_calendar(house: House) -> None:
    async with signed_in_as(house, Role.ADMIN) as browser:
        status, _ = await browser.get("/calendar")
    assert status == 403
