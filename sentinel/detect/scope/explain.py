"""Find the business fact that makes one access to one person's data necessary.

After Fabbri and LeFevre, "Explanation-Based Auditing" (PVLDB 5(1), 2011): a template names the
path that must link the actor and the person; here the path is joined at the instant of the access.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from sentinel.detect.scope.facts import FactIndex
from sentinel.detect.scope.model import Template
from sentinel.domain.scope import Fact


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """A member of staff, or a service, reads persons' data. ``instant``: UTC."""

    actor: str
    team: str
    roles: frozenset[str]
    action: str
    categories: tuple[str, ...]
    subjects: tuple[str, ...]
    instant: datetime


class Explanation(msgspec.Struct, frozen=True):
    """Why an access was necessary. ``weak``: codes of weaknesses; empty = a full explanation."""

    template: Template
    fact: Fact | None
    weak: tuple[str, ...] = ()


def best_explanation(
    access: Access,
    subject: str,
    templates: tuple[Template, ...],
    facts: FactIndex,
    known_at: datetime | None = None,
) -> Explanation | None:
    """Return the first full explanation, else the one with the fewest weaknesses, else None.

    ``subject``: the person; empty = the access names nobody.
    """
    best: Explanation | None = None
    for template in templates:
        for found in _explanations(access, subject, template, facts, known_at):
            if not found.weak:
                return found
            if best is None or len(found.weak) < len(best.weak):
                best = found
    return best


def _explanations(
    access: Access,
    subject: str,
    template: Template,
    facts: FactIndex,
    known_at: datetime | None,
) -> Iterator[Explanation]:
    if template.fact is None:
        yield Explanation(template, None)
        return
    for fact in _candidates(access, subject, template, facts, known_at):
        weak = _weaknesses(access, template, fact)
        if weak is not None:
            yield Explanation(template, fact, weak)


def _candidates(
    access: Access,
    subject: str,
    template: Template,
    facts: FactIndex,
    known_at: datetime | None,
) -> Iterator[Fact]:
    kind = template.fact or ""
    if template.subject == "same":
        if not subject:
            return
        found = facts.about_subject(kind, subject, known_at=known_at)
    else:
        found = facts.about_agent(kind, access.actor, access.team, known_at=known_at)
    for fact in found:
        if _names_agent(access, template, fact) and _is_about(access, template, fact):
            yield fact


def _names_agent(access: Access, template: Template, fact: Fact) -> bool:
    actor = bool(access.actor) and fact.actor == access.actor
    team = bool(access.team) and fact.team == access.team
    match template.agent:
        case "any":
            return True
        case "actor":
            return actor
        case "team":
            return team
        case _:
            return actor or team


def _is_about(access: Access, template: Template, fact: Fact) -> bool:
    if not template.about:
        return True
    if "same" in template.about and (not fact.category or fact.category in access.categories):
        return True
    return fact.category in template.about


def _weaknesses(access: Access, template: Template, fact: Fact) -> tuple[str, ...] | None:
    """Return the weaknesses of ``fact``, or None where it does not explain at all.

    Outside its validity a fact explains only within the template's graces. A circumstance that
    the template does not list among ``weak`` weakens nothing.
    """
    weak: list[str] = []
    if not fact.holds_at(access.instant):
        grace = _grace(access.instant, template, fact)
        if grace is None:
            return None
        weak.append(grace)
    if fact.opened_by and fact.opened_by == access.actor:
        weak.append("opened_by_actor")
    if fact.recorded_at is not None and fact.recorded_at > access.instant:
        weak.append("recorded_late")
    weak.append("break_glass")
    return tuple(code for code in weak if code in template.weak)


def _grace(instant: datetime, template: Template, fact: Fact) -> str | None:
    if fact.valid_from is not None and instant < fact.valid_from:
        return "opened_after" if fact.valid_from - instant <= template.opened_after_within else None
    if fact.valid_to is not None and instant - fact.valid_to < template.ended_within:
        return "ended"
    return None
