"""Runbooks: what ships is sound, what is wrong is refused with its line, what is done is kept."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sentinel.clock import ManualClock
from sentinel.content import content_dir
from sentinel.domain.duration import parse_duration
from sentinel.domain.incident import Actor, Incident, Role
from sentinel.domain.runbook import Runbook
from sentinel.errors import ContentError, NotFound, Refused, UnreadableFile
from sentinel.respond.runbooks import load_runbooks, parse_runbook, runbook
from sentinel.respond.workflow import complete_step, start_runbook
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.seal import AesGcmSealer

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
SHIPPED = load_runbooks(content_dir("runbooks"))

HEAD = """---
id: sample
version: "1"
language: en
title: Sample
triggers: [some_rule]
roles: [analyst, dpo]
max_duration: P1D
clocks: [CNIL-72]
---

Read this first.

"""
STEPS = """## S1 - Look {role: analyst, within: PT15M, evidence: log}

Look at it.

## S2 - Decide {role: dpo, within: PT1H}

Decide it.
"""


def parsed(text: str) -> Runbook:
    return parse_runbook(text, "sample/runbook.en.md", slug="sample", language="en")


@pytest.mark.parametrize("slug", ["bulk-export", "out-of-scope-access"])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_what_rules_refer_to_ships_in_both_languages(slug: str, language: str) -> None:
    book = runbook(SHIPPED, slug, language)
    assert len(book.steps) >= 9
    assert book.introduction
    assert {"CNIL-72", "ART34"} <= set(book.heading.clocks)


@pytest.mark.parametrize("key", sorted(SHIPPED), ids="-".join)
def test_the_decisions_fit_into_the_72_hours(key: tuple[str, str]) -> None:
    book = SHIPPED[key]
    within = [parse_duration(step.within) for step in book.steps]
    assert within == sorted(within)
    assert within[-1] <= parse_duration(book.heading.max_duration)
    before_filing = [parse_duration(step.within) for step in book.steps if "CNIL" in step.title]
    assert all(one <= timedelta(hours=72) for one in before_filing)


@pytest.mark.parametrize("slug", sorted({slug for slug, _ in SHIPPED}))
def test_french_is_set_as_french(slug: str) -> None:
    book = SHIPPED[slug, "fr"]
    for text in [book.introduction, *(f"{step.title}\n{step.text}" for step in book.steps)]:
        assert "'" not in text
        assert not re.search(r"(?<![\u00a0\u202f])[;?!»]", text), text
        assert not re.search(r"[^\u00a0]:", text), text
        assert "« " not in text


def test_a_runbook_is_read_as_it_is_written() -> None:
    book = parsed(HEAD + STEPS)
    assert book.introduction == "Read this first."
    assert [step.facts for step in book.steps] == [
        ("S1", "analyst", "PT15M", "log"),
        ("S2", "dpo", "PT1H", "none"),
    ]
    assert book.steps[0].title == "Look"
    assert book.steps[1].text == "Decide it."
    assert book.step("S3") is None


@pytest.mark.parametrize(
    ("wrong", "line", "reason"),
    [
        ("", 1, "front matter"),
        (HEAD.removesuffix("---\n\nRead this first.\n\n") + STEPS, 1, "front matter"),
        (HEAD.replace("id: sample", "id: other") + STEPS, 1, "path says 'sample'"),
        (HEAD.replace("language: en", "language: fr") + STEPS, 1, "path says 'en'"),
        (HEAD.replace("[analyst, dpo]", "[analyst, wizard]") + STEPS, 1, "wizard"),
        (HEAD.replace("P1D", "one day") + STEPS, 1, "one day"),
        (HEAD.replace("CNIL-72", "CNIL-99") + STEPS, 9, "CNIL-99"),
        (HEAD.replace("title: Sample", "titel: Sample") + STEPS, 1, "titel"),
        (HEAD.replace("title: Sample", "title: a: b") + STEPS, 5, "mapping values"),
        (HEAD, None, "has steps"),
        (HEAD + STEPS.replace("S2", "S3"), 18, "S3 where S2"),
        (HEAD + STEPS.replace("S2", "S1"), 18, "S1 where S2"),
        (HEAD + STEPS.replace("Decide it.", ""), 18, "says nothing"),
        (HEAD + STEPS.replace("PT1H", "1 hour"), 18, "1 hour"),
        (HEAD + STEPS.replace("role: dpo", "role: legal"), 18, "does not name the role legal"),
        (HEAD + STEPS.replace("role: dpo", "role: boss"), 18, "boss"),
        (HEAD + STEPS.replace("{role: dpo, within: PT1H}", ""), 18, "a step is"),
        (HEAD + STEPS.replace("within: PT1H", "whithin: PT1H"), 18, "whithin"),
        (HEAD + STEPS.replace("evidence: log", "evidence: hearsay"), 14, "hearsay"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(wrong: str, line: int | None, reason: str) -> None:
    with pytest.raises(ContentError, match=re.escape(reason)) as refused:
        parsed(wrong)
    where = f"sample/runbook.en.md:{line}" if line else "sample/runbook.en.md"
    assert refused.value.where == where or refused.value.where.startswith(f"{where}:")


def write_pair(root: Path, english: str, french: str) -> Path:
    folder = root / "sample"
    folder.mkdir()
    (folder / "runbook.en.md").write_text(english, encoding="utf-8")
    (folder / "runbook.fr.md").write_text(french, encoding="utf-8")
    return root


def in_french(text: str) -> str:
    return text.replace("language: en", "language: fr").replace("Look", "Regarder")


def test_two_languages_that_tell_the_same_steps_are_a_pair(tmp_path: Path) -> None:
    books = load_runbooks(write_pair(tmp_path, HEAD + STEPS, in_french(HEAD + STEPS)))
    assert set(books) == {("sample", "en"), ("sample", "fr")}
    with pytest.raises(NotFound):
        runbook(books, "other", "fr")


@pytest.mark.parametrize(
    "change",
    [
        ("PT1H", "PT2H"),
        ("role: dpo", "role: analyst"),
        ("evidence: log", "evidence: file"),
        ("[some_rule]", "[other_rule]"),
        ('version: "1"', 'version: "2"'),
    ],
)
def test_two_languages_that_differ_are_refused(tmp_path: Path, change: tuple[str, str]) -> None:
    french = in_french(HEAD + STEPS).replace(*change)
    with pytest.raises(ContentError, match="other language"):
        load_runbooks(write_pair(tmp_path, HEAD + STEPS, french))


def test_a_step_too_few_is_refused(tmp_path: Path) -> None:
    french = in_french(HEAD + STEPS).partition("## S2")[0]
    with pytest.raises(ContentError, match="other language"):
        load_runbooks(write_pair(tmp_path, HEAD + STEPS, french))


def test_a_missing_language_is_refused(tmp_path: Path) -> None:
    write_pair(tmp_path, HEAD + STEPS, "")
    (tmp_path / "sample" / "runbook.fr.md").unlink()
    with pytest.raises(UnreadableFile, match=re.escape("runbook.fr.md")):
        load_runbooks(tmp_path)


ANALYST = Actor("acc-1", frozenset({Role.ANALYST}))
DPO = Actor("acc-2", frozenset({Role.DPO}))
BOOK = parsed(HEAD + STEPS)


@pytest.fixture
def store() -> Iterator[SqlCaseStore]:
    opened = SqlCaseStore.open(":memory:", AesGcmSealer(bytes(32)), ManualClock(NOW))
    with opened.begin() as tx:
        tx.incidents.put(
            Incident(
                id="i1",
                reference="INC-2026-0001",
                title="x",
                kind="y",
                created_at=NOW,
                created_by="acc-1",
            )
        )
    yield opened
    opened.close()


def complete(store: SqlCaseStore, actor: Actor, step_id: str, evidence: str = "") -> Incident:
    with store.begin() as tx:
        return complete_step(tx, actor, "i1", step_id=step_id, evidence=evidence, now=NOW)


def start(store: SqlCaseStore) -> Incident:
    with store.begin() as tx:
        return start_runbook(tx, ANALYST, "i1", runbook=BOOK, now=NOW)


def test_a_completed_step_says_who_when_and_with_which_proof(store: SqlCaseStore) -> None:
    started = start(store)
    assert (started.runbook, started.runbook_version) == ("sample", "1")
    assert started.runbook_started_at == NOW
    complete(store, DPO, "S2")
    incident = complete(store, ANALYST, "S1", " crm#17 ")
    assert set(incident.steps) == {"S1", "S2"}
    record = incident.steps["S1"]
    assert (record.by, record.at, record.evidence) == ("acc-1", NOW, "crm#17")
    with store.begin() as tx:
        actions = [line.action for line in tx.journal.lines(object_id="i1")]
    assert actions == ["incident.runbook_started", *["incident.step_completed"] * 2]


@pytest.mark.parametrize(
    ("actor", "step_id", "evidence", "reason"),
    [
        (DPO, "S1", "crm#17", "role analyst"),
        (ANALYST, "S9", "", "no step S9"),
        (ANALYST, "S1", "  ", "needs evidence"),
    ],
)
def test_a_step_is_not_completed_by_the_wrong_hand(store, actor, step_id, evidence, reason) -> None:
    start(store)
    with pytest.raises(Refused, match=reason):
        complete(store, actor, step_id, evidence)


def test_a_step_is_completed_once_and_only_after_the_start(store: SqlCaseStore) -> None:
    with pytest.raises(Refused, match="not started"):
        complete(store, DPO, "S2")
    start(store)
    complete(store, DPO, "S2")
    with pytest.raises(Refused, match="already"):
        complete(store, DPO, "S2")
    with pytest.raises(Refused, match="already"):
        start(store)
