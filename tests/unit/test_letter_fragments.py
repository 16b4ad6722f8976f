"""Each owner adds its own words: kind of incident, finding, category of data; none contradicts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from sentinel.config import Organisation, Person
from sentinel.content import content_dir
from sentinel.domain.affected import Affected, AffectedPerson
from sentinel.domain.incident import Authority, Incident, Legal, Security
from sentinel.errors import ContentError
from sentinel.notify.letter_fragments import Fragment, gather, read_categories, read_fragment
from sentinel.notify.letter_variants import draft_variants, version_hash
from sentinel.notify.letters import LANGUAGES, Form, Letter, draft_letter

DETECTED = datetime(2026, 3, 2, 8, 12, tzinfo=UTC)
NOW = DETECTED + timedelta(hours=5)
LETTERS = content_dir("notifiers") / "letters"
KINDS = sorted(path.parent.name for path in LETTERS.glob("*/fragment.yml"))
CATEGORIES = sorted(read_categories(LETTERS))
ORGANISATION = Organisation(
    name="Exemple Télécom",
    website="https://www.example.org/incident",
    dpo=Person(name="Camille Dubreuil", email="dpo@example.org", phone="+33 1 99 00 12 34"),
)


def case(kind: str, **answers: object) -> Incident:
    return Incident(
        id="i1",
        reference="INC-2026-0001",
        title="Titre interne",
        kind=kind,
        created_at=DETECTED,
        created_by="acc1",
        security=Security.CONTAINED,
        legal=Legal.BREACH_CONFIRMED,
        authority=Authority.DUE,
        detected_at=DETECTED,
        answers={f"letter.{name}": value for name, value in answers.items()},
    )


def affected(*categories: str) -> Affected:
    return Affected(
        subjects=("sub_a",),
        categories=dict.fromkeys(categories, 1),
        first=DETECTED,
        last=DETECTED,
    )


def draft(
    kind: str,
    *categories: str,
    language: str = "fr",
    findings: tuple[str, ...] = (),
    form: Form = Form.LETTER,
    **answers: object,
) -> Letter:
    return draft_letter(
        case(kind, **answers),
        affected(*categories),
        ORGANISATION,
        language,
        NOW,
        findings=findings,
        form=form,
    )


def block(letter: Letter, name: str) -> str:
    found = next(one for one in letter.blocks if one.id == name)
    return " ".join(item for part in found.parts for item in part.items).replace("\u00a0", " ")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["happened", "meaning", "advice"])
def test_read_connection_data_and_stolen_credentials_are_two_letters(
    language: str, name: str
) -> None:
    read = draft("out_of_scope_access", "connection_data", language=language)
    stolen = draft("credential_stuffing", "identity", language=language)
    assert block(read, name) != block(stolen, name)
    assert read.subject != stolen.subject


def test_what_a_category_adds() -> None:
    read = draft("out_of_scope_access", "connection_data")
    assert "depuis quel réseau vous vous connectez" in block(read, "meaning")
    assert "mot de passe de votre espace personnel" not in block(read, "advice")
    card = draft("web_skimmer", "payment_card")
    assert "payer avec votre carte" in block(card, "meaning")
    assert block(card, "advice").startswith("Appelez votre banque dès aujourd’hui")
    iban = draft("generic", "bank_account")
    assert "treize mois" in block(iban, "advice")
    assert "faire opposition" not in block(iban, "advice")


def test_a_kind_brings_the_data_that_it_touches_by_its_nature() -> None:
    stolen = draft("credential_stuffing", "identity")
    concerned, not_concerned = block(stolen, "data").split("ne sont pas concernées")
    assert "vos moyens de connexion" in concerned
    assert "vos moyens de connexion" not in not_concerned
    assert block(stolen, "advice").startswith("Changez dès maintenant")


def test_what_a_finding_adds() -> None:
    plain = draft("bulk_export", "identity")
    lost = draft("bulk_export", "identity", findings=("export_to_unknown_destination", "x"))
    assert "Nous ne savons pas où ce fichier se trouve" in block(lost, "meaning")
    assert "Nous ne savons pas où ce fichier se trouve" not in block(plain, "meaning")
    leaked = draft("out_of_scope_access", "identity", findings=("secret_in_log",))
    assert "vos moyens de connexion" in block(leaked, "data").split("ne sont pas")[0]


def test_findings_are_rules_that_exist() -> None:
    rules = {path.stem for path in content_dir("rules").rglob("*.yml")}
    text = (LETTERS / "findings.yml").read_text(encoding="utf-8")
    named = re.findall(r"^  (\w+):", text, re.MULTILINE)
    assert named
    assert set(named) <= rules


def test_every_runbook_has_letters_of_its_own() -> None:
    runbooks = {path.name.replace("-", "_") for path in content_dir("runbooks").glob("*/")}
    runbooks -= {"drill", "README.md"}
    assert runbooks <= set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_draft_asks_for_the_facts_of_its_kind(kind: str, language: str) -> None:
    facts = read_fragment(LETTERS, kind).facts
    letter = draft(kind, "identity", language=language)
    for words in facts.values():
        asked = words.of(language)
        assert asked in [one.replace("« ", "« ").replace("\u00a0", " ") for one in letter.missing]


@pytest.mark.parametrize(
    ("copied", "said", "meaning"),
    [
        ("yes", "ils ont copié vos données", True),
        ("oui", "ils ont copié vos données", True),
        ("no", "ne montre aucune sortie", False),
        ("unknown", "Nous ne savons pas encore", True),
    ],
)
def test_ransomware_with_and_without_a_copy(copied: str, said: str, meaning: bool) -> None:
    letter = draft("ransomware", "identity", copied=copied, **{"restored.fr": "le 4 mars 2026"})
    assert said in block(letter, "happened")
    assert ("pourrait aussi" in block(letter, "meaning")) is meaning
    assert "Tant que vos données ne sont pas disponibles" in block(letter, "meaning")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_has_consequences_and_advice(language: str, category: str) -> None:
    letter = draft("generic", category, language=language)
    child = draft("minors_data", category, language=language)
    assert read_categories(LETTERS)[category].told(language, child=False) in letter.text.replace(
        "\u00a0", " "
    ).replace("\n  ", " ")
    generic = read_fragment(LETTERS, "generic")
    alone = gather(LETTERS, generic, (), (), {}, language)
    assert len(gather(LETTERS, generic, (), _category(category), {}, language).misuse) >= len(
        alone.misuse
    )
    told = read_categories(LETTERS)[category]
    if told.child is not None:
        assert told.child.of(language).split(" (")[0] in block(child, "data")


def _category(name: str) -> tuple:  # type: ignore[type-arg]
    return (read_categories(LETTERS)[name],)


def test_a_phrase_that_nobody_wrote_is_refused() -> None:
    with pytest.raises(ContentError, match="no phrase is called 'nobody'"):
        gather(LETTERS, Fragment(misuse=("nobody",)), (), (), {}, "fr")


@pytest.mark.parametrize("kind", KINDS)
def test_each_thing_is_said_once(kind: str) -> None:
    letter = draft(kind, *CATEGORIES)
    for one in letter.blocks:
        for part in one.parts:
            assert len(set(part.items)) == len(part.items)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_public_communication_speaks_of_customers(kind: str, language: str) -> None:
    public = draft(kind, "identity", language=language, form=Form.PUBLIC)
    own = ("votre dossier client", "votre enfant") if language == "fr" else ("your customer file",)
    for words in own:
        assert words not in public.subject
        assert words not in block(public, "happened")
    assert "article 34" in block(public, "opening") or kind == "minors_data"
    assert public.pdf.startswith(b"%PDF-")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_holding_statement_says_little_and_no_cause(language: str) -> None:
    letter = draft("bulk_export", "identity", language=language, form=Form.HOLDING)
    ids = [one.id for one in letter.blocks]
    assert "happened" not in ids
    assert "data" not in ids
    assert "Exemple Télécom" in letter.text
    assert "dpo@example.org" in letter.text


def persons() -> Affected:
    rows = (
        AffectedPerson(
            subject="sub_a",
            first=DETECTED,
            last=DETECTED + timedelta(hours=1),
            accesses=3,
            categories=("identity", "billing_transaction"),
        ),
        AffectedPerson(
            subject="sub_b",
            first=DETECTED,
            last=DETECTED,
            accesses=1,
            categories=("identity",),
        ),
        AffectedPerson(
            subject="sub_c",
            first=DETECTED,
            last=DETECTED,
            accesses=1,
            categories=("identity",),
        ),
    )
    return msgspec.structs.replace(
        affected("identity", "billing_transaction"),
        subjects=("sub_a", "sub_b", "sub_c", "sub_d"),
        persons=rows,
    )


def test_each_person_reads_her_own_data() -> None:
    rows = persons()
    mine = draft_letter(case("bulk_export"), rows, ORGANISATION, "fr", NOW, person=rows.persons[0])
    theirs = draft_letter(
        case("bulk_export"), rows, ORGANISATION, "en", NOW, person=rows.persons[1]
    )
    assert "vos factures" in block(mine, "data").split("ne sont pas concernées")[0]
    assert "nos journaux montrent 3 accès" in block(mine, "data")
    assert "your invoices" not in block(theirs, "data").split("not concerned")[0]
    assert "one access" in block(theirs, "data")


def test_variants_cover_every_person_once_and_hash_every_byte() -> None:
    found = draft_variants(case("bulk_export"), persons(), ORGANISATION, NOW)
    assert [(one.categories, one.subjects) for one in found] == [
        (("billing_transaction", "identity"), ("sub_a", "sub_d")),
        (("identity",), ("sub_b", "sub_c")),
    ]
    assert "vos factures" not in block(found[1].letters["fr"], "data").split("ne sont pas")[0]
    first = version_hash(found)
    again = draft_variants(case("bulk_export"), persons(), ORGANISATION, NOW)
    assert version_hash(again) == first
    one = found[1].letters["fr"]
    comma = msgspec.structs.replace(one, text=one.text.replace(",", "", 1))
    edited = msgspec.structs.replace(found[1], letters={**found[1].letters, "fr": comma})
    assert version_hash((found[0], edited)) != first


def test_phrases_are_french_where_they_should_be() -> None:
    for path in sorted(Path(LETTERS).rglob("*")):
        words = path.suffix in {".yml", ".j2"} and not path.name.endswith(".html.j2")
        if not words or path.parent.name == "lint":  # patterns, not prose
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.lstrip().startswith("fr:"):
                words = line.split("fr:", 1)[1]
                assert "'" not in words, f"{path.name}:{number}"
                assert not re.search(r"\w[;:!?](?: |$)", words), f"{path.name}:{number}"
