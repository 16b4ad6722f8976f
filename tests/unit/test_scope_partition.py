"""Teams, populations, end dates, service identities, emergencies as data; faults with a place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sentinel.detect.scope.engine import ScopeEngine
from sentinel.detect.scope.explain import Access
from sentinel.detect.scope.facts import FactIndex
from sentinel.detect.scope.load import load_scope
from sentinel.domain.scope import Fact, Verdict
from sentinel.errors import ContentError

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ROLES = """\
title: {en: Staff, fr: Personnel}
data_categories:
  identity: {title: {en: Identity, fr: Identité}}
acts:
  reading: {title: {en: Reading, fr: Consultation}, patterns: ["*.read"]}
purposes:
  help: {title: {en: Help, fr: Assistance}, basis: GDPR art. 6(1)(b)}
"""
SUPPORT = 'support: {title: {en: S, fr: A}, categories: [identity], acts: ["@reading"]'
DUTY = """\
templates:
  - {id: duty, title: {en: D, fr: M}, roles: ["*"], categories: ["*"], acts: ["@reading"]}
"""


def model(folder: Path, role: str = SUPPORT + "}", more: str = "", end: str = DUTY) -> Path:
    folder.mkdir(exist_ok=True)
    text = ROLES + f"roles:\n  {role}\n" + more + end
    (folder / "staff.yml").write_text(text, encoding="utf-8")
    return folder


def access(**more: object) -> Access:
    values = {
        "actor": "a",
        "team": "support-1",
        "roles": frozenset({"support"}),
        "action": "customer.read",
        "categories": ("identity",),
        "subjects": ("C1",),
        "instant": NOON,
    }
    return Access(**(values | more))  # type: ignore[arg-type]


def verdict(folder: Path, one: Access, *facts: Fact) -> tuple[Verdict, str]:
    judged = ScopeEngine(load_scope(folder), FactIndex(facts)).explain(one)
    assert judged.reasons[0].text("fr") != judged.reasons[0].text("en")
    return judged.verdict, judged.reasons[0].code


def test_a_named_act_is_spelt_out(tmp_path: Path) -> None:
    folder = model(tmp_path)
    assert verdict(folder, access())[0] is Verdict.EXPLAINED
    assert verdict(folder, access(action="customer.export"))[1] == "scope.outside_act"


def test_a_role_ends_on_its_last_day_in_paris(tmp_path: Path) -> None:
    folder = model(tmp_path, SUPPORT + ", until: 2026-03-02}")
    evening = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)  # 23:30 in Paris
    assert verdict(folder, access(instant=evening))[0] is Verdict.EXPLAINED
    night = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    assert verdict(folder, access(instant=night)) == (Verdict.FORBIDDEN, "scope.role_ended")


def test_a_team_uses_its_roles_only_and_an_unknown_team_none(tmp_path: Path) -> None:
    teams = "teams:\n  support-1: {title: {en: One, fr: Un}, roles: [support]}\n"
    teams += "  sales-1: {title: {en: V, fr: V}, roles: [sales]}\n"
    role = SUPPORT + '}\n  sales: {title: {en: V, fr: V}, categories: [identity], acts: ["*"]}'
    folder = model(tmp_path, role, teams)
    assert verdict(folder, access())[0] is Verdict.EXPLAINED
    assert verdict(folder, access(team="sales-1"))[1] == "scope.outside_team"
    assert verdict(folder, access(team="")) == (Verdict.FORBIDDEN, "scope.unknown_team")


def test_a_population_is_who_a_fact_puts_there(tmp_path: Path) -> None:
    more = "populations:\n  professional: {title: {en: P, fr: P}, fact: segment}\n"
    folder = model(tmp_path, SUPPORT + ", populations: [professional], purposes: [help]}", more)
    inside = Fact(kind="segment", id="1", subject="C1", category="professional")
    assert verdict(folder, access())[1] == "scope.outside_population"
    assert verdict(folder, access(), inside)[0] is Verdict.EXPLAINED
    both = access(subjects=("C1", "C2"))
    assert verdict(folder, both, inside)[0] is Verdict.FORBIDDEN
    over = Fact(
        kind="segment", id="1", subject="C1", category="professional", valid_to=NOON - timedelta(1)
    )
    assert verdict(folder, access(), over)[0] is Verdict.FORBIDDEN


def test_a_service_identity_is_one_that_is_declared(tmp_path: Path) -> None:
    role = 'service: {title: {en: S, fr: S}, categories: [identity], acts: ["*.read"]}'
    services = (
        "services:\n  svc-1: {title: {en: R, fr: F}, role: service, owner: Billing, "
        "until: 2026-03-31}\n"
    )
    folder = model(tmp_path, role, services)
    run = access(actor="svc-1", team="", roles=frozenset({"service"}))
    assert verdict(folder, run)[0] is Verdict.EXPLAINED
    other = access(actor="svc-2", team="", roles=frozenset({"service"}))
    assert verdict(folder, other)[1] == "scope.unknown_service"
    late = access(actor="svc-1", roles=frozenset({"service"}), instant=NOON + timedelta(days=60))
    assert verdict(folder, late)[1] == "scope.role_ended"


EMERGENCY = """\
break_glass: {fact: emergency, reasons: {danger: {en: Danger, fr: Danger}}}
templates:
  - {id: e, title: {en: E, fr: U}, roles: [support], categories: ["*"],
     fact: emergency, weak: [break_glass]}
"""


def test_an_emergency_gives_one_of_the_recorded_reasons(tmp_path: Path) -> None:
    folder = model(tmp_path, end=EMERGENCY)
    declared = Fact(kind="emergency", id="1", subject="C1", actor="a", category="danger")
    assert verdict(folder, access(), declared)[0] is Verdict.EXPLAINED
    judged = ScopeEngine(load_scope(folder), FactIndex([declared])).explain(access())
    assert judged.weak == ("break_glass",)
    for category in ("", "curiosity"):
        other = Fact(kind="emergency", id="1", subject="C1", actor="a", category=category)
        assert verdict(folder, access(), other)[0] is Verdict.UNEXPLAINED


@pytest.mark.parametrize(
    ("role", "more", "end", "place", "says"),
    [
        (SUPPORT.replace("identity", "dreams") + "}", "", DUTY, ":9:", "no data category"),
        (SUPPORT.replace("@reading", "@writing") + "}", "", DUTY, ":9:", "no act is called"),
        (SUPPORT + ", purposes: [fun]}", "", DUTY, ":9:", "no purpose"),
        (SUPPORT + ", populations: [vip]}", "", DUTY, ":9:", "no population"),
        (
            SUPPORT + "}",
            "teams:\n  t: {title: {en: T, fr: T}, roles: [boss]}\n",
            DUTY,
            ":11:",
            "no role is called boss",
        ),
        (
            SUPPORT + "}",
            "services:\n  s: {title: {en: S, fr: S}, role: boss, owner: B}\n",
            DUTY,
            ":11:",
            "no role is called boss",
        ),
        (SUPPORT + "}", "break_glass: {fact: fire}\n", DUTY, ":10:", "no template explains"),
        (
            SUPPORT + "}",
            "",
            EMERGENCY.replace(", weak: [break_glass]", ""),
            ":10:",
            "does not say that it is one",
        ),
        (SUPPORT + ", until: soon}", "", DUTY, ":9:", "until"),
    ],
)
def test_a_fault_is_told_with_its_line_and_column(
    tmp_path: Path, role: str, more: str, end: str, place: str, says: str
) -> None:
    with pytest.raises(ContentError, match=says) as caught:
        load_scope(model(tmp_path, role, more, end))
    assert f"staff.yml{place}" in caught.value.where


def test_a_name_that_two_files_declare_is_a_fault(tmp_path: Path) -> None:
    folder = model(tmp_path)
    (folder / "zweite.yml").write_text(ROLES, encoding="utf-8")
    with pytest.raises(ContentError, match="declared twice") as caught:
        load_scope(folder)
    assert "zweite.yml:3:" in caught.value.where
