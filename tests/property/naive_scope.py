"""The scope engine as its specification reads, without an index, a memo or a shortcut.

Every template that applies is asked about every fact. What the engine says must be the same.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase

import msgspec

from sentinel.detect.scope.explain import Access
from sentinel.detect.scope.model import Role, ScopeModel, Template
from sentinel.domain.scope import Fact

Answer = tuple[str, tuple[str, ...], tuple[str, ...]]  # verdict, templates, weaknesses
FLOOR = datetime.min.replace(tzinfo=UTC)


def in_force(facts: Iterable[Fact], known_at: datetime | None = None) -> list[Fact]:
    """Return of each fact the last version recorded (by ``known_at``), less what was retracted."""
    last: dict[tuple[str, str, str, str], Fact] = {}
    for fact in facts:
        if known_at is not None and (fact.recorded_at or FLOOR) > known_at:
            continue
        key = (fact.kind, fact.id, fact.subject, fact.actor)
        if key not in last or rank(fact) > rank(last[key]):
            last[key] = fact
    return [last[key] for key in sorted(last) if not last[key].retracted]


def rank(fact: Fact) -> tuple[datetime, bool, bool, bytes]:
    """Order versions: recorded later, then retracted, then ended, then by content."""
    ended = fact.valid_to is not None
    return (fact.recorded_at or FLOOR, fact.retracted, ended, msgspec.json.encode(fact))


def naive_verdict(
    model: ScopeModel, facts: Sequence[Fact], access: Access, known_at: datetime | None = None
) -> Answer:
    """Return verdict, templates and weaknesses of one access."""
    held = [model.roles[name] for name in access.roles if name in model.roles]
    if not any(_covers(role, access) for role in held):
        return "forbidden", (), ()
    known = in_force(facts, known_at)
    templates: set[str] = set()
    weak: set[str] = set()
    for subject in access.subjects or ("",):
        found = [
            (template, codes)
            for template in model.templates
            if _applies(template, access)
            for codes in _explanations(template, access, subject, known)
        ]
        if not found:
            return "unexplained", (), ()
        template, codes = min(found, key=lambda pair: len(pair[1]))  # the first of the fewest
        templates.add(template.id)
        weak.update(codes)
    return "explained", tuple(sorted(templates)), tuple(sorted(weak))


def _covers(role: Role, access: Access) -> bool:
    categories = "*" in role.categories or set(access.categories) <= set(role.categories)
    return categories and any(fnmatchcase(access.action, pattern) for pattern in role.acts)


def _applies(template: Template, access: Access) -> bool:
    return (
        ("*" in template.roles or bool(access.roles & set(template.roles)))
        and ("*" in template.categories or set(access.categories) <= set(template.categories))
        and any(fnmatchcase(access.action, pattern) for pattern in template.acts)
    )


def _explanations(
    template: Template, access: Access, subject: str, known: Sequence[Fact]
) -> list[tuple[str, ...]]:
    if template.fact is None:
        return [()]
    return [
        codes
        for fact in known
        if fact.kind == template.fact and _relates(template, access, subject, fact)
        if (codes := _weak(template, access, fact)) is not None
    ]


def _relates(template: Template, access: Access, subject: str, fact: Fact) -> bool:
    actor = bool(access.actor) and fact.actor == access.actor
    team = bool(access.team) and fact.team == access.team
    if template.subject == "same":
        if not subject or fact.subject != subject:
            return False
    elif not (actor or team):
        return False
    named = {"any": True, "actor": actor, "team": team, "actor_or_team": actor or team}
    if not named[template.agent]:
        return False
    if not template.about:
        return True
    same = "same" in template.about and (not fact.category or fact.category in access.categories)
    return same or fact.category in template.about


def _weak(template: Template, access: Access, fact: Fact) -> tuple[str, ...] | None:
    codes = []
    at = access.instant
    if fact.valid_from is not None and at < fact.valid_from:
        if fact.valid_from - at > template.opened_after_within:
            return None
        codes.append("opened_after")
    elif fact.valid_to is not None and at >= fact.valid_to:
        if at - fact.valid_to >= template.ended_within:
            return None
        codes.append("ended")
    if fact.opened_by and fact.opened_by == access.actor:
        codes.append("opened_by_actor")
    if fact.recorded_at is not None and fact.recorded_at > at:
        codes.append("recorded_late")
    codes.append("break_glass")
    return tuple(code for code in codes if code in template.weak)
