"""What a member of staff is shown of a verdict on an access of their own (GDPR art. 15).

The facts and explanations that it was judged by, in words, without anybody else's data: persons are
"the person concerned", colleagues are not named, and facts that name a colleague are only counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from sentinel.detect.scope.engine import Judgement
from sentinel.detect.scope.explain import Access
from sentinel.detect.scope.facts import FactIndex
from sentinel.detect.scope.model import ScopeModel, Template
from sentinel.domain.scope import Fact, Verdict
from sentinel.domain.terms import term

Language = Literal["fr", "en"]

VERDICTS: dict[Verdict, dict[str, str]] = {
    Verdict.EXPLAINED: {"en": "explained", "fr": "expliquée"},
    Verdict.UNEXPLAINED: {"en": "not explained so far", "fr": "sans explication à ce jour"},
    Verdict.FORBIDDEN: {"en": "outside the role", "fr": "hors du rôle"},
}


class Considered(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that was considered. ``kind`` in words; instants are UTC."""

    kind: str
    id: str
    valid_from: datetime | None
    valid_to: datetime | None
    recorded_at: datetime | None
    held: bool


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one access, as its author may read it.

    ``asked``: the explanations that this kind of access could have had. ``facts``: those that name
    the author or the author's team. ``others``: how many facts about the person name somebody else.
    """

    language: str
    time: datetime
    action: str
    categories: tuple[str, ...]
    persons: int
    verdict: str
    reasons: tuple[str, ...]
    asked: tuple[str, ...]
    facts: tuple[Considered, ...]
    others: int


def statement(
    access: Access, judged: Judgement, model: ScopeModel, facts: FactIndex, language: Language
) -> Statement:
    """Return what the author of ``access`` may read about its verdict."""
    key = (access.roles, access.categories, access.action)
    templates = [one for one in model.templates if one.applies(*key)]
    kinds = sorted({one.fact for one in templates if one.fact})
    about = [f for s in access.subjects for kind in kinds for f in facts.about_subject(kind, s)]
    about += [
        fact
        for kind in kinds
        for fact in facts.about_agent(kind, access.actor, access.team)
        if not fact.subject
    ]
    own = [fact for fact in about if _names(fact, access)]
    return Statement(
        language=language,
        time=access.instant,
        action=access.action,
        categories=tuple(term(name, language) for name in access.categories),
        persons=len(access.subjects),
        verdict=VERDICTS[judged.verdict][language],
        reasons=tuple(reason.text(language) for reason in judged.reasons),
        asked=tuple(_titles(templates, language)),
        facts=tuple(_considered(fact, access, language) for fact in own),
        others=len(about) - len(own),
    )


def _names(fact: Fact, access: Access) -> bool:
    """Tell whether the fact is the author's own business: theirs, or their team's as such."""
    if fact.actor:
        return fact.actor == access.actor
    return bool(fact.team) and fact.team == access.team


def _titles(templates: Iterable[Template], language: Language) -> Iterable[str]:
    return (one.title.fr if language == "fr" else one.title.en for one in templates)


def _considered(fact: Fact, access: Access, language: Language) -> Considered:
    return Considered(
        kind=term(fact.kind, language),
        id=fact.id,
        valid_from=fact.valid_from,
        valid_to=fact.valid_to,
        recorded_at=fact.recorded_at,
        held=fact.holds_at(access.instant),
    )
