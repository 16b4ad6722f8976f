"""The dossier on paper: tagged PDF/UA, the same bytes for the same facts, no markup from data."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sentinel.config import Organisation
from sentinel.domain.incident import Incident
from sentinel.errors import ContentError
from sentinel.legal.forms import load_form
from sentinel.notify.dossier import Dossier
from sentinel.notify.dossier_build import build_dossier
from sentinel.notify.dossier_pdf import dossier_pdf, page_data
from sentinel.notify.dossier_words import Shown, show
from sentinel.notify.pdf import compile_pdf

NOW = datetime(2026, 3, 2, 10, 12, tzinfo=UTC)
FORM = load_form()


def dossier(title: str = "Export", **changes: object) -> Dossier:
    incident = Incident(
        id="i1",
        reference="INC-2026-0001",
        title=title,
        kind="bulk_export",
        created_at=NOW,
        created_by="acc1",
        aware_at=NOW,
        drill=bool(changes.pop("drill", False)),
        answers=changes,
    )
    return build_dossier(
        incident, deadlines=[], affected=None, organisation=Organisation(name=title), now=NOW
    )


def test_the_pdf_is_tagged_titled_and_in_french() -> None:
    pdf = dossier_pdf(dossier())
    assert pdf.startswith(b"%PDF-")
    assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf
    assert b"/Lang(fr-FR)" in pdf
    assert b"<dc:title>" in pdf


def test_the_same_dossier_is_the_same_pdf() -> None:
    assert dossier_pdf(dossier()) == dossier_pdf(dossier())
    assert dossier_pdf(dossier()) != dossier_pdf(dossier("Autre"))


@settings(max_examples=15, deadline=None)
@given(st.text(st.characters(codec="utf-8"), min_size=1))
@example("\U0001f600")
@example("x\U0001f3fb")
@example("\ufeff\x00\x07\x7f\u2028")
@example("中文字符集测试用例很多不同的字")
@example('"\\')
@example("\\u0000 \\\\b \\f")
def test_no_text_breaks_the_page(text: str) -> None:
    markup = "#panic() $x$ *a* _b_ [c] \\ @d `e` // /* " + text
    assert dossier_pdf(dossier(markup)).startswith(b"%PDF-")


def test_the_page_shows_the_clock_and_the_digest() -> None:
    given_ = dossier()
    data = page_data(given_)
    assert data["sha256"] == given_.sha256
    assert str(data["aware"]).replace("\u00a0", " ") == "2 mars 2026 à 11 h 12 (UTC+1)"
    assert str(data["due"]).replace("\u00a0", " ") == "5 mars 2026 à 11 h 12 (UTC+1)"
    assert data["open"] == len(given_.unknown)


def test_72_hours_across_the_change_of_clocks_are_elapsed_hours() -> None:
    incident = Incident(
        id="i",
        reference="INC-2026-0002",
        title="t",
        kind="x",
        created_at=NOW,
        created_by="a",
        aware_at=datetime(2026, 3, 28, 9, 0, tzinfo=UTC),
    )
    built = build_dossier(
        incident, deadlines=[], affected=None, organisation=Organisation(), now=NOW
    )
    data = page_data(built)
    assert str(data["aware"]).replace("\u00a0", " ") == "28 mars 2026 à 10 h 00 (UTC+1)"
    assert str(data["due"]).replace("\u00a0", " ") == "31 mars 2026 à 11 h 00 (UTC+2)"


def test_what_must_be_mended_is_named_with_its_paragraph() -> None:
    gaps = page_data(dossier())["gaps"]
    assert isinstance(gaps, list)
    assert any(str(gap).endswith("(RGPD, art. 33(3)(b))") for gap in gaps)


def test_a_withdrawal_leaves_nothing_to_be_completed() -> None:
    given = dossier()
    bare = dict.fromkeys(given.answers)
    told = page_data(msgspec.structs.replace(given, kind="withdraw", answers=bare))
    states = {row["state"] for section in told["sections"] for row in section["rows"]}
    assert "blank" in states
    assert "missing" not in states
    again = page_data(msgspec.structs.replace(given, kind="initial", answers=bare))
    assert "missing" in {row["state"] for part in again["sections"] for row in part["rows"]}


def test_a_drill_says_so() -> None:
    assert page_data(dossier(drill=True))["drill"] is True
    assert dossier_pdf(dossier(drill=True)) != dossier_pdf(dossier())


@pytest.mark.parametrize(
    ("field", "answer", "language", "lines"),
    [
        ("t.in_progress", False, "fr", ("Non",)),
        ("t.in_progress", True, "en", ("Yes",)),
        ("p.count", 1200, "fr", ("1\u202f200",)),
        ("c.siren", "123456782", "fr", ("123\u00a0456\u00a0782",)),
        ("b.nature", ["confidentiality"], "fr", ("Perte de la confidentialité",)),
        (
            "b.origin",
            {"codes": ["verbal", "other"], "text": "badge prêté"},
            "fr",
            (
                "Informations personnelles divulguées de façon verbale",
                "Autre (à préciser)\u00a0: badge prêté",
            ),
        ),
        ("b.origin", {"codes": [], "text": "only text"}, "en", ("only text",)),
        ("t.discovery_mode", {"code": "press", "text": "x"}, "en", ("Press or social media: x",)),
        ("c.dpo", {"name": "N", "phone": "+33", "email": ""}, "fr", ("N", "+33")),
        ("i.date", "2026-03-02", "fr", ("2\u00a0mars\u00a02026",)),
        ("b.description", "l'accès", "fr", ("l’accès",)),
        (
            "m.taken",
            [{"at": "2026-03-02T09:00:00Z", "fr": "Compte suspendu", "en": "Suspended"}],
            "en",
            ("2\u00a0March\u00a02026 at 10:00 (UTC+1): Suspended",),
        ),
        ("p.countries", {"FR": 12, "BE": 3}, "fr", ("France\u00a0: 12", "Belgique\u00a0: 3")),
        ("c.sector", "J", "fr", ("Section J de la NAF",)),
    ],
)
def test_answers_in_words(
    field: str, answer: object, language: str, lines: tuple[str, ...]
) -> None:
    assert show(FORM.field(field), answer, language) == Shown(state="given", lines=lines)


@pytest.mark.parametrize(
    ("field", "answer", "state"),
    [
        ("c.name", None, "missing"),
        ("c.size", None, "optional"),
        ("n.previous_ref", {"not_applicable": True}, "not_applicable"),
        ("q.risk", {"unknown": None}, "unknown"),
        ("p.count", 0, "given"),
    ],
)
def test_states_of_an_answer(field: str, answer: object, state: str) -> None:
    assert show(FORM.field(field), answer, "fr").state == state


def test_an_unknown_answer_names_its_owner_and_its_date() -> None:
    answer = {"unknown": {"owner": "dpo", "due": "2026-03-05T10:12:00Z"}}
    shown = show(FORM.field("q.risk"), answer, "fr")
    assert shown.owner == "délégué à la protection des données"
    assert shown.due.replace("\u00a0", " ") == "5 mars 2026 à 11 h 12 (UTC+1)"


def test_a_wrong_template_is_told_with_its_file(tmp_path: Path) -> None:
    template = tmp_path / "bad.typ"
    template.write_text("#let x = ", encoding="utf-8")
    with pytest.raises(ContentError, match=r"bad\.typ"):
        compile_pdf(template, {}, at=NOW)


def test_a_template_without_a_title_is_refused(tmp_path: Path) -> None:
    template = tmp_path / "untitled.typ"
    template.write_text("Hello", encoding="utf-8")
    with pytest.raises(ContentError, match="title"):
        compile_pdf(template, {}, at=NOW)


def test_a_template_reads_no_file_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    folder = tmp_path / "cnil"
    folder.mkdir()
    (folder / "t.typ").write_text('#read("../secret.txt")', encoding="utf-8")
    with pytest.raises(ContentError):
        compile_pdf(folder / "t.typ", {}, at=NOW)
