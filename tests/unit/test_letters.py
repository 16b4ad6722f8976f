"""The letter to the persons: every block that art. 34(2) asks for, no empty field, no other person.

Promises R-41 (nature, data, measures), R-48 (complaint), R-49 (no password), R-63 (French).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import msgspec
import pytest

from sentinel.config import Organisation, Person
from sentinel.content import content_dir
from sentinel.domain.affected import Affected
from sentinel.domain.incident import (
    Authority,
    Filing,
    FilingKind,
    Incident,
    Legal,
    Outcome,
    Security,
)
from sentinel.errors import ContentError
from sentinel.notify.letter_blocks import Block, Part, Run, missing, missing_in, parse_block, runs
from sentinel.notify.letters import BLOCKS, LANGUAGES, Letter, draft_letter
from sentinel.notify.measures import measures_of

DETECTED = datetime(2026, 3, 2, 8, 12, tzinfo=UTC)
NOW = DETECTED + timedelta(hours=5)
LETTERS = content_dir("notifiers") / "letters"
KINDS = tuple(sorted(path.parent.name for path in LETTERS.glob("*/fragment.yml")))
FACTS = {
    "device.fr": "un ordinateur portable",
    "device.en": "a laptop",
    "encrypted": "no",
    "recipient.fr": "un autre client",
    "recipient.en": "another customer",
    "deleted": "yes",
    "copied": "unknown",
    "restored.fr": "le 4 mars 2026",
    "restored.en": "on 4 March 2026",
    "processor.fr": "l’un de nos prestataires",
    "processor.en": "one of our service providers",
    "service.fr": "l’envoi de nos factures",
    "service.en": "sending our invoices",
    "page.fr": "la page de paiement de notre site",
    "page.en": "the payment page of our site",
}
ORGANISATION = Organisation(
    name="Exemple Télécom",
    address="1 rue de l’Exemple, Paris",
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
    subjects=("sub_aaaaaaaaaaaaaaaa", "sub_bbbbbbbbbbbbbbbb"),
    categories={"identity": 2, "contact": 2},
    record_count=2,
    first=DETECTED - timedelta(minutes=30),
    last=DETECTED,
)
MEASURES = [
    {
        "at": "2026-03-02T09:00:00Z",
        "fr": "Le compte a été suspendu.",
        "en": "The account was suspended.",
    }
]


def case(kind: str = "bulk_export", **changes: object) -> Incident:
    incident = Incident(
        id="i1",
        reference="INC-2026-0001",
        title="Titre interne",
        kind=kind,
        created_at=DETECTED,
        created_by="acc1",
        actors=("usr_cccccccccccccccc",),
        security=Security.CONTAINED,
        legal=Legal.BREACH_CONFIRMED,
        authority=Authority.DUE,
        detected_at=DETECTED,
        answers={
            "m.taken": MEASURES,
            "letter.story.fr": "Un récit.",
            "letter.story.en": "A story.",
            **{f"letter.{name}": value for name, value in FACTS.items()},
        },
    )
    return msgspec.structs.replace(incident, **changes)


def draft(
    incident: Incident | None = None,
    language: str = "fr",
    *,
    affected: Affected | None = AFFECTED,
    organisation: Organisation = ORGANISATION,
) -> Letter:
    return draft_letter(incident or case(), affected, organisation, language, NOW)


def plain(letter: Letter) -> str:
    """The body on one line, every kind of space a space."""
    return re.sub(r"\s+", " ", letter.text)


EXPECTED = {
    "fr": [
        "Le 2 mars 2026, entre 8 h 42 et 9 h 12 (heure de Paris)",
        "Les données suivantes sont concernées : - ",
        "les données suivantes ne sont pas concernées : - ",
        "Ce que cela peut signifier pour vous",
        "- 2 mars 2026 : le compte a été suspendu.",
        "Ce que vous pouvez faire, dans cet ordre",
        ". Méfiez-vous",
        "Nom : Camille Dubreuil",
        "Courriel : dpo@example.org",
        "Téléphone : +33 1 99 00 12 34",
        "Horaires : 9 h - 18 h",
        "Nous notifions cet incident à la Commission nationale de l’informatique et des libertés",
        "adresser une réclamation à la CNIL",
        "https://www.example.org/incident",
        "Nous ne vous demanderons jamais votre mot de passe",
    ],
    "en": [
        "On 2 March 2026, between 08:42 and 09:12 (Paris time)",
        "The following data are concerned: - your",
        "the following data are not concerned: - your",
        "What it may mean for you",
        "- 2 March 2026: the account was suspended.",
        "What you can do, in this order",
        ". Be wary",
        "Name: Camille Dubreuil",
        "E-mail: dpo@example.org",
        "Telephone: +33 1 99 00 12 34",
        "Hours: 9 h - 18 h",
        "We are notifying this incident to the Commission nationale",
        "lodge a complaint with the CNIL",
        "https://www.example.org/incident",
        "We will never ask you for your password",
    ],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_full_case_gives_a_letter_without_a_hole(kind: str, language: str) -> None:
    letter = draft(case(kind), language)
    assert letter.missing == ()
    assert [block.id for block in letter.blocks] == list(BLOCKS)
    for sentence in EXPECTED[language]:
        assert sentence in plain(letter)
    assert letter.pdf.startswith(b"%PDF-")
    assert b"<pdfuaid:part>1</pdfuaid:part>" in letter.pdf


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_bare_case_marks_every_missing_fact(kind: str, language: str) -> None:
    bare = Incident(id="i", reference="R", title="t", kind=kind, created_at=NOW, created_by="a")
    letter = draft(bare, language, affected=None, organisation=Organisation())
    mark = "[à compléter : " if language == "fr" else "[to be completed: "
    assert len(letter.missing) >= 8
    for what in letter.missing:
        assert f"{mark}{what}]".replace("\u00a0", " ") in plain(letter)
    for line in letter.text.splitlines():
        assert not re.fullmatch(r"(- )?[^\[]*:\s*", line) or line.endswith(":")
        assert "None" not in line
    for block in letter.blocks:
        assert all(item.strip(" -:.") for part in block.parts for item in part.items)
    assert "<mark>" in letter.html


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_other_person_and_no_internal_word_stands_in_the_letter(language: str) -> None:
    letter = draft(case(), language)
    for text in (letter.subject, letter.text, letter.html):
        for inner in ("sub_", "usr_", "acc1", "INC-2026", "Titre interne", "bulk_export"):
            assert inner not in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"authority": Authority.DUE}, "Nous notifions cet incident"),
        ({"authority": Authority.INITIAL}, "Nous avons notifié cet incident à la"),
        (
            {
                "authority": Authority.COMPLETE,
                "filings": (
                    Filing(
                        kind=FilingKind.INITIAL,
                        number="1",
                        filed_at=NOW,
                        recorded_at=NOW,
                        recorded_by="a",
                    ),
                ),
            },
            "Nous avons notifié cet incident, le 2 mars 2026, à la",
        ),
        (
            {"authority": Authority.NOT_DUE, "outcome": Outcome.REGISTER},
            "registre des violations de données",
        ),
        ({"authority": Authority.NOT_DUE}, "[à compléter : information de la Commission"),
    ],
)
def test_the_letter_says_what_the_authority_knows(changes: dict[str, object], said: str) -> None:
    assert said in plain(draft(case(**changes)))


def test_stolen_credentials_come_first_in_the_advice() -> None:
    touched = msgspec.structs.replace(AFFECTED, categories={"credentials": 1})
    assert "1. Changez dès maintenant le mot de passe" in plain(draft(affected=touched))
    assert "Changez dès maintenant" not in plain(draft())


def test_a_category_without_plain_words_is_marked_and_not_dropped() -> None:
    touched = msgspec.structs.replace(AFFECTED, categories={"identity": 1, "voice_print": 1})
    assert draft(affected=touched).missing == ("voice_print",)


def test_an_open_incident_is_not_said_to_be_contained() -> None:
    assert "bloqué" in plain(draft())
    assert "bloqué" not in plain(draft(case(security=Security.OPEN)))


def test_a_measure_without_its_translation_is_marked() -> None:
    answers = {"m.taken": [{"fr": "Compte suspendu"}]}
    assert draft(case(answers=answers), "en").missing == ("measure to be written in English",)
    assert draft(case(answers=answers), "fr").missing == ()


def test_a_drill_says_so_in_the_subject() -> None:
    assert draft(case(drill=True)).subject.startswith("[EXERCICE] ")
    assert draft(case(drill=True), "en").subject.startswith("[DRILL] ")
    assert not draft().subject.startswith("[")


def test_the_same_case_gives_the_same_bytes() -> None:
    assert draft() == draft()


class Tags(HTMLParser):
    """Checks that every tag is closed, and records what the page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.language = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "html":
            self.language = given.get("lang") or ""
        self.loads += [name for name in given if name in {"src", "href", "background"}]
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_html_is_well_formed_and_loads_nothing(language: str) -> None:
    page = Tags()
    page.feed(draft(language=language).html)
    assert page.open == []
    assert page.loads == []  # no tracking pixel, no style sheet from elsewhere
    assert page.language == language


def test_data_never_become_markup() -> None:
    organisation = ORGANISATION.model_copy(update={"name": "<b>#panic()</b> *x* $y$"})
    letter = draft(organisation=organisation)
    assert "<b>" not in letter.html
    assert "&lt;b&gt;#panic()" in letter.html
    assert letter.pdf.startswith(b"%PDF-")


def test_a_value_cannot_start_a_heading_or_a_list() -> None:
    organisation = ORGANISATION.model_copy(update={"name": "A\n# B\n- C"})
    letter = draft(organisation=organisation)
    assert "A # B - C" in plain(letter)
    assert [block.id for block in letter.blocks if block.heading == "B"] == []


def test_french_is_set_as_french() -> None:
    letter = draft()
    texts = [item for block in letter.blocks for part in block.parts for item in part.items]
    texts += [block.heading for block in letter.blocks] + [letter.subject]
    for text in texts:
        assert "'" not in text
        assert not re.search(r" [:;?!»]|« ", text), text


def test_no_line_is_longer_than_a_mail_shows() -> None:
    assert max(len(line) for line in draft().text.splitlines()) <= 78


def test_there_are_letters_in_two_languages_only() -> None:
    with pytest.raises(ContentError):
        draft(language="de")


@pytest.mark.parametrize("kind", KINDS)
def test_french_and_english_have_the_same_blocks(kind: str) -> None:
    french = {path.name for path in (LETTERS / kind / "fr").glob("*")}
    english = {path.name for path in (LETTERS / kind / "en").glob("*")}
    assert french == english
    if kind == "generic":
        assert french == {f"{block}.j2" for block in (*BLOCKS, "subject")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_french_and_english_have_the_same_shape(language: str) -> None:
    other = draft(language="en" if language == "fr" else "fr")
    for mine, theirs in zip(draft(language=language).blocks, other.blocks, strict=True):
        assert [(p.kind, len(p.items)) for p in mine.parts] == [
            (p.kind, len(p.items)) for p in theirs.parts
        ]


def test_blocks_are_read_line_by_line() -> None:
    text = "# Head\n\none\ntwo\n\nthree\n- a\n- b\n\n+ x\n\n+ y\n"
    assert parse_block("b", text) == Block(
        "b",
        "Head",
        (
            Part("paragraph", ("one two",)),
            Part("paragraph", ("three",)),
            Part("bullets", ("a", "b")),
            Part("steps", ("x", "y")),
        ),
    )
    assert parse_block("b", "\n\n") == Block("b", "", ())


def test_what_is_missing_is_found_again() -> None:
    text = f"avant {missing('fr')('la date')} après"
    assert runs(text) == [
        Run("avant ", False),
        Run("[à compléter : la date]", True),
        Run(" après", False),
    ]
    assert missing_in([text, text, missing("en")("x")]) == ("la date", "x")
    assert missing_in([text.replace(" :", "\u00a0:")]) == ("la date",)


@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        (None, []),
        ("", []),
        ({"unknown": {"owner": "dpo", "due": "2026-03-02T09:00:00Z"}}, []),
        ("Fait.", ["Fait"]),
        (["Un", "", {"text": "Deux"}], ["Un", "Deux"]),
        ([{"text": "non daté"}, {"at": "2026-03-03T00:00:00Z", "text": "b"}], ["b", "non daté"]),
        (
            [
                {"at": "2026-03-03T00:00:00Z", "text": "b"},
                {"at": "2026-03-02T00:00:00Z", "text": "a"},
            ],
            ["a", "b"],
        ),
        ([{"at": "not a date", "text": "x"}, 7], ["x"]),
    ],
)
def test_measures_in_every_shape(answer: object, texts: list[str]) -> None:
    assert [measure.text("fr") for measure in measures_of({"m.taken": answer})] == texts
