"""The page of the daily review: reasons in the reader's language, what was cut, who may read it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest
from console_house import START, House, make_alert, signed_in_as

from sentinel.config import Settings
from sentinel.domain.incident import Role
from sentinel.domain.reason import Reason
from sentinel.domain.review import Entry, Review
from sentinel.respond.reviews import DAYS, review_name
from sentinel.respond.staff_answers import record_answer

STAFF = {"informed_on": "2026-01-05", "informed_how": "a note", "dpia_on": "2025-12-15"}
DAY = date(2026, 3, 4)


def keep(house: House, **changes: object) -> None:
    entry = Entry(
        actor="usr_a",
        role="support",
        team="support-1",
        subject="sub_9",
        looks=3,
        first=START - timedelta(days=1),
        last=START - timedelta(days=1),
        events=("e1",),
        refs=("crm#1",),
        categories=("identity",),
        verdicts=("unexplained",),
        explained=False,
        score=3.25,
        reasons=(Reason("review.tie.none"), Reason("review.looks", {"looks": 3})),
        alert="alert-1",
    )
    review = Review(
        day=DAY,
        reviewed_at=START,
        budget=20,
        visits=412,
        unexplained=31,
        forbidden=2,
        entries=(entry,),
        cut=7,
        highest_cut=1.5,
        history=30,
        learning=False,
    )
    review = msgspec.structs.replace(review, **changes)
    name = review_name(DAY)
    sealed = house.sealer.seal(msgspec.json.encode(review), context=name)
    house.now_in_store(lambda tx: tx.state.put(name, sealed))
    house.now_in_store(lambda tx: tx.state.put(DAYS, msgspec.json.encode([DAY])))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = House(tmp_path, Settings.model_validate({"scope": {"staff": STAFF}}))
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Daily review", "no business fact relates", "Highest score that was cut", "1.5"]),
        ("fr", ["Examen quotidien", "aucun fait métier", "Plus haut score laissé de côté", "1.5"]),
    ],
)
async def test_the_list_is_shown_with_reasons_and_what_was_cut(
    house: House, language: str, words: list[str]
) -> None:
    keep(house)
    async with signed_in_as(house, Role.ANALYST, language=language) as browser:
        for path in ("/reviews", f"/reviews/{DAY}"):
            status, page = await browser.get(path)
            assert status == 200
            for word in [*words, "usr_a", "sub_9", "/alerts/alert-1"]:
                assert word in page


async def test_a_learning_review_and_an_unlive_one_say_so(tmp_path: Path) -> None:
    house = House(tmp_path)
    keep(house, learning=True)
    async with signed_in_as(house, Role.ANALYST) as browser:
        _, page = await browser.get("/reviews")
    house.close()
    assert "still learning" in page
    assert "Staff monitoring is off" in page
    assert "informed_on" in page


async def test_before_the_first_review_the_page_says_when_it_comes(house: House) -> None:
    async with signed_in_as(house, Role.ANALYST) as browser:
        status, page = await browser.get("/reviews")
        assert status == 200
        assert "No day was reviewed yet" in page
        assert (await browser.get("/reviews/2026-01-01"))[0] == 404
        assert (await browser.get("/reviews/yesterday"))[0] == 404


async def test_an_administrator_reads_no_review(house: House) -> None:
    keep(house)
    async with signed_in_as(house, Role.ADMIN) as browser:
        status, page = await browser.get("/reviews")
    assert status == 403
    assert "sub_9" not in page


async def test_an_answer_stands_beside_its_alert(house: House) -> None:
    house.now_in_store(lambda tx: tx.alerts.put(make_alert()))
    house.now_in_store(
        lambda tx: record_answer(
            tx,
            make_alert().id,
            by="a.martin",
            text="<b>She called</b> me",
            evidence="T-7",
            manager=True,
            now=START,
        )
    )
    async with signed_in_as(house, Role.ANALYST) as browser:
        _, page = await browser.get(f"/alerts/{make_alert().id}")
    assert "&lt;b&gt;She called" in page
    assert "a.martin (manager)" in page
    assert "T-7" in page
