"""Short letters with a fault, and innocent ones that use its words, for each code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from sentinel.notify.lint.linter import lint_letter

FIXTURES = Path(__file__).parents[1] / "fixtures" / "letters_plain"
LETTERS: dict[str, Any] = yaml.safe_load(
    (FIXTURES / "second_round.yml").read_text(encoding="utf-8")
)
LETTER = {
    "fr": "Objet : Fuite de vos données\n\nMadame,\n\n{}\n\nVoilà qui est dit, et bien dit.\n",
    "en": "Subject: Breach of your data\n\nDear Sir,\n\n{}\n\nThis is said, and so is this one.\n",
}
SUBJECT = {"fr": "Objet : {}\n\nMadame,", "en": "Subject: {}\n\nDear Sir,"}


def judged(code: str, language: str, text: str) -> bool:
    shape = SUBJECT if code == "subject_not_explicit" else LETTER
    report = lint_letter(shape[language].replace("{}", text).encode(), language)
    return code in {*report.missing, *(one.code for one in report.findings)}


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("code", list(LETTERS))
def test_a_fault_is_found_and_its_look_alike_is_not(code: str, language: str) -> None:
    letters = LETTERS[code][language]
    assert [one for one in letters["found"] if not judged(code, language, one)] == []
    assert [one for one in letters["innocent"] if judged(code, language, one)] == []


ROWS = [
    ("<tr><td>Référence :</td><td>AB 12</td></tr><tr><td>Date</td><td></td></tr>", True),
    ("<tr><td>Référence :</td><td>AB 12</td></tr><tr><td>Date</td><td>3 mars</td></tr>", False),
    ("<tr><td>La Maison</td><td></td></tr>", False),
    ("<tr><td>Date :</td><td><img src='x.png'></td></tr>", False),
    ("<tr><td><ul><li>nom</li><li></li></ul></td></tr>", True),
]


@pytest.mark.parametrize(("rows", "found"), ROWS)
def test_a_label_beside_an_empty_cell(rows: str, found: bool) -> None:
    page = f"<html><body><p>Objet : Vol de vos données</p><table>{rows}</table><p>Fin.</p></body>"
    report = lint_letter(page.encode(), "fr")
    assert ("empty_field" in {one.code for one in report.findings}) is found
