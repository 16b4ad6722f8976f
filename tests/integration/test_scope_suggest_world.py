"""A template that was taken away is proposed back, from accesses and facts alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scope_world import make_world
from typer.testing import CliRunner, Result

from sentinel.cli.main import app

ROLES = """\
title: {en: Roles, fr: Rôles}
roles:
  support: {title: {en: S, fr: S}, categories: ["*"], acts: ["*"]}
  sales: {title: {en: V, fr: V}, categories: ["*"], acts: ["*"]}
"""
TEMPLATES = {
    "ticket": """\
  - {id: own_ticket, title: {en: T, fr: T}, roles: [support], categories: ["*"], fact: ticket}
""",
    "portfolio": """\
  - {id: own_portfolio, title: {en: P, fr: P}, roles: [sales], categories: ["*"], fact: portfolio}
""",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_world(tmp_path_factory.mktemp("suggest") / "world", 11)
    (folder / "labels.csv").unlink()  # nothing is learnt from labels
    return folder


def suggest(world: Path, scopes: Path, *more: str) -> Result:
    arguments = ["scope", "suggest", "--world", str(world), "--scopes", str(scopes), *more]
    return CliRunner().invoke(app, arguments)


def model(folder: Path, *kinds: str) -> Path:
    folder.mkdir()
    templates = "templates:\n" + "".join(TEMPLATES[kind] for kind in kinds) if kinds else ""
    (folder / "staff.yml").write_text(ROLES + templates, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("kept", "missing", "role"),
    [("ticket", "portfolio", "sales"), ("portfolio", "ticket", "support")],
)
def test_it_proposes_back_what_was_taken_away(
    world: Path, tmp_path: Path, kept: str, missing: str, role: str
) -> None:
    result = suggest(world, model(tmp_path / "scopes", kept), "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)["suggestions"]
    first = [one for one in found if one["gain"] == max(one["gain"] for one in found)]
    assert [(one["role"], one["kind"], one["agent"]) for one in first] == [(role, missing, "actor")]
    assert first[0]["confidence"] > 0.9
    assert (kept, "now") not in {(one["kind"], one["window"]) for one in found}


def test_the_file_is_written_elsewhere_only(world: Path, tmp_path: Path) -> None:
    scopes = model(tmp_path / "scopes")
    inside = suggest(world, scopes, "--output", str(scopes / "more.yml"))
    assert type(inside.exception).__name__ == "UsageError"
    assert not (scopes / "more.yml").exists()
    outside = suggest(world, scopes, "--output", str(tmp_path / "proposed.yml"))
    assert outside.exit_code == 0
    assert "none is in force" in outside.stderr
    assert (tmp_path / "proposed.yml").read_text(encoding="utf-8").startswith("# PROPOSED")


def test_it_says_what_it_needs(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["scope", "suggest"])
    assert type(result.exception).__name__ == "UsageError"
