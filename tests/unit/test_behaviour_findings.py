"""The pseudo-rule and what a finding of the model says."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sentinel.content import content_dir
from sentinel.detect.behaviour.findings import finding_of, load_model_rule
from sentinel.detect.behaviour.model import Score, Strong
from sentinel.detect.behaviour.sessions import Session, Step, Visit
from sentinel.domain.finding import Finding, Level
from sentinel.errors import ContentError, UnreadableFile

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
STRONGEST = (
    Strong("ordered_run", 229.0, False, 2.0),
    Strong("interval_cv", 0.01234, True, 0.3),
    Strong("repetition", 1.0, False, 0.66667),
)


def session(count: int = 3, *, user: str = "", customer: bool = False) -> Session:
    visits = tuple(
        Visit(
            time=START + timedelta(seconds=number),
            id=f"id-{number:05d}",
            ref=f"www#{number}",
            step=Step(float(number), "GET", f"/documents/{number}", 200, 10),
            user=user,
            customer=customer,
            categories=("documents",),
        )
        for number in range(count)
    )
    return Session("ses_abcdefghijklmnop", visits)


def found(one: Session, value: float = 9.87654) -> Finding:
    rule = load_model_rule(content_dir("rules"))
    finding = finding_of(one, Score(value, 4.2, STRONGEST), rule)
    assert finding is not None
    return finding


def test_the_shipped_rule_is_complete() -> None:
    rule = load_model_rule(content_dir("rules"))
    assert rule.slug == "unusual_navigation"
    assert rule.level is Level.MEDIUM
    assert set(rule.promises) == {"R-02", "R-03"}
    assert rule.titles["fr"] != rule.titles["en"]
    assert set(rule.triage) == {"en", "fr"}


def test_a_score_at_the_threshold_is_no_finding() -> None:
    rule = load_model_rule(content_dir("rules"))
    assert finding_of(session(), Score(4.2, 4.2, STRONGEST), rule) is None


def test_a_customer_is_actor_and_data_subject() -> None:
    finding = found(session(user="sub_x", customer=True))
    assert finding.actor == "sub_x"
    assert finding.subjects == ("sub_x",)
    assert finding.categories == ("documents",)
    assert finding.time == START + timedelta(seconds=2)
    assert finding.refs == ("www#0", "www#1", "www#2")


def test_a_visitor_is_the_session_alone() -> None:
    finding = found(session())
    assert finding.actor == "ses_abcdefghijklmnop"
    assert finding.subjects == ()


def test_staff_on_the_site_is_no_data_subject() -> None:
    assert found(session(user="usr_y")).subjects == ()


def test_three_reasons_with_numbers_then_the_score_in_both_languages() -> None:
    texts = [reason.text("en") for reason in found(session()).reasons]
    assert texts == [
        "longest run of documents in numeric order: 229 (the population's 99th percentile is 2)",
        "irregularity of the pace (coefficient of variation): 0.0123 "
        "(the population's 1st percentile is 0.3)",
        "share of the most repeated step: 1 (the population's 99th percentile is 0.667)",
        "navigation score 9.88, threshold 4.2",
    ]
    french = [reason.text("fr") for reason in found(session()).reasons]
    assert french[0].startswith("plus longue suite de documents en ordre numérique\u00a0: 229")


def test_a_replay_finds_the_same_finding() -> None:
    assert found(session(), 9.0).id == found(session(), 8.0).id
    assert found(session(3)).id != found(session(4)).id


def test_a_long_session_names_its_first_thousand_events_and_counts_all() -> None:
    finding = found(session(1_200))
    assert len(finding.events) == len(finding.refs) == 1_000
    assert finding.event_count == 1_200


def test_a_fault_in_the_rule_names_its_place(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile):
        load_model_rule(tmp_path)
    (tmp_path / "models").mkdir()
    path = tmp_path / "models" / "unusual_navigation.yml"
    shipped = content_dir("rules") / "models" / "unusual_navigation.yml"
    text = shipped.read_text(encoding="utf-8").replace("level: medium", "level: scary")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ContentError, match="level") as caught:
        load_model_rule(tmp_path)
    assert caught.value.where == f"{path}:6:1"
