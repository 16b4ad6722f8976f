"""Fairness to staff: informed first, told why, heard, and never measured on a score alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sentinel import config
from sentinel.app import parts
from sentinel.cli.doctor import examine
from sentinel.cli.main import app
from sentinel.cli.run import run
from sentinel.clock import ManualClock
from sentinel.config import Settings
from sentinel.detect.rules.model import RuleSet
from sentinel.domain.alert import Alert
from sentinel.domain.event import Event, Value
from sentinel.domain.finding import Level, RuleInfo
from sentinel.domain.incident import Actor, Role
from sentinel.errors import ConfigError, Refused
from sentinel.respond.staff_answers import accept_answer, answers, record_answer
from sentinel.respond.workflow import COMMANDS
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.seal import AesGcmSealer

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
TOLD = {"informed_on": "2026-01-05", "informed_how": "a note", "dpia_on": "2025-12-15"}
REASON = "The manager confirmed by telephone that nobody had asked for this file"


def settings(**staff: object) -> Settings:
    return Settings.model_validate({"scope": {"staff": staff}})


@pytest.mark.parametrize("missing", sorted(TOLD))
def test_monitoring_is_refused_while_something_is_missing(missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        settings(monitoring=True, **{k: v for k, v in TOLD.items() if k != missing})


def test_it_is_live_once_everything_is_given_and_never_when_switched_off() -> None:
    assert not settings().scope.staff.live
    assert settings(**TOLD).scope.staff.live
    assert settings(monitoring=True, **TOLD).scope.staff.live
    assert not settings(monitoring=False, **TOLD).scope.staff.live


def test_run_refuses_with_the_line_of_the_setting(tmp_path: Path) -> None:
    file = tmp_path / "sentinel.toml"
    file.write_text("[scope.staff]\nmonitoring = true\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        config.load(file)
    assert "sentinel.toml:1" in caught.value.where
    assert "informed_on" in str(caught.value)
    assert run.__doc__


@pytest.mark.parametrize(("staff", "verdict"), [({}, ""), (TOLD, "unexplained")])
def test_accesses_of_staff_are_judged_only_when_it_is_live(
    staff: dict[str, str], verdict: str
) -> None:
    made = settings(**staff)
    rules = RuleSet(rules=(), correlations=())
    detector = parts.make_detector(made, rules, [], staff=made.scope.staff.live)
    fields: dict[str, Value] = {
        "sentinel.actor.kind": "staff",
        "user.name": "a",
        "user.roles": ["support"],
    }
    fields |= {"event.action": "customer.read", "sentinel.subject": ["C1"]}
    fields |= {"sentinel.data_category": "identity"}
    event = Event(id="1", time=NOW, source="crm", ref="", fields=fields)
    assert detector.scope.judge(event).text("sentinel.scope.verdict") == verdict
    service = event.enriched({"sentinel.actor.kind": "service", "user.roles": ["service"]})
    assert detector.scope.judge(service).text("sentinel.scope.verdict")  # a program is no person


def test_doctor_says_that_it_is_off_and_what_is_missing(tmp_path: Path) -> None:
    made = settings(informed_on="2026-01-05")
    found = [check for check in examine(made) if "staff monitoring" in check.name]
    assert [check.ok for check in found] == [None]
    assert "informed_how, dpia_on" in found[0].detail


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_note_says_what_the_settings_say(tmp_path: Path, language: str) -> None:
    file = tmp_path / "sentinel.toml"
    staff = 'informed_on = 2026-01-05\ninformed_how = "réunion"\ndpia_on = 2025-12-15\n'
    text = f'[organisation]\nname = "Exemple SAS"\n[scope.staff]\n{staff}kept_days = 200\n'
    file.write_text(text + "[scope.review]\nbudget = 7\n", encoding="utf-8")
    arguments = ["--config", str(file), "scope", "note", "--language", language]
    note = CliRunner().invoke(app, arguments).stdout
    for word in ("Exemple SAS", "200", "7", "réunion", "L1222-4"):
        assert word in note
    assert (
        "5\N{NO-BREAK SPACE}janvier\N{NO-BREAK SPACE}2026"
        if language == "fr"
        else "5\u00a0January\u00a02026"
    ) in note
    assert "[" in note  # what nobody filled in is seen at once
    if language == "fr":
        assert not re.search(r"[^\u00a0\u202f][;:?!](?=\s)", note), "a no-break space is due"
        assert "'" not in note


class Desk:
    def __init__(self, folder: Path) -> None:
        self.sealer = AesGcmSealer(bytes(range(32)))
        self.store = SqlCaseStore.open(folder / "cases.db", self.sealer, ManualClock(NOW))
        rule = RuleInfo(id="r", slug="access_review", title="Review", level=Level.MEDIUM)
        alert = Alert(
            id="alert-1",
            fingerprint="f",
            rule=rule,
            actor="usr_a",
            subjects=("sub_1", "sub_2"),
            categories=("identity",),
            first=NOW - timedelta(hours=2),
            last=NOW - timedelta(hours=1),
            created_at=NOW,
            count=2,
            event_count=2,
            events=("e1", "e2"),
            refs=("crm#1", "crm#2"),
            reasons=(),
            score=4.0,
        )
        with self.store.begin() as tx:
            tx.alerts.put(alert)

    def answer(self, **more: object) -> int:
        values = {"by": "a.martin", "text": "She called me", "evidence": "T-7", "manager": False}
        with self.store.begin() as tx:
            return record_answer(tx, "alert-1", now=NOW, **(values | more))  # type: ignore[arg-type]

    def command(self, name: str, actor: Actor, **arguments: object) -> object:
        with self.store.begin() as tx:
            return COMMANDS[name](tx, actor, "alert-1", now=NOW, **arguments)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.store.close()


def test_an_answer_is_kept_beside_the_alert_and_revises_nothing(desk: Desk) -> None:
    with desk.store.begin() as tx:
        before = tx.alerts.get("alert-1")
    desk.answer()
    with desk.store.begin() as tx:
        (found,) = answers(tx, "alert-1")
        assert tx.alerts.get("alert-1") == before
        assert list(tx.facts.all()) == []
        line = tx.journal.lines(object_id="alert-1")[-1]
    assert (found.by, found.text, found.evidence, found.at) == (
        "a.martin",
        "She called me",
        "T-7",
        NOW,
    )
    assert line.action == "scope.answered"
    assert b"She called me" not in line.payload


def test_an_accepted_answer_is_a_fact_that_was_learnt_now(desk: Desk) -> None:
    seq = desk.answer()
    with desk.store.begin() as tx:
        accept_answer(tx, "alert-1", seq, by="c.durand", now=NOW)
    with desk.store.begin() as tx:
        facts = list(tx.facts.all())
        (found,) = answers(tx, "alert-1")
    assert {fact.subject for fact in facts} == {"sub_1", "sub_2"}
    assert {(fact.kind, fact.actor, fact.recorded_at) for fact in facts} == {
        ("answer", "usr_a", NOW)
    }
    assert all(fact.holds_at(NOW - timedelta(minutes=90)) for fact in facts)
    assert not any(fact.holds_at(NOW) for fact in facts)
    assert found.accepted_by == "c.durand"


def test_nobody_accepts_the_own_answer_or_one_without_evidence(desk: Desk) -> None:
    seq, bare = desk.answer(), desk.answer(evidence="")
    for number, who in ((seq, "A.Martin"), (bare, "c.durand"), (999, "c.durand"), (seq, " ")):
        with pytest.raises(Refused), desk.store.begin() as tx:
            accept_answer(tx, "alert-1", number, by=who, now=NOW)
    with pytest.raises(Refused):
        desk.answer(by=" ")
    with pytest.raises(Refused):
        desk.answer(text="x" * 5_000)


COMMANDER = Actor("acc-1", frozenset({Role.COMMANDER}))
DPO = Actor("acc-2", frozenset({Role.DPO}))


def test_a_measure_takes_a_human_reason_and_a_second_person(desk: Desk) -> None:
    ask = {"measure": "suspend_account", "reason": REASON}
    request = desk.command("propose_staff_measure", COMMANDER, **ask)
    with pytest.raises(Refused, match="author cannot be the approver"):
        desk.command("approve_staff_measure", COMMANDER, request=request, reason=REASON)
    desk.command("approve_staff_measure", DPO, request=request, reason=REASON)
    with pytest.raises(Refused, match="already"):
        desk.command("approve_staff_measure", DPO, request=request, reason=REASON)


@pytest.mark.parametrize(
    "reason", ["", "score 4.0", "The ranking score was 4.0", "Sentinel score: 4.0, rank 1, model"]
)
def test_no_measure_on_a_score_alone(desk: Desk, reason: str) -> None:
    with pytest.raises(Refused):
        desk.command("propose_staff_measure", COMMANDER, measure="suspend_account", reason=reason)
    request = desk.command(
        "propose_staff_measure", COMMANDER, measure="suspend_account", reason=REASON
    )
    with pytest.raises(Refused):
        desk.command("approve_staff_measure", DPO, request=request, reason=reason)


def test_an_analyst_asks_for_no_measure_and_unknown_ones_are_refused(desk: Desk) -> None:
    analyst = Actor("acc-3", frozenset({Role.ANALYST}))
    with pytest.raises(Refused, match="roles"):
        desk.command("propose_staff_measure", analyst, measure="interview", reason=REASON)
    with pytest.raises(Refused, match="none of"):
        desk.command("propose_staff_measure", DPO, measure="dismiss", reason=REASON)


FACTS = (
    "kind,id,customer,staff,team,opened_by,valid_from,valid_to,recorded_at\n"
    "ticket,T1,C00001,a.martin,support-1,C00001,2026-01-05T09:00:00Z,,2026-01-05T09:00:00Z\n"
    "ticket,T2,C00001,b.petit,support-2,C00001,2026-01-05T09:00:00Z,,2026-01-05T09:00:00Z\n"
)
LINE = {
    "id": "crm-1",
    "time": "2026-01-05T12:00:00.000Z",
    "actor": {"id": "a.martin", "kind": "staff", "roles": ["support"], "team": "support-1"},
    "action": "customer.read",
    "outcome": "success",
    "customers": ["C00001"],
    "category": "identity",
}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_person_reads_the_facts_without_anybody_elses_data(
    tmp_path: Path, language: str
) -> None:
    (tmp_path / "audit.ndjson").write_text(json.dumps(LINE) + "\n", encoding="utf-8")
    (tmp_path / "facts.csv").write_text(FACTS, encoding="utf-8")
    log, facts = str(tmp_path / "audit.ndjson"), str(tmp_path / "facts.csv")
    arguments = ["scope", "why", f"{log}:1", log, "--facts", facts, "--profile", "crm-audit"]
    arguments += ["--format", "json", "--for-staff", language]
    told = CliRunner().invoke(app, arguments)
    assert told.exit_code == 0
    assert "T1" in told.stdout
    for hidden in ("b.petit", "T2", "C00001", "support-2"):
        assert hidden not in told.stdout
    assert ("Vous pouvez répondre" if language == "fr" else "You may answer") in told.stdout
