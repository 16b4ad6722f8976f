"""`sentinel scope coverage` and `why` on lines of the audit log and a table of facts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from sentinel.cli.main import app

FACTS = (
    "kind,id,customer,staff,team,category,opened_by,valid_from,valid_to,recorded_at\n"
    "ticket,T1,C00001,a.martin,support-1,,C00001,"
    "2026-01-05T09:00:00Z,2026-01-06T09:00:00Z,2026-01-05T09:00:00Z\n"
    "ticket,T2,C00002,a.martin,support-1,,a.martin,"
    "2026-01-05T09:00:00Z,2026-01-06T09:00:00Z,2026-01-05T09:00:00Z\n"
)


def audit(number: int, customer: str, category: str = "identity") -> str:
    entry: dict[str, Any] = {
        "id": f"crm-{number}",
        "time": "2026-01-05T12:00:00.000Z",
        "actor": {"id": "a.martin", "kind": "staff", "roles": ["support"], "team": "support-1"},
        "action": "customer.read",
        "outcome": "success",
        "customers": [customer],
        "category": category,
        "records": 1,
        "ip": "192.0.2.4",
        "environment": "production",
    }
    return json.dumps(entry) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = [audit(1, "C00001"), audit(2, "C00002"), audit(3, "C00003")]
    lines += [audit(4, "C00001", "billing_transaction"), "not an access\n"]
    (tmp_path / "audit.ndjson").write_text("".join(lines), encoding="utf-8")
    (tmp_path / "facts.csv").write_text(FACTS, encoding="utf-8")
    return tmp_path


def scope(folder: Path, command: str, *arguments: str) -> Result:
    rest = [str(folder / "audit.ndjson"), "--facts", str(folder / "facts.csv")]
    rest += ["--profile", "crm-audit", "--format", "json"]
    return CliRunner().invoke(app, ["scope", command, *arguments, *rest, "--json"])


def test_coverage_counts_by_role_and_template(folder: Path) -> None:
    result = scope(folder, "coverage")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["roles"] == {
        "support": {
            "accesses": 4,
            "explained": 2,
            "weak": 1,
            "unexplained": 1,
            "forbidden": 1,
            "templates": {"ticket_of_the_customer": 2},
        }
    }
    assert json.loads(result.stdout)["all"]["accesses"] == 4
    assert "1 of 5 lines" in result.stderr


@pytest.mark.parametrize(
    ("number", "verdict", "code", "word"),
    [
        (1, "explained", 0, "T1"),
        (2, "explained", 0, "weak"),
        (3, "unexplained", 1, "no ticket"),
        (4, "forbidden", 1, "does not cover"),
    ],
)
def test_why_gives_the_verdict_and_its_proof(
    folder: Path, number: int, verdict: str, code: int, word: str
) -> None:
    result = scope(folder, "why", f"{folder / 'audit.ndjson'}:{number}")
    assert result.exit_code == code
    said = json.loads(result.stdout)
    assert said["verdict"] == verdict
    assert word in " ".join(said["reasons"]["en"])
    assert len(said["reasons"]["fr"]) == len(said["reasons"]["en"])


def test_why_of_an_unknown_event_says_so(folder: Path) -> None:
    result = scope(folder, "why", "evt_unknown")
    assert type(result.exception).__name__ == "NotFound"
