"""The command line: from a confirmed breach to a recorded filing; late ones; whose token."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from console_house import make_incident
from dossier_house import MASTER, people, settings_of
from typer.testing import CliRunner, Result

from sentinel.app.parts import open_cases
from sentinel.cli.main import app
from sentinel.clock import SystemClock, isoformat
from sentinel.domain.deadline import Deadline
from sentinel.domain.incident import Authority, Legal, Persons
from sentinel.domain.lateness import DatedFact, Ground, Lateness
from sentinel.store.seal import AesGcmSealer
from sentinel.web.auth.tokens import issue

REFERENCE = "INC-2026-0001"


class Desk:
    """A data directory on disk, and a token for each person."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = settings_of(folder / "var")
        (folder / "sentinel.toml").write_text(self._toml(), encoding="utf-8")
        self.now = datetime.now(UTC)
        self.tokens: dict[str, str] = {}
        self.store = open_cases(self.settings, AesGcmSealer(MASTER), SystemClock())
        with self.store.begin() as tx:
            for name, made in people().items():
                tx.accounts.put(made.account)
                if name != "admin":
                    self.tokens[name], _ = issue(
                        tx, made.account, name="t", days=1, now=self.now, by="setup"
                    )

    def _toml(self) -> str:
        keys, told = self.settings.keys, self.settings.organisation
        assert keys.master is not None
        assert keys.anchor is not None
        return (
            f'data_dir = "{self.settings.data_dir}"\n'
            f'[keys]\nmaster = "{keys.master.get_secret_value()}"\n'
            f'anchor = "{keys.anchor.get_secret_value()}"\n'
            f'[organisation]\nname = "{told.name}"\nsiren = "{told.siren}"\n'
            f'address = "{told.address}"\n[organisation.dpo]\nname = "{told.dpo.name}"\n'
            f'email = "{told.dpo.email}"\nphone = "{told.dpo.phone}"\n'
        )

    def case(self, hours: float) -> None:
        aware = self.now - timedelta(hours=hours)
        with self.store.begin() as tx:
            tx.incidents.put(
                make_incident(
                    legal=Legal.BREACH_CONFIRMED,
                    authority=Authority.DUE,
                    persons=Persons.DUE,
                    actors=(),
                    created_at=aware,
                    detected_at=aware,
                    aware_at=aware,
                    aware_basis="Le journal montre l’export.",
                )
            )
            tx.incidents.put_deadline(
                Deadline(
                    id="d",
                    incident_id="incident-1",
                    obligation="CNIL-72",
                    basis="",
                    anchor_at=aware,
                    due_at=aware + timedelta(hours=72),
                )
            )

    def explain(self) -> None:
        with self.store.begin() as tx:
            case = tx.incidents.get("incident-1")
            case.lateness = Lateness(
                ground=Ground.PORTAL,
                facts=(DatedFact(at=self.now, text="Le portail est revenu."),),
                evidence=("e1",),
                reasons="Le téléservice est resté fermé du samedi au lundi matin.",
                at=self.now,
                by="dpo",
            )
            case.version += 1
            tx.incidents.put(case)

    def code(self, name: str) -> str:
        return pyotp.TOTP(people()[name].totp_secret).now()

    def __call__(self, name: str, *words: str) -> Result:
        env = {
            "SENTINEL_CONFIG": str(self.folder / "sentinel.toml"),
            "SENTINEL_TOKEN": self.tokens.get(name, ""),
        }
        return CliRunner().invoke(app, list(words), env=env)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.store.close()


def test_from_a_confirmed_breach_to_a_recorded_filing(desk: Desk) -> None:
    desk.case(5)
    checked = desk("dpo", "dossier", "check", REFERENCE, "--json")
    assert checked.exit_code == 0, checked.output
    assert len(json.loads(checked.stdout)["unknown"]) > 20
    frozen = json.loads(desk("dpo", "dossier", "freeze", REFERENCE, "--json").stdout)
    asked = desk(
        "dpo", "approval", "ask", REFERENCE, frozen["id"], "--code", desk.code("dpo"), "--json"
    )
    approval = json.loads(asked.stdout)["id"]
    refused = desk(
        "alice.legal", "approval", "approve", approval, "--code", desk.code("alice.legal")
    )
    assert "author cannot be the approver" in str(refused.exception)
    given = desk(
        "director", "approval", "approve", approval, "--code", desk.code("director"), "--json"
    )
    assert json.loads(given.stdout)["state"] == "approved"
    papers = desk.folder / "papers"
    desk("dpo", "dossier", "export", REFERENCE, "--out", str(papers))
    names = sorted(one.name.removeprefix(f"{REFERENCE}-cnil-initial") for one in papers.iterdir())
    other = [".dpv.jsonld", ".edpb-draft.json", ".json", ".sig.json"]
    assert names == sorted([*other, ".pdf", ".en.pdf"])
    for lang, pdf in (("fr", ".pdf"), ("en", ".en.pdf")):
        out = desk.folder / lang
        desk("dpo", "dossier", "export", REFERENCE, "--out", str(out), "--lang", lang)
        made = {one.name.removeprefix(f"{REFERENCE}-cnil-initial"): one for one in out.iterdir()}
        assert sorted(made) == sorted([*other, pdf])
        assert f"/Lang({'fr-FR' if lang == 'fr' else 'en-GB'})".encode() in made[pdf].read_bytes()
        assert made[pdf].read_bytes() == (papers / made[pdf].name).read_bytes()
    stem = papers / f"{REFERENCE}-cnil-initial"
    fits = desk("", "dossier", "verify", f"{stem}.json", f"{stem}.sig.json")
    assert fits.exit_code == 0
    Path(f"{stem}.json").write_bytes(Path(f"{stem}.json").read_bytes() + b" ")
    assert desk("", "dossier", "verify", f"{stem}.json", f"{stem}.sig.json").exit_code == 1
    receipt = desk.folder / "receipt.pdf"
    receipt.write_bytes(b"%PDF- receipt")
    filed = desk(
        "dpo", "dossier", "record", REFERENCE, "--number", "FR-1", "--filed-at",
        isoformat(desk.now), "--receipt", str(receipt), "--json",
    )  # fmt: skip
    told = json.loads(filed.stdout)
    assert told["dossier"] == frozen["id"]
    assert len(told["receipt_sha256"]) == 64
    assert told["blocks_closing"] == []  # two people stood for exactly this dossier


def test_a_late_dossier_leaves_only_with_reasons_and_a_late_filing_is_recorded(desk: Desk) -> None:
    desk.case(80)
    refused = desk("dpo", "dossier", "freeze", REFERENCE)
    assert "reasons for the delay" in str(refused.exception)
    out = desk.folder / "papers"
    assert desk("dpo", "dossier", "export", REFERENCE, "--out", str(out)).exit_code != 0
    filed = desk(
        "dpo", "dossier", "record", REFERENCE, "--number", "FR-9", "--filed-at",
        isoformat(desk.now), "--json",
    )  # fmt: skip
    assert json.loads(filed.stdout)["blocks_closing"] == ["FILING-APPROVAL", "LATE-REASONS"]
    desk.explain()
    frozen = desk("dpo", "dossier", "freeze", REFERENCE, "--kind", "complement", "--json")
    assert json.loads(frozen.stdout)["late"] is True


def test_who_reads_no_case_gets_nothing(desk: Desk) -> None:
    desk.case(5)
    for words in (
        ("dossier", "check", REFERENCE),
        ("dossier", "list", REFERENCE),
        ("dossier", "freeze", REFERENCE),
        ("approval", "list", REFERENCE),
        ("register", "export", "--out", str(desk.folder / "r.pdf")),
        ("register", "disclosures"),
    ):
        result = desk("admin", *words)
        assert result.exit_code != 0, words
        assert REFERENCE not in result.stdout
    made = desk("", "account", "token", "admin")
    assert "an administrator's account gets no token" in str(made.exception)
    assert "auditor" in str(desk("auditor", "dossier", "freeze", REFERENCE).exception)
    assert desk("auditor", "register", "export", "--out", str(desk.folder / "r.pdf")).exit_code == 0


def test_the_register_in_each_format_verifies_and_a_changed_one_does_not(desk: Desk) -> None:
    desk.case(5)
    for form in ("csv", "json", "pdf"):
        out = desk.folder / f"register.{form}"
        made = desk("dpo", "register", "export", "--out", str(out), "--format", form, "--json")
        assert json.loads(made.stdout)["rows"] == 1
        assert desk("", "register", "verify", str(out)).exit_code == 0
        out.write_bytes(out.read_bytes() + b"\n")
        assert desk("", "register", "verify", str(out)).exit_code == 1
    early = desk.folder / "early.csv"
    words = ("--until", "2020-01-01T00:00", "--format", "csv", "--json")
    made = desk("dpo", "register", "export", "--out", str(early), *words)
    assert json.loads(made.stdout)["rows"] == 0


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_entry_of_sentinel_itself(desk: Desk, language: str) -> None:
    told = desk("", "register", "art30", "--language", language).stdout
    assert "Exemple Télécom" in told
    assert "Camille Dubreuil" in told
    assert ("Finalités" if language == "fr" else "Purposes") in told
