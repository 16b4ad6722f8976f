"""What leaves the house, word for word: a change of a template shows up as a change of these files.

``UPDATE_GOLDEN=1`` writes them anew; read the difference before you commit it.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sentinel.config import Organisation, Person
from sentinel.content import content_dir
from sentinel.domain.affected import Affected
from sentinel.domain.incident import Authority, Incident, Legal, Persons, Security
from sentinel.notify.dossier_build import build_dossier
from sentinel.notify.letters import Form, draft_letter

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


FACTS = {
    "letter.device.fr": "un ordinateur portable",
    "letter.device.en": "a laptop",
    "letter.encrypted": "no",
    "letter.recipient.fr": "un autre client",
    "letter.recipient.en": "another customer",
    "letter.deleted": "yes",
    "letter.copied": "unknown",
    "letter.restored.fr": "depuis le 31 mars 2026",
    "letter.restored.en": "as of 31 March 2026",
    "letter.processor.fr": "l’un de nos prestataires",
    "letter.processor.en": "one of our service providers",
    "letter.service.fr": "l’envoi de nos factures",
    "letter.service.en": "sending our invoices",
    "letter.page.fr": "la page de paiement de notre site",
    "letter.page.en": "the payment page of our site",
}
KINDS = sorted(
    path.parent.name for path in (content_dir("notifiers") / "letters").glob("*/fragment.yml")
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
            ],
            **FACTS,
        },
    )


def check(name: str, text: str) -> None:
    path = HERE / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_letters(kind: str, language: str) -> None:
    now = DETECTED + timedelta(hours=12)
    letter = draft_letter(case(kind), AFFECTED, ORGANISATION, language, now)
    check(f"letter-{kind}.{language}.txt", f"{letter.subject}\n\n{letter.text}")


@pytest.mark.parametrize("form", [Form.PUBLIC, Form.HOLDING])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_statements(form: Form, language: str) -> None:
    now = DETECTED + timedelta(hours=12)
    found = draft_letter(case("bulk_export"), AFFECTED, ORGANISATION, language, now, form=form)
    check(f"statement-{form.value}.{language}.txt", f"{found.subject}\n\n{found.text}")


def test_dossier() -> None:
    dossier = build_dossier(
        case("out_of_scope_access"),
        deadlines=[],
        affected=AFFECTED,
        organisation=ORGANISATION,
        now=DETECTED + timedelta(hours=12),
    )
    check("dossier-initial.json", dossier.canonical().decode() + "\n")
