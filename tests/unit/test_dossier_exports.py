"""The dossier in other words: DPV as JSON-LD, the EDPB's draft template."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from test_dossier import AWARE, FORM, build, case, filing

from sentinel.domain.canonical import canonical
from sentinel.domain.incident import FilingKind, Outcome
from sentinel.notify.dossier_dpv import json_ld, load_terms
from sentinel.notify.dossier_edpb import edpb_draft, load_mapping

# Terms of DPV 2.1 and of its extension for the GDPR, looked up in the published vocabulary.
DPV = frozenset(
    [
        "Child",
        "Customer",
        "DataBreachImpactAssessment",
        "DataController",
        "DataProtectionAuthority",
        "DataProtectionOfficer",
        "DataSubject",
        "Employee",
        "Impact",
        "Patient",
        "PersonalData",
        "Student",
        "TechnicalOrganisationalMeasure",
        "hasAddress",
        "hasAuditStatus",
        "hasAuthority",
        "hasContact",
        "hasDataController",
        "hasDataProtectionOfficer",
        "hasDataSubject",
        "hasIdentifier",
        "hasImpact",
        "hasImpactAssessment",
        "hasJustification",
        "hasName",
        "hasNotice",
        "hasPersonalData",
        "hasTechnicalOrganisationalMeasure",
    ]
)
EU_GDPR = frozenset(
    [
        "AvailabilityBreach",
        "ConfidentialityBreach",
        "DBIAIndicatesHighRisk",
        "DBIAIndicatesLowRisk",
        "DPABreachInitialNotice",
        "DPABreachNotice",
        "DPAPhasedBreachNotice",
        "DataBreach",
        "IntegrityBreach",
        "JustificationA33BreachedDataIneffective",
        "JustificationA33DisproportionateEffort",
        "JustificationA33NotificationDelay",
        "JustificationA33RiskMitigated",
    ]
)


def terms_in(value: object) -> set[str]:
    return set(re.findall(r'"((?:dpv|eu-gdpr):\w+)"', canonical(value).decode()))


@pytest.mark.parametrize("kind", [FilingKind.INITIAL, FilingKind.COMPLETE])
def test_only_terms_that_the_vocabulary_defines(kind: FilingKind) -> None:
    answers = {
        "b.nature": ["confidentiality", "integrity", "availability"],
        "q.impacts": ["control", "fraud"],
        "m.taken": "Compte suspendu.",
        "i.reason_no": {"code": "34_3_a"},
    }
    found = json_ld(build(case(answers=answers, outcome=Outcome.HIGH_RISK), kind=kind))
    known = {f"dpv:{one}" for one in DPV} | {f"eu-gdpr:{one}" for one in EU_GDPR}
    assert terms_in(found) <= known
    shipped = load_terms()
    values = [
        *shipped.notices.values(),
        *shipped.nature.values(),
        *shipped.risk.values(),
        *shipped.persons.values(),
        *shipped.exemptions.values(),
        shipped.late,
    ]
    assert set(values) <= known
    assert found["@type"][0] == "eu-gdpr:DataBreach"  # type: ignore[index]
    assert found["@context"]["eu-gdpr"] == "https://w3id.org/dpv/legal/eu/gdpr#"  # type: ignore[index]


def test_it_carries_its_context_and_leaves_out_what_is_unknown() -> None:
    found = json_ld(build(case(answers={})))
    text = canonical(found).decode()
    assert "unknown" not in text
    assert "null" not in text
    assert found["dpv:hasNotice"]["@type"] == "eu-gdpr:DPABreachInitialNotice"  # type: ignore[index]


def test_a_later_notice_is_phased_and_a_late_one_gives_its_justification() -> None:
    filed = case(filings=(filing("initial", AWARE + timedelta(hours=3)),))
    later = json_ld(build(filed, kind=FilingKind.COMPLEMENT))
    assert later["dpv:hasNotice"]["@type"] == "eu-gdpr:DPAPhasedBreachNotice"  # type: ignore[index]
    assert later["dpv:hasNotice"]["dct:isVersionOf"] == "FR-1"  # type: ignore[index]


def test_every_field_of_the_form_has_its_place_in_the_template_once() -> None:
    mapping = load_mapping()
    placed = [one for section in mapping.sections.values() for one in section.fields]
    placed += mapping.beside
    assert sorted(placed) == sorted(field.id for field in FORM.fields)
    assert set(mapping.sourced) <= set(mapping.sections)
    for field in FORM.fields:
        named = re.match(r"§([\d.]+)", field.edpb_template_2026_draft or "")
        if named:
            assert field.id in mapping.sections[named[1]].fields


def test_the_template_tells_answers_and_what_is_open() -> None:
    found = edpb_draft(build())
    sections = {one["number"]: one for one in found["sections"]}  # type: ignore[attr-defined]
    timeline = {one["field"]: one for one in sections["3.1"]["answers"]}
    assert timeline["t.awareness"]["state"] == "given"
    consequences = {one["field"]: one for one in sections["3.4"]["answers"]}
    assert consequences["q.severity"]["state"] == "unknown"
    assert not sections["3.4"]["number_is_sourced"]
    assert found["status"] == "draft"
