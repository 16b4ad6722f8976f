"""The dossier: the record answers first, a person overrides, what is unknown has an owner."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from sentinel.clock import isoformat
from sentinel.config import Organisation, Person
from sentinel.content import content_dir
from sentinel.domain.affected import Affected
from sentinel.domain.deadline import Deadline
from sentinel.domain.incident import (
    Filing,
    FilingKind,
    Incident,
    Legal,
    Outcome,
    Persons,
    Security,
)
from sentinel.domain.lateness import DatedFact, Ground, Lateness
from sentinel.legal.forms import load_form
from sentinel.notify.dossier import Dossier, codes_of, is_unknown
from sentinel.notify.dossier_build import build_dossier
from sentinel.notify.dossier_check import validate
from sentinel.notify.dossier_facts import FormMapping
from sentinel.notify.dossier_words import show
from sentinel.yaml_file import read_yaml

DETECTED = datetime(2026, 3, 2, 8, 12, tzinfo=UTC)
AWARE = DETECTED + timedelta(hours=2)
NOW = DETECTED + timedelta(hours=5)
FORM = load_form()
DPO = Person(
    name="Camille Dubreuil",
    email="dpo@example.org",
    phone="+33 1 99 00 12 34",
    title="Déléguée à la protection des données",
)
ORGANISATION = Organisation(
    name="Exemple Télécom", siren="123456782", address="1 rue de l’Exemple, Paris", dpo=DPO
)
AFFECTED = Affected(
    subjects=tuple(f"sub_{number:016}" for number in range(1200)),
    categories={"identity": 1, "contact": 1},
    record_count=1500,
    first=DETECTED - timedelta(minutes=3),
    last=DETECTED - timedelta(minutes=1),
    query="events of usr_x between two instants",
    sha256="ab" * 32,
)


def case(**changes: object) -> Incident:
    incident = Incident(
        id="i1",
        reference="INC-2026-0001",
        title="Export de la liste des clients",
        kind="bulk_export",
        created_at=DETECTED,
        created_by="acc1",
        security=Security.CONTAINED,
        legal=Legal.BREACH_CONFIRMED,
        persons=Persons.DUE,
        actors=("usr_x",),
        detected_at=DETECTED,
        aware_at=AWARE,
        aware_basis="Le journal d’audit montre l’export.",
        answers={"m.taken": "Compte suspendu."},
    )
    return msgspec.structs.replace(incident, **changes)


def build(
    incident: Incident | None = None,
    *,
    affected: Affected | None = AFFECTED,
    organisation: Organisation = ORGANISATION,
    now: datetime = NOW,
    deadlines: tuple[Deadline, ...] = (),
    kind: FilingKind = FilingKind.INITIAL,
    before: Dossier | None = None,
) -> Dossier:
    return build_dossier(
        incident or case(),
        deadlines=deadlines,
        affected=affected,
        organisation=organisation,
        now=now,
        kind=kind,
        before=before,
    )


def filing(kind: str, filed_at: datetime, number: str = "FR-1") -> Filing:
    return Filing(
        kind=FilingKind(kind),
        number=number,
        filed_at=filed_at,
        recorded_at=filed_at,
        recorded_by="acc1",
    )


def unknown(owner: str, due: datetime) -> dict[str, object]:
    return {"unknown": {"owner": owner, "due": isoformat(due)}}


def test_every_field_of_the_form_has_its_entry_in_its_order() -> None:
    assert list(build().answers) == [field.id for field in FORM.fields]


@pytest.mark.parametrize(
    ("field", "answer"),
    [
        ("n.type", "initial"),
        ("n.internal_ref", "INC-2026-0001"),
        ("c.name", "Exemple Télécom"),
        ("c.declarant_role", "dpo"),
        ("t.occurrence_mode", "day"),
        ("t.start", "2026-03-02T08:09:00.000Z"),
        ("t.end", "2026-03-02T08:11:00.000Z"),
        ("t.in_progress", False),
        ("t.established", "established"),
        ("t.awareness", "2026-03-02T10:12:00.000Z"),
        ("b.nature", ["confidentiality"]),
        ("p.count", 1200),
        ("p.count_mode", "approx"),
        ("p.count_band", "301_5000"),
        ("d.categories", {"codes": ["civil_status", "contact"]}),
        ("d.records", 1500),
        ("i.status", "soon"),
        ("m.taken", "Compte suspendu."),
        # not asked of an initial filing, of a loss of confidentiality, of a filing in time
        ("n.previous_ref", {"not_applicable": True}),
        ("q.integ", {"not_applicable": True}),
        ("t.late_reasons", {"not_applicable": True}),
        # decisions of a person, never of the record
        ("q.severity", unknown("dpo", AWARE + timedelta(hours=72))),
        ("q.risk", unknown("dpo", AWARE + timedelta(hours=72))),
        ("d.sensitive", unknown("analyst", AWARE + timedelta(hours=72))),
        ("q.conf", unknown("dpo", AWARE + timedelta(hours=144))),
        ("x.lead", unknown("legal", AWARE + timedelta(hours=144))),
    ],
)
def test_the_record_answers_what_it_holds(field: str, answer: object) -> None:
    assert build().answers[field] == answer


def test_a_person_overrides_the_record() -> None:
    given = {
        "p.count": 1100,
        "b.cause": ["int_malicious"],
        "b.nature": ["confidentiality", "integrity"],
        "t.start": {"unknown": {"owner": "analyst", "due": "2026-03-03T00:00:00Z"}},
    }
    answers = build(case(answers=given)).answers
    for field, answer in given.items():
        assert answers[field] == answer
    assert is_unknown(answers["q.integ"])  # the breach now touches integrity


def test_an_open_incident_claims_no_end() -> None:
    answers = build(case(security=Security.OPEN)).answers
    for field in ("t.occurrence_mode", "t.end", "t.in_progress"):
        assert is_unknown(answers[field])
    assert answers["t.start"] == "2026-03-02T08:09:00.000Z"


@pytest.mark.parametrize(
    ("count", "band"),
    [(1, "0_5"), (5, "0_5"), (6, "6_50"), (300, "51_300"), (5000, "301_5000"), (5001, "5001_")],
)
def test_the_band_is_computed(count: int, band: str) -> None:
    counted = msgspec.structs.replace(AFFECTED, subjects=AFFECTED.subjects[:1] * count)
    assert build(affected=counted).answers["p.count_band"] == band


def test_a_category_without_a_word_on_the_form_is_not_left_out_in_silence() -> None:
    counted = msgspec.structs.replace(AFFECTED, categories={"identity": 1, "voice_print": 1})
    assert is_unknown(build(affected=counted).answers["d.categories"])


def test_what_the_form_has_no_word_for_is_told_beside_other() -> None:
    counted = msgspec.structs.replace(AFFECTED, categories={"documents": 1, "identity": 1})
    answer = build(affected=counted).answers["d.categories"]
    assert answer == {
        "codes": ["civil_status", "other"],
        "text": "documents déposés dans l’espace personnel",
    }
    lines = show(FORM.field("d.categories"), answer, "fr").lines
    assert lines[0].startswith("État civil")
    assert lines[1] == "Autres\u00a0: documents déposés dans l’espace personnel"


def test_without_a_count_the_case_itself_is_asked() -> None:
    frozen = build(case(affected=AFFECTED), affected=None)
    assert frozen.answers["p.count"] == 1200
    bare = build(case(subjects=("sub_a", "sub_b"), record_count=7), affected=None)
    assert (bare.answers["p.count"], bare.answers["d.records"]) == (2, 7)
    assert bare.evidence is None


@pytest.mark.parametrize(
    ("outcome", "risk"),
    [(Outcome.REGISTER, "unlikely"), (Outcome.AUTHORITY, "risk"), (Outcome.HIGH_RISK, "high")],
)
def test_a_qualification_answers_the_risk(outcome: Outcome, risk: str) -> None:
    assert build(case(outcome=outcome)).answers["q.risk"] == risk


def test_the_description_is_french_and_counts() -> None:
    text = build().answers["b.description"]
    assert isinstance(text, str)
    plain = text.replace("\u00a0", " ").replace("\u202f", " ")
    assert "1 200 personnes distinctes et 1 500 enregistrements" in plain
    assert "entre le 2 mars 2026 à 9 h 09 (UTC+1) et le 2 mars 2026 à 9 h 11 (UTC+1)" in plain
    assert "\n" not in text


def test_the_description_admits_records_that_name_nobody() -> None:
    counted = msgspec.structs.replace(AFFECTED, unlisted_records=300)
    assert "peut être plus élevé" in str(build(affected=counted).answers["b.description"])
    assert "peut être plus élevé" not in str(build().answers["b.description"])


def test_no_pseudonym_of_a_data_subject_leaves_in_the_dossier() -> None:
    assert b"sub_" not in build().canonical()


def test_canonical_json_is_sorted_utf8_and_stable() -> None:
    first, again = build(), build()
    raw = first.canonical()
    tree = json.loads(raw)
    assert raw == again.canonical()
    assert (
        raw == json.dumps(tree, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    )
    assert "Télécom".encode() in raw
    assert first.sha256 == hashlib.sha256(raw).hexdigest()
    assert msgspec.json.decode(raw, type=Dossier) == first
    assert build(now=NOW + timedelta(seconds=1)).sha256 != first.sha256


def test_a_ready_initial_dossier_has_no_gap_although_much_is_unknown() -> None:
    dossier = build()
    assert len(dossier.unknown) > 10
    assert validate(dossier) == []


def test_the_clock_row_of_the_case_decides_when_it_is_late() -> None:
    row = Deadline(
        id="d",
        incident_id="i1",
        obligation="CNIL-72",
        basis="",
        anchor_at=AWARE,
        due_at=AWARE + timedelta(hours=24),
    )
    at = AWARE + timedelta(hours=25)
    assert not build(now=at).late
    assert build(now=at, deadlines=(row,)).late


@pytest.mark.parametrize(("seconds", "late"), [(0, False), (1, True)])
def test_a_dossier_is_late_after_72_elapsed_hours(seconds: int, late: bool) -> None:
    dossier = build(now=AWARE + timedelta(hours=72, seconds=seconds))
    assert dossier.late is late
    gaps = validate(dossier)
    assert [gap.field for gap in gaps] == (["t.late_reasons"] if late else [])
    if late:
        assert gaps[0].paragraph == "33(1)"
        assert "motifs du retard" in gaps[0].message("fr")
        assert "72 hours" in gaps[0].message("en")


LATENESS = Lateness(
    ground=Ground.PROCESSOR,
    facts=(DatedFact(at=AWARE, text="Le sous-traitant a rendu son rapport."),),
    evidence=("e1",),
    reasons="Le compte rendu du sous-traitant manquait jusqu’au dernier jour.",
    at=NOW,
    by="acc1",
)


@pytest.mark.parametrize("typed", ["", "   ", unknown("dpo", NOW), "Nous étions en retard."])
def test_reasons_for_the_delay_are_those_with_facts_and_evidence(typed: object) -> None:
    late = case(answers={"t.late_reasons": typed})
    dossier = build(late, now=AWARE + timedelta(hours=80))
    assert [gap.field for gap in validate(dossier)] == ["t.late_reasons"]
    told = case(lateness=LATENESS)
    assert validate(build(told, now=AWARE + timedelta(hours=80))) == []


def test_a_filing_in_time_is_not_late_when_its_complement_comes_later() -> None:
    filed = case(filings=(filing("initial", AWARE + timedelta(hours=71)),))
    later = build(filed, now=AWARE + timedelta(hours=200), kind=FilingKind.COMPLEMENT)
    assert not later.late


def test_unknown_is_refused_where_the_form_refuses_it() -> None:
    given = {field: unknown("dpo", NOW) for field in ("c.name", "c.dpo", "t.awareness")}
    dossier = build(case(answers=given))
    assert [gap.field for gap in validate(dossier)] == ["c.name", "c.dpo", "t.awareness"]


def test_a_bare_set_up_is_told_field_by_field_with_its_paragraph() -> None:
    dossier = build(case(aware_at=None, aware_basis=""), organisation=Organisation())
    gaps = {gap.field: gap.paragraph for gap in validate(dossier)}
    assert gaps == {
        "c.name": "33(3)(b)",
        "c.address": "",
        "c.declarant": "33(3)(b)",
        "c.declarant_role": "",
        "c.dpo": "33(3)(b)",
        "t.awareness": "33(1)",
    }


def test_a_contact_without_a_telephone_is_a_gap() -> None:
    organisation = ORGANISATION.model_copy(update={"dpo": DPO.model_copy(update={"phone": ""})})
    gaps = [gap for gap in validate(build(organisation=organisation)) if gap.field == "c.dpo"]
    assert [gap.message("fr").endswith("téléphone") for gap in gaps] == [True]


@pytest.mark.parametrize(
    ("field", "answer"),
    [
        ("b.nature", ["secrecy"]),
        ("q.severity", "catastrophic"),
        ("t.start", "2026-03-02 08:00"),
        ("t.awareness", "yesterday"),
        ("p.count", "many"),
        ("p.count", True),
        ("q.risk", {"unknown": {"owner": "dpo"}}),
        ("q.risk", {"unknown": None}),
    ],
)
def test_a_malformed_answer_is_a_gap(field: str, answer: object) -> None:
    assert [gap.field for gap in validate(build(case(answers={field: answer})))] == [field]


def test_a_final_one_takes_no_unknown_answer() -> None:
    dossier = msgspec.structs.replace(build(), kind="complete")
    gaps = {gap.field: gap.paragraph for gap in validate(dossier)}
    assert set(dossier.unknown) <= set(gaps)
    assert gaps["q.conf"] == "33(3)(c)"
    assert gaps["m.planned"] == "33(3)(d)"


@pytest.mark.parametrize(
    ("answer", "codes"),
    [
        ("yes", ["yes"]),
        (["a", "b"], ["a", "b"]),
        ({"codes": ["a"], "text": "t"}, ["a"]),
        ({"code": "a", "text": "t"}, ["a"]),
        (None, []),
        (3, []),
        ({"unknown": {}}, []),
    ],
)
def test_codes_are_found_in_every_shape_of_answer(answer: object, codes: list[str]) -> None:
    assert list(codes_of(answer)) == codes


def test_shipped_mapping_names_fields_and_choices_that_exist() -> None:
    mapping = read_yaml(content_dir("notifiers") / "cnil" / "cnil-1.yml").validate(FormMapping)
    for answers in mapping.kinds.values():
        for field_id, answer in answers.items():
            field = FORM.field(field_id)
            assert codes_of(answer)
            assert all(field.option(code) for code in codes_of(answer))
    data = FORM.field("d.categories")
    assert all(data.option(entry.code) for entry in mapping.data_categories.values())


def test_the_form_is_whole() -> None:
    assert len(FORM.fields) == 66
    assert sum(field.required_initial for field in FORM.fields) == 29
    assert len({field.id for field in FORM.fields}) == 66
    for field in FORM.fields:
        assert field.label("fr")
        assert field.label("en")
        assert FORM.section(field.section).label("fr")
        assert "'" not in field.label_fr
        for option in field.options:
            assert option.label("fr")
            assert option.label("en")
        condition = field.asked_when
        assert (condition is None) is (field.condition == "")
        if condition:
            assert all(FORM.field(condition.field).option(code) for code in condition.codes)


# Later filings: complementary, final, withdrawn.

FILED_AT = AWARE + timedelta(hours=30)
LATER = AWARE + timedelta(hours=60)


def later(kind: FilingKind, **changes: object) -> Dossier:
    first = build(now=FILED_AT)
    filed = case(filings=(filing("initial", FILED_AT),), **changes)
    return build(filed, kind=kind, before=first, now=LATER)


def test_a_complement_names_each_field_that_reads_otherwise_and_no_other() -> None:
    given = {
        "m.taken": "Compte suspendu, sessions fermées.",  # was given otherwise
        "q.severity": "limited",  # was unknown
        "q.conf": unknown("dpo", LATER + timedelta(days=9)),  # still unknown, by another date
        "p.count": unknown("analyst", LATER + timedelta(days=1)),  # in doubt again
    }
    found = later(FilingKind.COMPLEMENT, answers=given)
    assert {one.field for one in found.changes} == {"m.taken", "q.severity", "p.count"}
    by = {one.field: one for one in found.changes}
    assert (by["m.taken"].before, by["m.taken"].after) == (
        "Compte suspendu.",
        "Compte suspendu, sessions fermées.",
    )
    assert is_unknown(by["q.severity"].before)
    assert found.answers["n.type"] == "complement"
    assert found.answers["n.previous_ref"] == "FR-1"
    assert found.previous is not None
    assert found.previous.sha256 == build(now=FILED_AT).sha256
    assert validate(found) == []  # what is unknown may still follow (art. 33(4))
    assert msgspec.json.decode(found.canonical(), type=Dossier) == found


def test_nothing_new_is_no_change() -> None:
    assert later(FilingKind.COMPLEMENT).changes == ()


def test_a_complement_to_what_was_filed_outside_has_nothing_to_differ_from() -> None:
    filed = case(filings=(filing("initial", FILED_AT, "FR-9"),))
    found = build(filed, kind=FilingKind.COMPLEMENT, now=LATER)
    assert found.changes == ()
    assert found.previous is not None
    assert (found.previous.number, found.previous.sha256) == ("FR-9", "")


def test_a_final_dossier_wants_every_answer_and_names_the_paragraph() -> None:
    found = later(FilingKind.COMPLETE)
    assert found.answers["n.type"] == "complement"  # the portal takes it as one
    paragraphs = {gap.paragraph for gap in validate(found)}
    assert {"33(3)(c)", "33(3)(d)"} <= paragraphs
    assert not any(gap.field in {"c.name", "t.awareness"} for gap in validate(found))
    at_once = build(kind=FilingKind.COMPLETE)
    assert at_once.answers["n.type"] == "complete"


@pytest.mark.parametrize(
    ("removed", "paragraph"),
    [
        ("b.nature", "33(3)(a)"),
        ("c.dpo", "33(3)(b)"),
        ("q.impacts", "33(3)(c)"),
        ("m.taken", "33(3)(d)"),
    ],
)
def test_each_paragraph_of_33_3_is_named_when_it_is_missing(removed: str, paragraph: str) -> None:
    given = build(kind=FilingKind.COMPLETE)
    without = msgspec.structs.replace(given, answers={**given.answers, removed: None})
    assert paragraph in {gap.paragraph for gap in validate(without) if gap.field == removed}


def test_a_withdrawal_needs_its_reason_and_nothing_of_the_breach() -> None:
    bare = later(FilingKind.WITHDRAW, aware_at=None, answers={})
    assert [gap.field for gap in validate(bare)] == ["n.withdraw_reason"]
    told = later(
        FilingKind.WITHDRAW, answers={"n.withdraw_reason": "Aucune donnée n’a été consultée."}
    )
    assert validate(told) == []
    assert told.answers["n.previous_ref"] == "FR-1"
    # What was unknown and is not asked any more is no news to the authority.
    assert not [one for one in told.changes if is_unknown(one.before) and one.after is None]
    assert "n.withdraw_reason" in {one.field for one in told.changes}


def test_nobody_overrides_what_the_filing_itself_says() -> None:
    given = {"n.type": "withdraw", "n.previous_ref": "made up"}
    assert build(case(answers=given)).answers["n.type"] == "initial"
    assert later(FilingKind.COMPLEMENT, answers=given).answers["n.previous_ref"] == "FR-1"
