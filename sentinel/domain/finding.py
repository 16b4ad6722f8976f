"""What detection says: this rule, these events, this actor, these persons, for these reasons."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from sentinel.domain.reason import Reason
from sentinel.ids import digest_id


class Level(StrEnum):
    """Sigma's levels (specification 2.1, "Level"), from least to most severe."""

    INFORMATIONAL = "informational"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for informational to 4 for critical."""
        return list(Level).index(self)


class RuleInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What an alert must know of the rule that raised it.

    ``promises``: ids of the policy's promises (R-xx). ``runbook``: slug, or empty.
    ``breach_hint``: kinds of breach (``confidentiality``...) that the rule suggests.
    ``triage``: language to guide. ``fold_by``: fields whose values make findings one alert.
    """

    id: str
    slug: str
    title: str
    level: Level
    titles: dict[str, str] = {}
    promises: tuple[str, ...] = ()
    runbook: str = ""
    breach_hint: tuple[str, ...] = ()
    triage: dict[str, str] = {}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One result of one rule or model.

    ``id`` depends on the rule and the events alone, so that a replay finds the same finding.
    ``time``: event time (UTC) of the event that completed it. ``actor``: who did it (pseudonym
    in the service, raw offline), empty if unknown. ``subjects``: the data subjects touched.
    ``events``/``refs``: ids and references of the events, oldest first, at most 1,000 of them;
    ``event_count`` is the true number. ``score``: the model's, where there is one. ``continues``:
    it only brings later events of a burst that an earlier finding of the same rule told of.
    """

    id: str
    rule: RuleInfo
    time: datetime
    actor: str
    subjects: tuple[str, ...]
    events: tuple[str, ...]
    refs: tuple[str, ...]
    event_count: int
    reasons: tuple[Reason, ...]
    categories: tuple[str, ...] = ()
    score: float | None = None
    continues: bool = False


def finding_id(rule_id: str, event_ids: tuple[str, ...]) -> str:
    """Return the identity of a finding: the same rule on the same events is the same finding."""
    return digest_id("finding", rule_id, *event_ids)
