"""Every PDF that leaves the house, held to PDF/UA-1 (ISO 14289-1) by veraPDF, not by us.

Brought by ``tests/servers/verapdf/install.sh``; it runs beside us and is shipped nowhere.
``SENTINEL_PDF_UA=all`` takes the letters of every kind of incident, else those of two.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from sentinel.app.art30 import art30_paper
from sentinel.clock import isoformat
from sentinel.config import Organisation, Person, Settings
from sentinel.content import content_dir
from sentinel.domain.affected import Affected
from sentinel.domain.disclosure import Recipient
from sentinel.domain.incident import Filing, FilingKind, Incident, Legal, Persons, Security
from sentinel.domain.lateness import DatedFact, Ground, Lateness
from sentinel.notify.disclosure_extract import extract
from sentinel.notify.dossier import Dossier
from sentinel.notify.dossier_build import build_dossier
from sentinel.notify.dossier_pdf import Frozen, dossier_pdf
from sentinel.notify.dossier_phrases import phrases
from sentinel.notify.letters import Form, draft_letter
from sentinel.notify.notice_facts import Part
from sentinel.notify.processor_notice import processor_notice
from sentinel.notify.register import Head, Known, row_of
from sentinel.notify.register_model import FORMAT, Anchored, Register
from sentinel.notify.register_paper import as_paper

SERVERS = Path(__file__).parent.parent / "servers" / "verapdf"
LIBRARY = Path(os.environ.get("VERAPDF", "/opt/sentinel-tests/verapdf")) / "lib"
NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
AWARE = NOW - timedelta(hours=80)
ORGANISATION = Organisation(
    name="Exemple Télécom",
    siren="123456782",
    address="1 rue de l’Exemple, 75000 Paris",
    website="https://www.example.org/incident",
    dpo=Person(name="Camille Dubreuil", email="dpo@example.org", phone="+33 1 99 00 12 34"),
)
AFFECTED = Affected(
    subjects=("sub_aaaaaaaaaaaaaaaa",),
    categories={"contact": 3, "identity": 3, "credentials": 1},
    record_count=40,
    first=AWARE - timedelta(hours=4),
    last=AWARE - timedelta(hours=2),
    query="accesses of usr_aaaaaaaaaaaaaaaa",
    sha256="ab" * 32,
)
PAPERS = {"dossier", "register", "art30", "notice", "extract"}


def case(kind: str = "bulk_export", **changes: object) -> Incident:
    base = Incident(
        id="i1",
        reference="INC-2026-0001",
        title="Export de la liste des clients",
        kind=kind,
        created_at=AWARE,
        created_by="a",
        security=Security.CONTAINED,
        legal=Legal.BREACH_CONFIRMED,
        persons=Persons.DUE,
        detected_at=AWARE - timedelta(hours=1),
        aware_at=AWARE,
        aware_basis="Le journal montre l’export.",
        affected=AFFECTED,
        answers={
            "m.taken": [{"at": isoformat(AWARE), "fr": "Compte suspendu.", "en": "Suspended."}],
            "q.impacts": ["control"],
            "n.withdraw_reason": "Aucune donnée n’a été consultée.",
        },
        lateness=Lateness(
            ground=Ground.PROCESSOR,
            facts=(DatedFact(at=AWARE, text="Le rapport est arrivé."),),
            evidence=("e1",),
            reasons="Le rapport du prestataire n’est arrivé que le quatrième jour.",
            at=NOW,
            by="a",
        ),
    )
    return msgspec.structs.replace(base, **changes)


def built(language: str) -> Dossier:
    return build_dossier(
        case(),
        deadlines=[],
        affected=None,
        organisation=ORGANISATION,
        now=AWARE,
        language=language,
    )


def dossiers() -> dict[str, bytes]:
    first = built("fr")
    known = phrases(first, built("en"))
    filing = Filing(
        kind=FilingKind.INITIAL, number="FR-1", filed_at=AWARE, recorded_at=AWARE, recorded_by="a"
    )
    filed = case(filings=(filing,), drill=True, answers={**case().answers, "q.severity": "limited"})
    mark = Frozen(key_id="ab" * 8, signature="cd" * 64)
    found = {
        "dossier-draft-fr": dossier_pdf(first),
        "dossier-draft-en": dossier_pdf(first, language="en", known=known),
        "dossier-initial-fr": dossier_pdf(first, None, mark),
        "dossier-initial-en": dossier_pdf(first, None, mark, language="en", known=known),
    }
    for kind in (FilingKind.COMPLEMENT, FilingKind.COMPLETE, FilingKind.WITHDRAW):
        later = build_dossier(
            filed,
            kind=kind,
            deadlines=[],
            affected=None,
            organisation=ORGANISATION,
            now=NOW,
            before=first,
        )
        for language in ("fr", "en"):
            pdf = dossier_pdf(later, None, mark, language=language, known=known)
            found[f"dossier-{kind}-{language}"] = pdf
    return found


def papers(language: str) -> dict[str, bytes]:
    known = Known(incident=case(), clocks=(), dossiers=(), head=Head(1, "ab" * 32), names=())
    register = Register(
        format=FORMAT,
        controller="Exemple Télécom",
        made_at=isoformat(NOW),
        since="",
        until="",
        language=language,
        rows=(row_of(known, ORGANISATION, language, NOW),),
        journal=Anchored(last_seq=1, last_hash="ab" * 32),
    )
    made = {
        "register": as_paper(register, "cd" * 32),
        "art30": art30_paper(Settings(organisation=ORGANISATION), language, NOW),
        "notice": processor_notice(case(), "Banque Exemple", None, ORGANISATION, language, NOW),
        "extract": extract(
            case(), Recipient.POLICE, "Réquisition 12", tuple(Part), ORGANISATION, language, NOW
        ),
    }
    return {f"{name}-{language}": paper.pdf(NOW) for name, paper in made.items()}


def letters(language: str) -> dict[str, bytes]:
    folder = content_dir("notifiers") / "letters"
    statements = {form.value for form in Form} | {"lint", "public", "holding", "processor_notice"}
    kinds = sorted(
        one.name for one in folder.iterdir() if one.is_dir() and one.name not in statements
    )
    if os.environ.get("SENTINEL_PDF_UA") != "all":
        kinds = kinds[:2]
    found = {}
    for kind in kinds:
        letter = draft_letter(case(kind), AFFECTED, ORGANISATION, language, NOW)
        found[f"letter-{kind}-{language}"] = letter.pdf
    for form in (Form.PUBLIC, Form.HOLDING):
        told = draft_letter(case(), AFFECTED, ORGANISATION, language, NOW, form=form)
        found[f"{form.value}-{language}"] = told.pdf
    return found


def everything() -> dict[str, bytes]:
    found = dossiers()
    for language in ("fr", "en"):
        found |= papers(language) | letters(language)
    return found


@pytest.mark.slow
def test_every_pdf_is_pdf_ua_1(tmp_path: Path) -> None:
    java = shutil.which("java")
    if java is None or not LIBRARY.is_dir():
        pytest.skip("veraPDF is absent: run tests/servers/verapdf/install.sh (maven and Java)")
    made = everything()
    assert {name.partition("-")[0] for name in made} >= PAPERS | {"letter"}
    for name, content in made.items():
        (tmp_path / f"{name}.pdf").write_bytes(content)
    files = sorted(str(one) for one in tmp_path.glob("*.pdf"))
    done = subprocess.run(
        [java, "-Xmx512m", "-cp", f"{LIBRARY}/*", str(SERVERS / "Validate.java"), *files],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(rows) == len(files), done.stderr
    print(len(rows), "PDF files,", sum(row["assertions"] for row in rows), "assertions")
    failed = {Path(row["file"]).name: row["failed"] for row in rows if not row["compliant"]}
    assert failed == {}


@pytest.mark.slow
def test_the_validator_finds_a_pdf_that_is_not(tmp_path: Path) -> None:
    java = shutil.which("java")
    if java is None or not LIBRARY.is_dir():
        pytest.skip("veraPDF is absent: run tests/servers/verapdf/install.sh (maven and Java)")
    good = dossiers()["dossier-draft-en"]
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(good.replace(b"/StructTreeRoot", b"/StructTreeRo0t"))
    done = subprocess.run(
        [java, "-Xmx512m", "-cp", f"{LIBRARY}/*", str(SERVERS / "Validate.java"), str(broken)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    (row,) = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert not row["compliant"]
