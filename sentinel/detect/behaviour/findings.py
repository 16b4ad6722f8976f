"""From a score to a finding: what the model says, in the words of every other rule."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from sentinel.detect.behaviour.model import Score, Strong
from sentinel.detect.behaviour.sessions import Session
from sentinel.domain.finding import Finding, Level, RuleInfo, finding_id
from sentinel.domain.reason import Reason
from sentinel.yaml_file import read_yaml

SLUG = "unusual_navigation"
MOST_EVENTS = 1_000


class _Triage(BaseModel):
    model_config = ConfigDict(extra="forbid")

    en: str = Field(min_length=1)
    fr: str = Field(min_length=1)


class _ModelRule(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: uuid.UUID
    title: str = Field(min_length=1)
    title_fr: str = Field(min_length=1)
    level: Level
    promises: tuple[str, ...] = ()
    runbook: str = ""
    breach: tuple[Literal["confidentiality", "integrity", "availability"], ...] = ()
    triage: _Triage


def load_model_rule(rules: Path, slug: str = SLUG) -> RuleInfo:
    """Return the pseudo-rule ``models/<slug>.yml`` of a rules folder.

    Raises UnreadableFile, and ContentError with ``where`` = file:line:column.
    """
    rule = read_yaml(rules / "models" / f"{slug}.yml").validate(_ModelRule)
    return RuleInfo(
        id=str(rule.id),
        slug=slug,
        title=rule.title,
        level=rule.level,
        titles={"en": rule.title, "fr": rule.title_fr},
        promises=rule.promises,
        runbook=rule.runbook,
        breach_hint=rule.breach,
        triage={"en": rule.triage.en, "fr": rule.triage.fr},
    )


def finding_of(session: Session, score: Score, rule: RuleInfo) -> Finding | None:
    """Return the finding of a session that scored above the threshold, else None.

    The actor is who signed in, else the session's own pseudonym. A customer is also the data
    subject: it is their account that may be in other hands.
    """
    if score.value <= score.threshold:
        return None
    events = tuple(visit.id for visit in session.visits)
    shown = {"score": round(score.value, 2), "threshold": round(score.threshold, 2)}
    return Finding(
        id=finding_id(rule.id, events),
        rule=rule,
        time=session.visits[-1].time,
        actor=session.user or session.key,
        subjects=(session.customer,) if session.customer else (),
        events=events[:MOST_EVENTS],
        refs=tuple(visit.ref for visit in session.visits[:MOST_EVENTS]),
        event_count=len(events),
        reasons=(
            *(_reason(strong) for strong in score.strongest),
            Reason("behaviour.score", dict(shown)),
        ),
        categories=tuple(
            sorted({category for visit in session.visits for category in visit.categories})
        ),
        score=round(score.value, 4),
    )


def _reason(strong: Strong) -> Reason:
    value, bound = rounded(strong.value), rounded(strong.bound)
    if strong.low:
        return Reason("behaviour.feature_low", {"name": strong.name, "value": value, "p1": bound})
    return Reason("behaviour.feature", {"name": strong.name, "value": value, "p99": bound})


def rounded(value: float) -> float | int:
    """Return three significant digits, without a needless fraction."""
    short = float(f"{value:.3g}")
    return int(short) if short.is_integer() else short
