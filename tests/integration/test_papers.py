"""Post-mortem, call script, access report, figures of the work: from the record, and no names."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from typer.testing import CliRunner

from sentinel.app import access_report, parts
from sentinel.app.kept_for_cases import kept_until
from sentinel.app.obligations import Obligations, sign_week
from sentinel.app.postmortem import paper_of
from sentinel.cli.main import app
from sentinel.clock import ManualClock
from sentinel.config import Settings
from sentinel.domain.account import Account
from sentinel.domain.affected import Affected, Selection
from sentinel.domain.event import Event
from sentinel.domain.incident import Actor, Incident, Role
from sentinel.domain.log_review import week_name
from sentinel.errors import ContentError, Refused
from sentinel.legal.qualification import question
from sentinel.notify.call_script import call_script
from sentinel.notify.wording import typographic
from sentinel.obs.metrics import Metrics
from sentinel.obs.workflow import WorkflowGauges
from sentinel.respond import workflow
from sentinel.respond.log_review import of_week
from sentinel.respond.postmortem import post_mortem
from sentinel.respond.workflow.intake import Report
from sentinel.respond.workflow_metrics import measure
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.events_memory import MemoryEventStore
from sentinel.store.seal import AesGcmSealer

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DPO = Actor("acc-dpo", frozenset({Role.DPO}))
BOSS = Actor("acc-boss", frozenset({Role.COMMANDER}))
SETTINGS = Settings.model_validate(
    {
        "keys": {"master": "7" * 64},
        "organisation": {
            "name": "Exemple SAS",
            "dpo": {
                "name": "Camille Exemple",
                "email": "dpo@example.org",
                "phone": "+33 1 99 00 00 00",
            },
        },
        "log_review": {"share": 1.0, "staff_ids": {"dora": ["d.ormesson"]}},
    }
)


class Case:
    """A case that was notified late, with a deputy, a note and an open question."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW)
        self.store = SqlCaseStore.open(":memory:", AesGcmSealer(bytes(32)), self.clock)
        report = Report(
            channel="phone", title="A call", description="x", received_at=NOW, kind="bulk_export",
            informant="Renée Delatour",
        )  # fmt: skip
        with self.store.begin() as tx:
            tx.accounts.put(
                Account(
                    id="acc-dpo", name="dora", display_name="Dora", roles=(Role.DPO,),
                    language="fr", password_hash="", totp_secret=b"", created_at=NOW,
                )
            )  # fmt: skip
            self.id = workflow.intake(tx, DPO, report=report, now=NOW).id
            workflow.confirm_breach(
                tx, DPO, self.id, aware_at=NOW, basis="The log shows the export of the list",
                now=NOW,
            )  # fmt: skip
        self.after(80)
        with self.store.begin() as tx:
            workflow.record_filing(
                tx, DPO, self.id, kind="initial", number="N-1", filed_at=self.clock.now(),
                now=self.clock.now(),
            )  # fmt: skip
            workflow.add_note(
                tx, BOSS, self.id, text="The guard called", occurred_at=NOW - 5 * HOUR,
                now=self.clock.now(),
            )  # fmt: skip
            workflow.add_task(
                tx, BOSS, self.id, title="Take export rights away", owner="commander",
                due_at=NOW, now=self.clock.now(),
            )  # fmt: skip

    def after(self, hours: float) -> None:
        self.clock.set(NOW + hours * HOUR)

    def incident(self) -> Incident:
        with self.store.begin() as tx:
            return tx.incidents.get(self.id)


@pytest.fixture
def case() -> Iterator[Case]:
    made = Case()
    yield made
    made.store.close()


@pytest.mark.parametrize(("language", "late"), [("fr", "EN RETARD"), ("en", "LATE")])
def test_the_post_mortem_tells_the_record_and_names_nobody(
    case: Case, language: str, late: str
) -> None:
    with case.store.begin() as tx:
        found = post_mortem(tx, tx.incidents.get(case.id), case.clock.now())
    paper = paper_of(found, language, lambda _, code: code, case.clock.now(), "Europe/Paris")
    text = paper.markdown()
    assert [one.obligation for one in found.late if one.met_at] == ["CNIL-72"]
    assert f"{late} (8 h 00)" in text.replace("\u00a0", " ")
    assert "The log shows the export of the list" in text
    assert "The guard called" in text
    assert "Take export rights away" in text
    asked = question("qual.recipients").label(language)
    assert typographic(asked, language) in text
    assert "qual." not in text
    assert [one.action for one in found.backdated] == ["incident.note_added"]
    for name in ("acc-dpo", "Dora", "Delatour", "dora"):
        assert name not in text
    assert paper.pdf(NOW).startswith(b"%PDF-")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_call_script_says_what_the_letter_says_and_no_name(case: Case, language: str) -> None:
    paper = call_script(case.incident(), None, SETTINGS.organisation, language, NOW)
    text = paper.markdown().replace("\u00a0", " ")
    assert len(paper.sections) == 3 + 7
    assert "Camille" not in text
    assert "+33 1 99 00 00 00" in text
    never = {"fr": "Ne jamais dire", "en": "Never say"}[language]
    assert never in text
    assert paper.pdf(NOW).startswith(b"%PDF-")


def test_a_name_in_the_letters_text_stops_the_script(case: Case) -> None:
    with case.store.begin() as tx:
        workflow.answer(
            tx, DPO, case.id, field="letter.story.fr",
            value="Madame Renée Delatour nous a appelés.", now=case.clock.now(),
        )  # fmt: skip
    with pytest.raises(ContentError, match="name stands in the call script"):
        call_script(case.incident(), None, SETTINGS.organisation, "fr", NOW)


def test_a_script_of_a_drill_is_marked(case: Case) -> None:
    drill = case.incident()
    drill.drill = True
    assert call_script(drill, None, SETTINGS.organisation, "fr", NOW).title.startswith("[EXERCICE]")


def event(number: int, **fields: object) -> Event:
    base = {
        "event.action": "customer.read",
        "event.outcome": "success",
        "user.name": "usr_secret",
        "user.roles": ["support"],
        "sentinel.actor.kind": "staff",
        "sentinel.subject": ["sub_me", "sub_other"],
        "sentinel.data_category": "identity",
        "sentinel.scope.verdict": "explained",
        "sentinel.scope.reason": "an open ticket",
        "sentinel.scope.reason_fr": "un ticket ouvert",
    }
    return Event(
        id=f"{number:032x}", time=NOW + number * HOUR, source="crm", ref=f"crm#{number}",
        fields=base | {name.replace("__", "."): value for name, value in fields.items()},  # type: ignore[arg-type]
    )  # fmt: skip


EVENTS = [
    event(3, sentinel__scope__verdict="unexplained", sentinel__scope__reason="nothing explains it"),
    event(1),
    event(2, sentinel__subject=["sub_other"]),
    event(4, user__name="sub_me", sentinel__actor__kind="customer", event__action="session.login"),
    event(5, event__outcome="failure", user__roles=["billing"]),
]


def test_the_access_report_says_role_and_reason_and_no_name() -> None:
    found = access_report.access_report(
        EVENTS, "sub_me", since=None, until=NOW, zone="Europe/Paris"
    )
    assert [one.at for one in found.accesses] == [NOW + hours * HOUR for hours in (1, 3, 5)]
    assert [one.examined for one in found.accesses] == [False, True, False]
    assert found.own == {"session.login": 1}
    assert found.accesses[0].kept_until.isoformat() == "2027-03-02"
    for language, role, why in (
        ("fr", "assistance", "un ticket ouvert"),
        ("en", "support", "an open ticket"),
    ):
        text = access_report.paper_of(found, language).markdown()
        assert role in text
        assert why in text
        assert "CNIL" in text
        for hidden in ("usr_secret", "sub_other", "nothing explains it"):
            assert hidden not in text


@pytest.mark.parametrize(
    ("drill", "last"), [(False, ["2027-03-02", "2029-03-02"]), (True, ["2027-03-02"] * 2)]
)
def test_what_a_case_needs_is_kept_until_36_months_after_its_detection(
    case: Case, drill: bool, last: list[str]
) -> None:
    stored = MemoryEventStore()
    stored.append(EVENTS[:2], last_offset=2)
    selection = Selection(actors=("usr_secret",), since=NOW + 2 * HOUR)  # the later one only
    with case.store.begin() as tx:
        incident = tx.incidents.get(case.id)
        incident.affected = Affected(
            subjects=("sub_me",), categories={}, record_count=1, first=NOW, last=NOW,
            query="", sha256="", selection=selection,
        )  # fmt: skip
        incident.drill = drill
        incident.version += 1
        tx.incidents.put(incident)
    with case.store.begin() as tx:
        kept = kept_until(tx, stored, "Europe/Paris")
    found = access_report.access_report(
        EVENTS[:2], "sub_me", since=None, until=NOW, zone="Europe/Paris", kept=kept
    )
    assert [one.kept_until.isoformat() for one in found.accesses] == last


def test_only_the_officer_answers_and_the_journal_keeps_it(case: Case) -> None:
    found = access_report.access_report(EVENTS, "sub_me", since=None, until=NOW, zone="UTC")
    with case.store.begin() as tx:
        with pytest.raises(Refused, match="role dpo"):
            access_report.journalled(tx, BOSS, found, request="R-1", sha256="a" * 64, now=NOW)
        with pytest.raises(Refused, match="name the request"):
            access_report.journalled(tx, DPO, found, request=" ", sha256="a" * 64, now=NOW)
        access_report.journalled(tx, DPO, found, request="R-1", sha256="a" * 64, now=NOW)
        (line,) = tx.journal.lines(object_id="sub_me")
        assert tx.journal.opened(line) == {
            "request": "R-1", "accesses": 3, "examined": 1, "sha256": "a" * 64,
        }  # fmt: skip


def test_the_figures_of_the_work(case: Case) -> None:
    with case.store.begin() as tx:
        found = measure(tx, case.clock.now(), 2)
    assert (found.cases, found.open_cases, found.drills) == (1, 1, 0)
    assert (found.notify.median, found.margin.worst, found.margin_negative) == (80, -8, 1)
    assert found.on_time is not None
    assert found.on_time < 1
    assert found.open_clocks["ART34"] == 1
    assert (found.overdue_tasks, found.overdue_obligations) == (1, 2)
    registry = CollectorRegistry()
    WorkflowGauges(registry).set(found)
    text = generate_latest(registry).decode()
    assert 'sentinel_workflow_hours{figure="worst",stage="margin"} -8.0' in text
    assert 'sentinel_workflow_open_clocks{obligation="ART34"} 1.0' in text
    for name in ("acc-", "INC-", "Delatour", case.id):
        assert name not in text


def test_a_drill_is_no_figure(case: Case) -> None:
    with case.store.begin() as tx:
        report = Report(
            channel="phone", title="Drill", description="x", received_at=NOW, drill=True
        )
        workflow.intake(tx, DPO, report=report, now=case.clock.now())
        found = measure(tx, case.clock.now(), 0)
    assert (found.cases, found.drills) == (1, 1)


class Silent:
    """A router without channels."""

    def route_alarm(self, _: object) -> list[str]:
        return []

    def escalation(self) -> list[str]:
        return []


async def test_the_service_draws_the_week_and_a_signature_meets_the_obligation(
    case: Case, tmp_path: Path
) -> None:
    settings = SETTINGS.model_copy(update={"data_dir": tmp_path})
    pseudonymiser = parts.make_pseudonymiser(settings)
    mine = pseudonymiser.pseudonym("usr", "d.ormesson")
    events = MemoryEventStore()
    events.append([*EVENTS[:2], event(6, user__name=mine)], last_offset=2)

    async def in_store(function):
        with case.store.begin() as tx:
            return function(tx)

    metrics = Metrics()
    rounds = Obligations(settings, in_store, events, Silent(), metrics, case.clock)
    case.after(0)
    await rounds.look()  # from now on the calendar counts
    case.after(24 * 8)
    await rounds.look()
    await rounds.look()
    assert "sentinel_workflow_count" in metrics.exposition().decode()
    week = week_name(NOW.date())
    with case.store.begin() as tx:
        drawn = of_week(tx, week)
        assert len(drawn.entries) == 2  # the unexplained one is an alert of its own
        account = tx.accounts.by_name("dora")
        assert account is not None
        signed = sign_week(
            tx, settings, account, week, remarks="Looked at all of it, nothing odd",
            suspicious=[], pseudonymiser=pseudonymiser, now=case.clock.now(),
        )  # fmt: skip
        assert not signed.complete  # she is d.ormesson in the logs: one entry waits for another
        auditor = Account(
            id="acc-aud", name="aude", display_name="", roles=(Role.AUDITOR,), language="fr",
            password_hash="", totp_secret=b"", created_at=NOW,
        )  # fmt: skip
        done = sign_week(
            tx, settings, auditor, week, remarks="Looked at what was left over",
            suspicious=[], pseudonymiser=pseudonymiser, now=case.clock.now(),
        )  # fmt: skip
        assert done.complete
        assert tx.journal.lines(object_id="calendar:audit-log-review")[-1].action == "calendar.done"


def test_the_commands_answer(tmp_path: Path) -> None:
    config = tmp_path / "sentinel.toml"
    config.write_text(
        f'data_dir = "{tmp_path / "data"}"\n[keys]\nmaster = "{"7" * 64}"\n[calendar]\n'
        "since = 2020-01-01\n"
    )
    run = CliRunner()

    def answer(*arguments: str) -> tuple[int, str]:
        result = run.invoke(app, ["-c", str(config), *arguments])
        return result.exit_code, result.stdout

    code, text = answer("metrics", "workflow", "--json")
    assert (code, json.loads(text)["overdue_obligations"]) == (0, 9)
    code, text = answer("calendar", "list", "--json", "--overdue")
    assert code == 1
    assert {json.loads(line)["state"] for line in text.splitlines()} == {"overdue"}
    code, text = answer("calendar", "ics", "--language", "en")
    assert (code, text.count("BEGIN:VEVENT")) == (0, 9)
    assert answer("log-review", "list") == (0, "")
