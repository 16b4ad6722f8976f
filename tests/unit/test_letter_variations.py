"""Each block of a letter in many words, and sentences that use its words without doing its work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from sentinel.notify.lint.functions import FUNCTIONS
from sentinel.notify.lint.linter import lint_letter
from sentinel.notify.lint.report import LintReport

PLAIN = Path(__file__).parents[1] / "fixtures" / "letters_plain"
SENTENCES: dict[str, Any] = yaml.safe_load((PLAIN / "variations.yml").read_text(encoding="utf-8"))
LETTER = {
    "fr": "Objet : Fuite de vos données\n\nMadame,\n\n{}\n\nVoilà qui est dit, et bien dit.\n",
    "en": "Subject: Breach of your data\n\nDear Sir,\n\n{}\n\nThis is said, and so is this one.\n",
}


def lint(text: str, language: str) -> LintReport:
    return lint_letter(LETTER[language].format(text).encode(), language)


def cases() -> list[tuple[str, str]]:
    return [(name, language) for name in FUNCTIONS for language in LETTER]


@pytest.mark.parametrize(("function", "language"), cases())
def test_a_block_is_seen_in_many_words(function: str, language: str) -> None:
    sentences = SENTENCES["good"][function][language]
    assert [one for one in sentences if function in lint(one, language).missing] == []


@pytest.mark.parametrize(("function", "language"), cases())
def test_the_words_of_a_block_are_not_the_block(function: str, language: str) -> None:
    sentences = SENTENCES["bad"][function][language]
    assert [one for one in sentences if function not in lint(one, language).missing] == []


FIELDS = [
    ("fr", "Données présentes dans la copie :\n\nDonnées absentes :", True),
    ("fr", "Données présentes :\n\nnom, adresse\n\nDonnées absentes :\n\ntéléphone", False),
    ("fr", "«Civilité» «Nom»", False),
    ("en", "Data about you in the copy:\n\nData not in the copy:", True),
    ("en", "Data in the copy:\n\n- name\n\nMeasures:\n\n- lock changed", False),
]


@pytest.mark.parametrize(("language", "text", "found"), FIELDS)
def test_a_label_above_a_label_is_empty(language: str, text: str, found: bool) -> None:
    assert ("empty_field" in {one.code for one in lint(text, language).findings}) is found


@pytest.mark.parametrize(("cell", "found"), [("", True), ("nom, adresse", False)])
def test_a_cell_without_a_value_is_empty(cell: str, found: bool) -> None:
    page = (
        "<html><body><p>Objet : Fuite de vos données</p>\n<table>\n"
        f"<tr><th>Données concernées</th><td>{cell}</td></tr>\n</table>\n<p>Pardon.</p></body>"
    )
    codes = {one.code for one in lint_letter(page.encode(), "fr").findings}
    assert ("empty_field" in codes) is found


REQUESTS = [
    ("en", "Write to us from your own mailbox, giving the old password.", True),
    ("en", "Never write to anyone giving your password.", False),
    ("fr", "Pour activer la nouvelle carte, rappelez-nous et dictez votre code secret.", True),
    ("fr", "Ajoutez à vos factures la phrase « notre IBAN ne change pas ».", False),
]


@pytest.mark.parametrize(("language", "text", "found"), REQUESTS)
def test_who_is_asked_for_which_secret_decides(language: str, text: str, found: bool) -> None:
    codes = {one.code for one in lint(text, language).findings}
    assert ("asks_for_credentials" in codes) is found


PRAISE = [
    ("We want to assure you that we responded at once.", False),
    ("We want to assure you that your data are safe.", True),
    ("Rest assured that we are attentive to your privacy.", False),
    ("Rest assured.", True),
]


@pytest.mark.parametrize(("text", "found"), PRAISE)
def test_praise_of_oneself_is_not_comfort(text: str, found: bool) -> None:
    codes = {one.code for one in lint(text, "en").findings}
    assert ("minimising_language" in codes) is found
