"""The dossier read in English: the same answers, no French of ours, a person’s French marked."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from sentinel.config import Organisation, Person
from sentinel.domain.affected import Affected
from sentinel.domain.blind import BlindWindow, Cause
from sentinel.domain.frozen_dossier import FrozenDossier
from sentinel.domain.incident import Filing, FilingKind, Incident, Legal, Persons, Security
from sentinel.domain.lateness import Ground, Lateness
from sentinel.legal.forms import Field, Option, Section, load_form
from sentinel.notify.dossier import Dossier
from sentinel.notify.dossier_build import build_dossier
from sentinel.notify.dossier_pdf import Frozen, dossier_pdf, page_data
from sentinel.notify.dossier_phrases import as_written, phrases, said
from sentinel.notify.dossier_words import show
from sentinel.notify.lateness_words import lateness_text

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
AWARE = NOW - timedelta(hours=80)
FORM = load_form()
SAME = {"Audits", "Discrimination", "Exact", "Exfiltration", "Notification", "Patients"} | {
    "Pseudonymisation"
}
FRENCH = re.compile(
    r"\b(le|la|les|des|du|de|une?|et|est|ou|où|avec|pour|dans|sur|par|au|aux|en|à|ce|cette|qui|que"
    r"|sont|été|pas|avant|depuis|oui|non|autre|brouillon|dossier d|d’|l’|n’|n°|RGPD)(?=\W)|«|»",
    re.IGNORECASE,
)
NOT_FRENCH = re.compile(r"art\. 30 records|on a per|Non-|EDPB", re.IGNORECASE)
BLIND = BlindWindow(
    id="b",
    cause=Cause.SILENCE,
    source="crm",
    begin=AWARE - timedelta(hours=6),
    seen=AWARE - timedelta(hours=5),
    end=AWARE - timedelta(hours=5),
)
ORGANISATION = Organisation(
    name="Example Telecom",
    siren="123456782",
    address="1 Example Street, 75000 Paris",
    sector="J",
    dpo=Person(name="Camille Dubreuil", email="dpo@example.org", phone="+33 1 99 00 12 34"),
)
MEASURE = {"at": "2026-03-06T05:00:00Z", "fr": "Compte suspendu.", "en": "Account suspended."}


def case(**changes: object) -> Incident:
    base = Incident(
        id="i1",
        reference="INC-2026-0001",
        title="Export of the list of customers",
        kind="bulk_export",
        channel="alert",
        created_at=AWARE,
        created_by="a",
        security=Security.CONTAINED,
        legal=Legal.BREACH_CONFIRMED,
        persons=Persons.DUE,
        detected_at=AWARE - timedelta(hours=1),
        aware_at=AWARE,
        aware_basis="The log shows the export.",
        affected=Affected(
            subjects=tuple(f"sub_{number:016}" for number in range(1200)),
            categories={"contact": 3, "connection_data": 3, "documents": 1},
            record_count=40_000,
            first=AWARE - timedelta(hours=4),
            last=AWARE - timedelta(hours=2),
            query="accesses of usr_aaaaaaaaaaaaaaaa",
            sha256="ab" * 32,
        ),
        answers={
            "m.taken": [MEASURE],
            "q.impacts": ["control", "secrecy"],
            "p.countries": {"FR": 1100, "DE": 100},
            "i.date": "2026-03-12",
            "c.size": "sme",
        },
    )
    return msgspec.structs.replace(base, **changes)


def build(incident: Incident, language: str, **more: object) -> Dossier:
    given = {"now": NOW, "before": None, "kind": FilingKind.INITIAL} | more
    return build_dossier(
        incident,
        deadlines=[],
        affected=None,
        organisation=ORGANISATION,
        limits=[BLIND],
        language=language,
        **given,
    )


def both(incident: Incident, **more: object) -> tuple[Dossier, dict[str, str]]:
    french = build(incident, "fr", **more)
    return french, phrases(french, build(incident, "en", **more))


def row(data: dict[str, object], field: str) -> dict[str, object]:
    return next(one for part in data["sections"] for one in part["rows"] if one["id"] == field)


def labels() -> list[Section | Field | Option]:
    return [*FORM.sections, *FORM.fields, *(one for f in FORM.fields for one in f.options)]


def test_every_label_and_every_option_has_its_english() -> None:
    for one in labels():
        assert one.label_en.strip(), one
        assert one.label_en != one.label_fr or one.label_en in SAME, one
        assert not re.search(r"[éèêàçùûôîœ«»]| [:;?!]", one.label_en), one.label_en


def read(pdf: bytes, folder: Path) -> str:
    if shutil.which("pdftotext") is None:
        pytest.skip("no pdftotext to read it with: apt-get install poppler-utils")
    (folder / "dossier.pdf").write_bytes(pdf)
    command = ["pdftotext", "-raw", "dossier.pdf", "-"]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout.decode()


def filed() -> tuple[Filing, ...]:
    return (
        Filing(
            kind=FilingKind.INITIAL,
            number="FR-1",
            filed_at=NOW,
            recorded_at=NOW,
            recorded_by="a",
        ),
    )


@pytest.mark.parametrize("kind", list(FilingKind))
@pytest.mark.parametrize("frozen", [None, Frozen(key_id="", signature="")])
def test_no_french_word_is_left_on_paper(
    kind: FilingKind, frozen: Frozen | None, tmp_path: Path
) -> None:
    first, known = both(case())
    incident = case(drill=True) if kind is FilingKind.INITIAL else case(filings=filed())
    before = None if kind is FilingKind.INITIAL else first
    dossier, more = both(incident, kind=kind, before=before)
    pdf = dossier_pdf(dossier, None, frozen, language="en", known=known | more)
    text = read(pdf, tmp_path)
    assert len(text) > 3000
    told = NOT_FRENCH.sub("", text)
    assert [told[max(0, m.start() - 30) : m.end() + 30] for m in FRENCH.finditer(told)] == []
    flat = re.sub(r"\s+", " ", text)
    assert "What is filed with the CNIL is the French dossier with the same SHA-256." in flat
    assert dossier.sha256 in text


def test_the_pattern_finds_the_french_of_the_french_dossier(tmp_path: Path) -> None:
    text = read(dossier_pdf(build(case(), "fr")), tmp_path)
    assert len(FRENCH.findall(text)) > 100


def test_the_english_copy_is_tagged_and_says_its_language() -> None:
    french, known = both(case())
    pdf = dossier_pdf(french, language="en", known=known)
    assert b"/Lang(en-GB)" in pdf
    assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf
    assert pdf == dossier_pdf(french, language="en", known=known)


def test_the_language_changes_no_byte_of_what_is_frozen_or_filed() -> None:
    french, known = both(case())
    assert french.sha256 == build(case(), "fr").sha256
    assert page_data(french, known=known) == page_data(french)
    data = page_data(french, language="en", known=known)
    assert data["sha256"] == french.sha256


def test_dates_numbers_countries_and_blind_windows_are_english() -> None:
    french, known = both(case())
    data = page_data(french, language="en", known=known)
    assert data["aware"] == "6\u00a0March\u00a02026 at 05:00 (UTC+1)"
    assert data["evidence"]["records"] == "40,000"
    assert row(data, "p.countries")["lines"] == ["France: 1,100", "Germany: 100"]
    assert row(data, "i.date")["lines"] == ["12 March 2026"]
    (description,) = row(data, "b.description")["lines"]
    assert "1,200 distinct persons" in description
    assert "from the record of blind windows: A source is silent (source crm)" in description
    assert "connection data (IP address" in " ".join(row(data, "d.categories")["lines"])
    assert row(data, "q.conf")["owner"] == "data protection officer"
    rows = [one for part in data["sections"] for one in part["rows"]]
    assert [one["id"] for one in rows if one["as_written"]] == ["t.awareness_basis"]


def test_a_gap_is_told_in_english_with_its_paragraph() -> None:
    built = build_dossier(case(), deadlines=[], affected=None, organisation=Organisation(), now=NOW)
    gaps = page_data(built, language="en")["gaps"]
    assert "Name of the controller: the answer is missing (GDPR, art. 33(3)(b))" in gaps


def test_words_of_a_person_in_one_language_stay_and_are_marked() -> None:
    answers = {
        "t.awareness_basis": "Le journal montre l’export.",
        "m.taken": [MEASURE, {"fr": "Mots de passe changés."}],
        "b.origin": {"codes": ["other"], "text": "badge prêté"},
    }
    french, known = both(case(answers=answers, aware_basis=""))
    data = page_data(french, language="en", known=known)
    for field, line in (
        ("t.awareness_basis", "Le journal montre l’export."),
        ("m.taken", "Mots de passe changés."),
        ("b.origin", "Other (to be specified): badge prêté"),
    ):
        assert row(data, field)["lines"][-1] == line
        assert row(data, field)["as_written"], field
        assert not row(page_data(french), field)["as_written"]
    assert row(data, "m.taken")["lines"][0].endswith(": Account suspended.")


def test_words_in_english_only_are_not_dropped_from_what_is_filed() -> None:
    french = build(case(answers={"m.taken": [{"en": "Account suspended."}]}), "fr")
    assert row(page_data(french), "m.taken")["lines"] == ["Account suspended."]


def test_the_reasons_of_a_delay_keep_the_words_of_who_gave_them() -> None:
    given = Lateness(
        ground=Ground.PROCESSOR,
        facts=(),
        evidence=("e1",),
        reasons="Le rapport n’est arrivé que le quatrième jour.",
        at=NOW,
        by="a",
    )
    french, known = both(case(lateness=given))
    data = page_data(french, language="en", known=known)
    assert row(data, "t.late_reasons")["as_written"]
    (told,) = row(data, "t.late_reasons")["lines"]
    assert told.startswith("Ground: information came late from a processor")
    assert given.reasons in told
    for ground in Ground:
        later = msgspec.structs.replace(given, ground=ground)
        assert lateness_text(later, "en").startswith("Ground: ")


def test_a_change_reads_in_english_on_both_sides() -> None:
    first, known = both(case())
    later = case(filings=filed(), title="Two exports of the list")
    second, more = both(later, kind=FilingKind.COMPLEMENT, before=first)
    data = page_data(second, language="en", known=known | more)
    (change,) = (one for one in data["changes"] if one["id"] == "b.description")
    assert change["before"][0].startswith("The monitoring of accesses reported")
    assert "Two exports" in change["after"][0]
    assert not change["before_as_written"]
    alone = page_data(second, language="en", known=more)["changes"]
    (change,) = (one for one in alone if one["id"] == "b.description")
    assert change["before_as_written"], "frozen before the English was kept beside it"


def test_a_dossier_frozen_before_reads_in_english_with_its_french_sentences_marked() -> None:
    old = (
        b'{"id":"d","incident_id":"i","created_at":"2026-03-09T12:00:00Z","created_by":"a",'
        b'"kind":"initial","form":"cnil-1","sha256":"ef","json_id":"j","pdf_id":"p"}'
    )
    record = msgspec.json.decode(old, type=FrozenDossier)
    assert record.english == {}
    mark = Frozen(key_id="", signature="", sha256="ef" * 32)
    data = page_data(build(case(), "fr"), mark, language="en", known=record.english)
    assert row(data, "b.description")["as_written"]
    assert data["sha256"] == "ef" * 32


@pytest.mark.parametrize(
    ("field", "answer", "marked"),
    [
        ("b.description", "La phrase.", False),
        ("b.description", "Une autre.", True),
        ("c.name", "Exemple Télécom", False),
        ("b.nature", ["confidentiality"], False),
        ("b.nature", {"codes": ["confidentiality"], "text": ""}, False),
        ("m.before", {"codes": ["other"], "text": "badges"}, True),
        ("t.estimated", True, False),
        ("m.planned", [{"en": "Review"}], False),
        ("m.planned", [{"text": "Revue"}], True),
        ("q.risk_reasoning", {"unknown": {"owner": "dpo"}}, False),
        ("q.risk_reasoning", {"not_applicable": True}, False),
        ("q.risk_reasoning", None, False),
    ],
)
def test_what_counts_as_words_of_a_person(field: str, answer: object, marked: bool) -> None:
    assert as_written(FORM.field(field), answer, {"La phrase.": "The sentence."}) is marked


def test_sentences_are_replaced_wherever_they_stand() -> None:
    known = {"a": "b"}
    assert said({"x": ["a", {"y": "a"}], "z": 1}, known) == {"x": ["b", {"y": "b"}], "z": 1}
    assert said(None, known) is None


def test_a_planned_measure_says_whose_it_is_and_until_when() -> None:
    planned = FORM.field("m.planned")
    answer = [{"fr": "Revue des droits", "en": "Review", "owner": "dpo", "due": "2026-04-01"}]
    french = "Revue des droits (responsable\xa0: délégué à la protection des données\u202f; "
    assert show(planned, answer, "fr").lines == (f"{french}échéance\xa0: 1\xa0avril\xa02026)",)
    english = "Review (owner: data protection officer; due: 1 April 2026)"
    assert show(planned, answer, "en").lines == (english,)
