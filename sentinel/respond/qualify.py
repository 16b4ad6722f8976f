"""What a person weighs before deciding: proposed score inputs, the closest cases, the bridge.

The tool proposes. It names what is alike and what differs, it writes down what was answered, and it
leaves the two conclusions (GDPR art. 33(1), 34(1)) as proposals for a person to sign or to depart
from with reasons.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from sentinel.domain.incident import Incident
from sentinel.domain.record import Assessment
from sentinel.legal.qualification import PREFIX, EdpbCase, edpb_cases, question, questions
from sentinel.respond.qualify_words import (
    CONCLUSION_33,
    CONCLUSION_34,
    FEATURES,
    HEADINGS,
    NOT_KNOWN,
    SCORE,
    VALUES,
)

MANY = 100
CAUSES = {
    "ransomware": "ransomware",
    "bulk_export": "internal_human",
    "out_of_scope_access": "internal_human",
    "leaver": "internal_human",
    "credential_stuffing": "exfiltration",
    "web_skimmer": "exfiltration",
    "lost_device": "lost_stolen",
    "misdirected_mail": "mispostal",
    "wrong_person": "mispostal",
}
# From the gravest down: several kinds of data count as the gravest (ENISA 2013, DPC).
GRAVEST = (
    ("sensitive", ("art9", "art10")),
    ("national_id", ("nir",)),
    ("financial", ("payment", "billing")),
    ("credentials", ("credentials",)),
)
DPC = {"sensitive": 4, "national_id": 3, "financial": 3, "credentials": 3, "ordinary": 1}
WEIGHTS = {"cause": 2, "data": 2}


class Likeness(msgspec.Struct, frozen=True, kw_only=True):
    """One of the EDPB's cases beside ours. ``differs``: feature, theirs, ours, in words."""

    case: EdpbCase
    score: int
    alike: tuple[str, ...]
    differs: tuple[tuple[str, str, str], ...]


class Paragraph(msgspec.Struct, frozen=True):
    """One part of the bridge."""

    heading: str
    text: str


def given(incident: Incident) -> dict[str, Any]:
    """Return the known answers to the questions, by id without prefix."""
    return {
        field.removeprefix(PREFIX): value
        for field, value in incident.answers.items()
        if field.startswith(PREFIX) and not (isinstance(value, Mapping) and "unknown" in value)
    }


def features(incident: Incident) -> dict[str, str]:
    """Return what is known of a case in the words of the EDPB's cases; unknown ones are absent."""
    answers = given(incident)
    found: dict[str, str] = {
        name: str(answers[name])
        for name in ("recipients", "protection", "backups", "intent", "containment")
        if name in answers
    }
    if incident.kind in CAUSES:
        found["cause"] = CAUSES[incident.kind]
    if "data" in answers:
        found["data"] = _gravest(answers["data"])
    if incident.subjects:
        found["scale"] = "many" if len(incident.subjects) > MANY else "few"
    return found


def closest(incident: Incident, language: str, count: int = 3) -> tuple[Likeness, ...]:
    """Return the EDPB's cases most like ours, the closest first, with every difference named."""
    ours = features(incident)
    rows = [_likeness(case, ours, language) for case in edpb_cases()]
    return tuple(sorted(rows, key=lambda row: (-row.score, row.case.id))[:count]) if ours else ()


def proposed_inputs(incident: Incident) -> dict[str, object]:
    """Return the inputs of the score that follow from the answers; a person corrects them."""
    answers = given(incident)
    kinds = answers.get("kinds", [])
    data = answers.get("data", [])
    dpc = DPC[_gravest(data)] if data else 1
    if dpc == 1 and "connection" in data:
        dpc = 2
    if dpc == 1 and {"vulnerable", "minors"} & set(answers.get("persons", [])):
        dpc = 4
    lost = {"fast": 0.25, "slow": 0.25, "none": 0.5}.get(str(answers.get("backups")), 0)
    seen = {"trusted": 0.25, "known": 0.25, "unknown": 0.5}.get(str(answers.get("recipients")), 0)
    return {
        "dpc": dpc,
        "ei": answers.get("identifiability", "maximum"),
        "cb": {
            "confidentiality": seen if "confidentiality" in kinds or not kinds else 0,
            "integrity": lost if "integrity" in kinds else 0,
            "availability": lost if "availability" in kinds else 0,
            "malicious_intent": 0.5 if answers.get("intent") == "malicious" else 0,
        },
        "individuals": len(incident.subjects) or None,
        "unintelligible": answers.get("protection") == "unintelligible",
    }


def bridge(incident: Incident, score: Assessment | None, language: str) -> tuple[Paragraph, ...]:
    """Return the written bridge from the facts to the two conclusions, in ``fr`` or ``en``."""
    parts = {
        "facts": ("kinds", "persons", "numbers", "data", "duration"),
        "safeguards": ("protection", "backups", "containment"),
        "impact": ("identifiability", "recipients", "intent", "consequences"),
    }
    told = [
        Paragraph(HEADINGS[name][language], _told(incident, asked, language))
        for name, asked in parts.items()
    ]
    screen = str(score.proposal["screen"]) if score else ""
    said = _score(score, language)
    cases = _cases(incident, language)
    told.append(Paragraph(HEADINGS["33"][language], f"{CONCLUSION_33[screen][language]} {said}"))
    told.append(Paragraph(HEADINGS["34"][language], f"{CONCLUSION_34[screen][language]} {cases}"))
    return tuple(Paragraph(one.heading, one.text.strip()) for one in told)


def open_questions(incident: Incident) -> list[str]:
    """Return the ids of the questions without an answer, or answered "not known yet"."""
    known = given(incident)
    return [one.id for one in questions() if one.id.removeprefix(PREFIX) not in known]


def _likeness(case: EdpbCase, ours: Mapping[str, str], language: str) -> Likeness:
    shared = [name for name in case.facts if name in ours]
    alike = [name for name in shared if case.facts[name] == ours[name]]
    return Likeness(
        case=case,
        score=sum(WEIGHTS.get(name, 1) for name in alike),
        alike=tuple(FEATURES[name][language] for name in alike),
        differs=tuple(
            (
                FEATURES[name][language],
                VALUES[case.facts[name]][language],
                VALUES[ours[name]][language],
            )
            for name in shared
            if name not in alike
        ),
    )


def _gravest(data: list[str]) -> str:
    for name, codes in GRAVEST:
        if set(codes) & set(data):
            return name
    return "ordinary"


def _told(incident: Incident, asked: tuple[str, ...], language: str) -> str:
    answers = given(incident)
    lines = []
    for name in asked:
        one = question(PREFIX + name)
        said = one.say(answers[name], language) if name in answers else NOT_KNOWN[language]
        lines.append(f"{one.label(language)} {said}.")
    return " ".join(lines)


def _score(score: Assessment | None, language: str) -> str:
    if score is None:
        return ""
    figures = score.proposal
    se = f"{figures['se']:g}"
    return SCORE[language].format(
        se=se.replace(".", ",") if language == "fr" else se,
        level=VALUES[str(figures["level"])][language],
    )


def _cases(incident: Incident, language: str) -> str:
    near = closest(incident, language, 1)
    if not near:
        return ""
    row = near[0]
    told = [f"{name} ({theirs} / {ours})" for name, theirs, ours in row.differs]
    gaps = ("\u00a0; " if language == "fr" else "; ").join(told)
    if language == "fr":
        differs = f" Différences\u00a0: {gaps}." if gaps else ""
        return f"Cas le plus proche\u00a0: {row.case.id}, {row.case.fr}.{differs}"
    differs = f" Differences: {gaps}." if gaps else ""
    return f"Closest case: {row.case.id}, {row.case.en}.{differs}"
