"""``sentinel runbook`` on the command line: read, export, and work a case with a token."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sentinel.cli.main import app
from sentinel.content import content_dir

RUNNER = CliRunner()


def said(*arguments: str) -> str:
    result = RUNNER.invoke(app, ["runbook", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_every_runbook_is_listed_in_both_languages() -> None:
    slugs = {path.name for path in content_dir("runbooks").iterdir() if path.is_dir()}
    for language in ("fr", "en"):
        rows = [json.loads(row) for row in said("list", "--lang", language, "--json").splitlines()]
        assert {row["id"] for row in rows} == slugs
    assert len(slugs) == 14


def test_a_runbook_is_shown_with_the_name_of_what_is_not_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = said("show", "ransomware", "--lang", "fr")
    assert "S1 - Constater" in shown
    assert "[organisation.dpo.phone]" in shown
    (tmp_path / "sentinel.toml").write_text(
        '[organisation.dpo]\nname = "Ada Example"\nphone = "+33 1 99 00 00 00"\n'
    )
    assert "+33 1 99 00 00 00" in said("show", "ransomware")


def test_an_export_is_json_and_carries_its_marking() -> None:
    playbook = json.loads(said("export", "drill", "--format", "cacao", "--tlp", "TLP:RED"))
    assert playbook["spec_version"] == "cacao-2.0"
    (mark,) = playbook["data_marking_definitions"].values()
    assert mark["tlpv2_level"] == "TLP:RED"
    assert said("export", "drill", "--format", "markdown").startswith("---\nid: drill")


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "../rules"),
        ("show", "nothing-of-the-kind"),
        ("export", "drill", "--tlp", "TLP:PINK"),
        ("export", "drill", "--format", "pdf"),
        ("start", "INC-2026-0001"),
        ("step", "INC-2026-0001", "S1", "--skip", "a reason", "--owner", "somebody"),
    ],
)
def test_what_cannot_be_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SENTINEL_TOKEN", raising=False)
    assert RUNNER.invoke(app, ["runbook", *arguments]).exit_code != 0
