"""The register: one row a breach, notified or not, and no identifier of the story in it."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from sentinel.config import Organisation
from sentinel.demo.story import tell
from sentinel.domain.affected import Affected
from sentinel.domain.deadline import Deadline
from sentinel.domain.incident import (
    Authority,
    Filing,
    FilingKind,
    Incident,
    Legal,
    Outcome,
    Persons,
)
from sentinel.notify.register import Head, Known, is_breach, row_of
from sentinel.notify.register_bare import REMOVED, Bare
from sentinel.notify.register_model import FORMAT, Anchored, Register, Row
from sentinel.notify.register_paper import as_csv, as_paper

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
AWARE = NOW - timedelta(hours=30)
ORGANISATION = Organisation(name="Exemple Télécom")


def case(**changes: object) -> Incident:
    base = Incident(
        id="i1",
        reference="INC-2026-0001",
        title="Export de la liste des clients",
        kind="bulk_export",
        created_at=AWARE,
        created_by="acc1",
        legal=Legal.QUALIFIED,
        outcome=Outcome.AUTHORITY,
        authority=Authority.INITIAL,
        persons=Persons.DUE,
        detected_at=AWARE - timedelta(hours=1),
        aware_at=AWARE,
        aware_basis="Le journal d’audit montre l’export.",
        outcome_reasons="Données de contact de nombreuses personnes.",
        affected=Affected(
            subjects=("sub_aaaaaaaaaaaaaaaa",), categories={"contact": 1}, record_count=40
        ),
        answers={"m.taken": "Compte suspendu.", "q.impacts": ["control"]},
        filings=(
            Filing(
                kind=FilingKind.INITIAL,
                number="FR-1",
                filed_at=AWARE + timedelta(hours=3),
                recorded_at=NOW,
                recorded_by="acc1",
            ),
        ),
    )
    return msgspec.structs.replace(base, **changes)


def row(
    incident: Incident | None = None,
    names: tuple[str, ...] = (),
    clocks: tuple[Deadline, ...] = (),
    language: str = "fr",
) -> Row:
    known = Known(
        incident=incident or case(),
        clocks=clocks,
        dossiers=["ab" * 32],
        head=Head(12, "cd" * 32),
        names=names,
    )
    return row_of(known, ORGANISATION, language, NOW)


def register(*rows: Row, language: str = "fr") -> Register:
    return Register(
        format=FORMAT,
        controller="Exemple Télécom",
        made_at="2026-03-09T12:00:00.000Z",
        since="",
        until="",
        language=language,
        rows=rows,
        journal=Anchored(last_seq=14, last_hash="ef" * 32),
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, True),
        ({"aware_at": None, "outcome": Outcome.NONE}, False),  # nothing confirmed
        ({"drill": True}, False),
        ({"merged_into": "i2"}, False),  # its row is that of the case that took it in
        ({"outcome": Outcome.REGISTER, "filings": ()}, True),  # not notified: here all the same
        ({"aware_at": None, "outcome": Outcome.FALSE_POSITIVE}, False),
    ],
)
def test_what_is_a_breach(changes: dict[str, object], told: bool) -> None:
    assert is_breach(case(**changes)) is told


def test_a_row_tells_facts_effects_and_action() -> None:
    found = row()
    assert "Export de la liste des clients" in found.facts
    assert found.nature == ("Perte de la confidentialité",)
    assert (found.persons_count, found.records_count) == (1, 40)
    assert found.effects == ("Perte de contrôle sur leurs données personnelles",)
    assert found.action == ("Compte suspendu.",)
    assert found.filings == ("initial FR-1 2026-03-08T09:00:00.000Z",)
    assert (found.journal_seq, found.journal_hash, found.dossiers) == (12, "cd" * 32, ("ab" * 32,))


def test_a_breach_that_was_not_notified_says_why() -> None:
    clock = Deadline(
        id="d",
        incident_id="i1",
        obligation="CNIL-72",
        basis="",
        anchor_at=AWARE,
        due_at=AWARE + timedelta(hours=72),
        waived_at=NOW,
        waived_reason="Le fichier était chiffré et la clé n’a pas quitté la maison.",
    )
    quiet = case(outcome=Outcome.REGISTER, authority=Authority.NOT_DUE, filings=())
    found = row(quiet, clocks=(clock,))
    assert found.filings == ()
    assert found.why_not_notified.startswith("Le fichier était chiffré")


def identifiers() -> set[str]:
    """Return every identifier in the story: accounts, customers, addresses, sessions."""
    found: set[str] = set()
    for batch in tell(7, NOW).batches:
        for line in batch.lines:
            if line.startswith("{"):
                told = json.loads(line)
                found |= {told["actor"]["id"], *told.get("customers", [])}
                found |= {told[key] for key in ("ip", "session") if told.get(key)}
            else:
                found |= set(re.findall(r"\b(?:\d{1,3}\.){3}\d{1,3}\b|\bC\d{5}\b", line))
    return found


def test_no_identifier_of_the_story_is_in_it() -> None:
    known = identifiers()
    assert len(known) > 300
    staff = {one for one in known if re.fullmatch(r"[a-z][\w.-]*", one)}
    told = ", ".join(sorted(known))
    loose = case(
        title=f"Accès de {told}",
        aware_basis=f"Vu pour {told}",
        outcome_reasons=f"Lu par {told}",
        answers={"m.taken": f"Suspension de {told}", "m.planned": [f"Revoir {told}"]},
        persons=Persons.EXEMPT,
        persons_reasons=f"Rien pour {told}",
    )
    found = row(loose, names=tuple(staff))
    for text in (register(found).canonical().decode(), as_csv(register(found)).decode()):
        words = set(re.split(r"[\s,;|\"]+", text))
        assert not words & known
        assert REMOVED["fr"] in text


@pytest.mark.parametrize(
    "text",
    [
        "dpo@example.org",
        "192.0.2.4",
        "2001:db8::1",
        "fe80:0:0:0:1:2:3:4",
        "usr_abcdefgh23456722",
        "06 12 34 56 78",
        "+33 6 12 34 56 78",
        "06\u00a012\u00a034\u00a056\u00a078",
        "FR76 3000 6000 0112 3456 7890 189",
        "1 85 05 78 006 084 36",
        "C00123",
        "a.martin",
        "Mme Martin",
        "Madame Le Goff",
        "YANNICK LE GOFF",
    ],
)
def test_shapes_of_identifiers_go(text: str) -> None:
    bare = Bare(["Yannick Le Goff"], "en")
    assert bare(f"Read by {text}, then closed") == f"Read by {REMOVED['en']}, then closed"


@pytest.mark.parametrize(
    "text",
    [
        "INC-2026-0001",
        "CNIL-72",
        "le 23 novembre 2026 à 5 h 31 (UTC+1)",
        "12:30:15",
        "1 200 personnes et 40 enregistrements",
        "RGPD, art. 33(3)(a)",
        "AES-256-GCM",
        "2026-03-09T12:00:00.000Z",
    ],
)
def test_what_names_nobody_stays(text: str) -> None:
    assert Bare([], "fr")(text) == text


def test_the_csv_reads_back_and_runs_no_formula() -> None:
    evil = case(outcome_reasons='=HYPERLINK("http://example.org"); +1')
    content = as_csv(register(row(evil), row()))
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert [one["reference"] for one in rows] == ["INC-2026-0001"] * 2
    assert rows[0]["risk_reasoning"].startswith("'=")
    assert rows[1]["row_sha256"] == row().sha256


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_paper_says_it_in_words(language: str) -> None:
    found = register(row(language=language), language=language)
    text = as_paper(found, "00" * 32).markdown()
    for word in ("True", "None", "high_risk", "bulk_export", "not_due", ".000Z"):
        assert word not in text
    assert ("Faits" if language == "fr" else "Facts") in text
    assert as_paper(found, "00" * 32).pdf(NOW).startswith(b"%PDF-")


def test_what_the_record_tells_is_told_in_the_language_of_the_register() -> None:
    given = {**case().answers, "q.conf": ["misuse"]}
    told = row(case(answers=given), language="en")
    assert told.facts.startswith("The monitoring of accesses reported")
    assert "Les journaux" not in told.facts
    assert told.effects[-1].startswith("Confidentiality: can be misused")
    french = row(case(answers=given)).effects[-1]
    assert french.startswith("Confidentialité\u00a0: peuvent être détournées")


def test_the_register_names_the_categories_that_the_letter_names() -> None:
    assert [one.split()[0] for one in row(language="en").data] == ["Civil", "Contact"]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_several_measures_are_joined_as_the_language_does(language: str) -> None:
    taken = ["Compte suspendu.", "Export fermé."]
    found = register(row(case(answers={"m.taken": taken}), language=language), language=language)
    joined = {"fr": "Compte suspendu\u202f; Export fermé.", "en": "Compte suspendu; Export fermé."}
    assert joined[language] in as_paper(found, "00" * 32).markdown()


def test_every_change_of_a_row_is_another_digest() -> None:
    one = row()
    other = msgspec.structs.replace(one, action=("Compte suspendu",))
    assert one.sha256 != other.sha256
    assert register(one).canonical() != register(other).canonical()
