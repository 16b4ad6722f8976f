"""Effective permissions against the matrix: each kind of difference, and wrong files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sentinel.content import content_dir
from sentinel.detect.scope.drift import Drift, DriftItem, find_drift, load_permissions
from sentinel.detect.scope.facts import FactIndex
from sentinel.detect.scope.load import load_scope
from sentinel.domain.scope import Fact
from sentinel.errors import ContentError, UnreadableFile

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MODEL = load_scope(content_dir("rules") / "scopes")
HEAD = "staff,role,category,last_used\n"
USED = "2026-03-01T08:00:00Z"
SRE = f"a.sre,sre,connection_data,{USED}\n"


def drift(tmp_path: Path, rows: str, *facts: Fact) -> list[DriftItem]:
    file = tmp_path / "permissions.csv"
    file.write_text(HEAD + rows, encoding="utf-8")
    return find_drift(
        load_permissions(file),
        MODEL,
        FactIndex(facts),
        now=NOW,
        dormant_after=timedelta(days=90),
    )


def found(items: list[DriftItem]) -> set[tuple[str, str]]:
    return {(item.kind.value, item.what) for item in items}


def test_an_account_as_the_matrix_has_it_is_silent(tmp_path: Path) -> None:
    assert drift(tmp_path, SRE) == []


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (SRE + f"a.sre,sre,identity,{USED}\n", {("too_much", "identity")}),
        (
            f"b,billing,identity,{USED}\nb,billing,contact,{USED}\n",
            {("too_little", "billing_transaction")},
        ),
        (f"c,root,identity,{USED}\n", {("unknown_role", "root")}),
        (SRE + f"a.sre,sre,dreams,{USED}\n", {("unknown_category", "dreams")}),
        ("d,sre,connection_data,2025-11-01T08:00:00Z\n", {("dormant", "2025-11-01")}),
        ("e,sre,connection_data,\n", {("dormant", "-")}),
    ],
)
def test_each_difference_is_named(
    tmp_path: Path, rows: str, expected: set[tuple[str, str]]
) -> None:
    assert found(drift(tmp_path, rows)) == expected


def employment(until: datetime | None, number: int = 1) -> Fact:
    return Fact(kind="employment", id=f"E{number}", actor="a.sre", valid_to=until)


def test_a_leaver_with_a_live_account_is_named(tmp_path: Path) -> None:
    gone = employment(NOW - timedelta(days=2))
    assert found(drift(tmp_path, SRE, gone)) == {("leaver", "2026-02-28")}
    assert drift(tmp_path, SRE, gone, employment(None, 2)) == []
    assert drift(tmp_path, SRE, employment(NOW + timedelta(days=2))) == []


def test_an_access_says_that_an_account_is_alive(tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    file.write_text('[{"user": "e", "role": "sre", "permission": "connection_data"}]')
    items = find_drift(
        load_permissions(file),
        MODEL,
        FactIndex(),
        now=NOW,
        dormant_after=timedelta(days=90),
        last_access=lambda _staff: NOW - timedelta(days=3),
    )
    assert items == []


def test_every_difference_has_words_in_both_languages() -> None:
    for kind in Drift:
        item = DriftItem(kind=kind, staff="a", role="sre", what="identity")
        assert item.reason.text("en") != item.reason.text("fr")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("p.csv", "staff,role,colour\na,sre,red\n", "colour"),
        ("p.csv", "staff,role\na\n", "1 cells where 2"),
        ("p.csv", "staff,role\n,sre\n", "staff and role"),
        ("p.csv", "staff,role,last_used\na,sre,yesterday\n", "not an instant"),
        ("p.csv", "staff,role\n", "no permission"),
        ("p.json", "{", "not JSON"),
        ("p.json", "{}", "an array"),
        ("p.json", "[3]", "an object"),
    ],
)
def test_a_wrong_file_is_told_so(tmp_path: Path, name: str, text: str, says: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ContentError, match=says) as caught:
        load_permissions(tmp_path / name)
    assert str(tmp_path / name) in caught.value.where


def test_a_missing_file_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile):
        load_permissions(tmp_path / "none.csv")
