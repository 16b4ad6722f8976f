"""What leaves the house, word for word: a change of a template shows up as a change of these files.

``UPDATE_GOLDEN=1`` writes them anew; read the difference before you commit it.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sentinel.config import Organisation, Person
from sentinel.domain.affected import Affected
from sentinel.domain.incident import Authority, Incident, Legal, Persons, Security
from sentinel.notify.dossier import build_initial
from sentinel.notify.letters import draft_letter

HERE = Path(__file__).parent
DETECTED = datetime(2026, 3, 28, 22, 12, tzinfo=UTC)  # the clocks change that night
ORGANISATION = Organisation(
    name="Exemple Télécom",
    siren="123456782",
    address="1 rue de l’Exemple, 75000 Paris",
    sector="J",
    website="https://www.example.org/incident",
    dpo=Person(
        name="Camille Dubreuil",
        email="dpo@example.org",
        phone="+33 1 99 00 12 34",
        hours="9 h - 18 h",
        title="Déléguée à la protection des données",
    ),
)
AFFECTED = Affected(
    subjects=tuple(f"sub_{number:016}" for number in range(12)),
    categories={"identity": 12, "contact": 12, "billing_transaction": 3},
    record_count=27,
    first=DETECTED - timedelta(minutes=58),
    last=DETECTED + timedelta(hours=4),
    query="accesses of usr_aaaaaaaaaaaaaaaa between two instants",
    sha256="0123456789abcdef" * 4,
)


def case(kind: str) -> Incident:
    return Incident(
        id="i1",
        reference="INC-2026-0001",
        title="Consultations hors du périmètre",
        kind=kind,
        created_at=DETECTED,
        created_by="acc1",
        actors=("usr_aaaaaaaaaaaaaaaa",),
        security=Security.CONTAINED,
        legal=Legal.BREACH_CONFIRMED,
        authority=Authority.DUE,
        persons=Persons.DUE,
        detected_at=DETECTED,
        aware_at=DETECTED + timedelta(hours=9),
        aware_basis="Les journaux ont été relus avec le responsable du service.",
        answers={
            "m.taken": [
                {
                    "at": "2026-03-29T06:30:00Z",
                    "fr": "Le compte a été suspendu et ses sessions fermées.",
                    "en": "The account was suspended and its sessions closed.",
                }
            ]
        },
    )


def check(name: str, text: str) -> None:
    path = HERE / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["bulk_export", "out_of_scope_access", "generic"])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_letters(kind: str, language: str) -> None:
    now = DETECTED + timedelta(hours=12)
    letter = draft_letter(case(kind), AFFECTED, ORGANISATION, language, now)
    check(f"letter-{kind}.{language}.txt", f"{letter.subject}\n\n{letter.text}")


def test_dossier() -> None:
    dossier = build_initial(
        case("out_of_scope_access"),
        deadlines=[],
        affected=AFFECTED,
        organisation=ORGANISATION,
        now=DETECTED + timedelta(hours=12),
    )
    check("dossier-initial.json", dossier.canonical().decode() + "\n")
