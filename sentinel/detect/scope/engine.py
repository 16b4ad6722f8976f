"""Each access of staff to a person's data is explained, unexplained or forbidden, with its proof.

Promises R-10 to R-14: default deny, and an access that succeeded is judged like one that was
refused; ranking them is the rules' work, which read the verdict as fields of the event.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import msgspec

from sentinel.detect.scope.explain import Access, Explanation, Probe, best_explanation, widened
from sentinel.detect.scope.facts import FactIndex, UnusableFact, read_fact
from sentinel.detect.scope.leavers import is_leaver
from sentinel.detect.scope.model import ScopeModel
from sentinel.detect.scope.partition import Partition
from sentinel.domain import event as names
from sentinel.domain.event import Event, Value
from sentinel.domain.reason import Reason
from sentinel.domain.scope import Fact, Standing, Verdict

JUDGED_KINDS = ("staff", "service")
MEMO = 4096
SHOWN = 3  # explanations and weaknesses named in words; the verdict counts them all


class Judgement(msgspec.Struct, frozen=True):
    """A verdict and its proof. ``templates``, ``weak``: ids and codes, sorted, without doubles."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    templates: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()


_Kind = tuple[frozenset[str], tuple[str, ...], str]  # roles, categories, action


class _Plan(NamedTuple):
    """What is the same for all accesses of one kind. ``refused``: outside the role."""

    refused: Judgement | None
    without_relation: Judgement
    probes: tuple[Probe, ...]


class ScopeEngine:
    """Judges events by a model and the facts known so far."""

    def __init__(self, model: ScopeModel, facts: FactIndex) -> None:
        self.model = model
        self.facts = facts
        self.unusable_facts = 0
        self._partition = Partition(model, facts)
        self._probes = widened(Probe(template) for template in model.templates)
        self._memo: dict[_Kind, _Plan] = {}
        self._worded: dict[int, dict[str, Value]] = {}  # of judgements that the memo keeps

    def judge(self, event: Event, *, known_at: datetime | None = None) -> Event:
        """Return the event with its verdict, where it is an access to a person's data.

        Staff events also learn whether the actor is leaving. Other events come back as they are,
        but for a business fact that cannot be used, which gets ``error.message``.
        ``known_at``: judge by what was recorded by then; None = by all that is known now.
        """
        extra: dict[str, Value] = {}
        if event.text(names.ACTOR_KIND) == "staff":
            extra[names.LEAVER] = is_leaver(
                self.facts,
                event.text(names.USER),
                event.time,
                notice=self.model.leaver_notice,
                known_at=known_at,
            )
        access = access_of(event)
        if access is not None:
            judgement = self.explain(access, known_at=known_at)
            extra |= self._worded.get(id(judgement)) or _fields(judgement)
        extra |= self._unusable(event)
        return event.enriched(extra) if extra else event

    def explain(self, access: Access, *, known_at: datetime | None = None) -> Judgement:
        """Return the verdict on an access; it is explained only if every person is."""
        plan = self._plan(access)
        if plan.refused is not None:
            return plan.refused
        if self._partition.needed and (refusal := self._partition.refusal(access)) is not None:
            return Judgement(Verdict.FORBIDDEN, (refusal,))
        subjects = access.subjects or ("",)
        if len(subjects) == 1:
            one = best_explanation(access, subjects[0], plan.probes, self.facts, known_at)
            if one is not None:
                return _explained(access, [one])
            return plan.without_relation if access.subjects else self._unexplained(access, 1)
        found = [
            best_explanation(access, subject, plan.probes, self.facts, known_at)
            for subject in subjects
        ]
        explained = [item for item in found if item is not None]
        if len(explained) < len(found):
            return self._unexplained(access, len(found) - len(explained))
        return _explained(access, explained)

    def proof(self, access: Access) -> Fact | None:
        """Return the fact that explains the access, of the first person; None where none does."""
        plan = self._plan(access)
        subject = access.subjects[0] if access.subjects else ""
        found = best_explanation(access, subject, plan.probes, self.facts)
        return found.fact if found is not None and plan.refused is None else None

    def standing(self, access: Access) -> Standing:
        """Return how well an access is justified; of several persons, the least justified."""
        judged = self.explain(access)
        if judged.verdict is not Verdict.EXPLAINED:
            return Standing(judged.verdict.value)
        if judged.weak:
            return Standing.WEAK
        probes = self._plan(access).probes
        own = all(self._is_own(access, subject, probes) for subject in access.subjects or ("",))
        return Standing.OWN_WORK if own else Standing.SHARED

    def _is_own(self, access: Access, subject: str, probes: tuple[Probe, ...]) -> bool:
        return any(
            probe.kind is None
            or any(
                fact.actor == access.actor and probe.weaknesses(access, fact) == ()
                for fact in probe.candidates(access, subject, self.facts, None)
            )
            for probe in probes
        )

    def _outside_role(self, access: Access) -> Reason | None:
        held = ", ".join(sorted(access.roles)) or "-"
        roles = [self.model.roles[name] for name in access.roles if name in self.model.roles]
        if not roles:
            return Reason("scope.no_role", {"role": held})
        covering = [role for role in roles if role.covers_categories(access.categories)]
        if not covering:
            category = ", ".join(access.categories)
            return Reason("scope.outside_role", {"role": held, "category": category})
        if not any(role.covers_act(access.action) for role in covering):
            return Reason("scope.outside_act", {"role": held, "action": access.action or "-"})
        return None

    def _plan(self, access: Access) -> _Plan:
        key = (access.roles, access.categories, access.action)
        found = self._memo.get(key)
        if found is None:
            refusal = self._outside_role(access)
            found = _Plan(
                Judgement(Verdict.FORBIDDEN, (refusal,)) if refusal is not None else None,
                Judgement(Verdict.UNEXPLAINED, (_no_relation(access),)),
                tuple(probe for probe in self._probes if probe.template.applies(*key)),
            )
            if len(self._memo) < MEMO:  # actions come from logs: somebody else chooses them
                self._memo[key] = found
                self._worded |= {id(one): _fields(one) for one in found[:2] if one is not None}
        return found

    def _unexplained(self, access: Access, missing: int) -> Judgement:
        if not access.subjects:
            reason = Reason("scope.no_subject", {"role": ", ".join(sorted(access.roles))})
        elif len(access.subjects) == 1:
            reason = _no_relation(access)
        else:
            values: dict[str, str | int | float] = {
                "missing": missing,
                "count": len(access.subjects),
            }
            reason = Reason("scope.no_relation_some", values)
        return Judgement(Verdict.UNEXPLAINED, (reason,))

    def _unusable(self, event: Event) -> dict[str, Value]:
        try:
            read_fact(event)
        except UnusableFact as fault:
            self.unusable_facts += 1
            return {"error.message": f"unusable business fact: {fault}"}
        return {}


def access_of(event: Event) -> Access | None:
    """Return the access that an event tells of; None where no person's data are touched."""
    if event.text(names.ACTOR_KIND) not in JUDGED_KINDS:
        return None
    subjects = tuple(dict.fromkeys(event.items(names.SUBJECT)))
    categories = tuple(sorted(set(event.items(names.CATEGORY))))
    if not subjects and not categories:
        return None
    return Access(
        actor=event.text(names.USER),
        team=event.text(names.TEAM),
        roles=frozenset(event.items(names.ROLES)),
        action=event.text("event.action"),
        categories=categories,
        subjects=subjects,
        instant=event.time,
    )


def _no_relation(access: Access) -> Reason:
    role, category = ", ".join(sorted(access.roles)), ", ".join(access.categories) or "-"
    return Reason("scope.no_relation", {"role": role, "category": category})


def _explained(access: Access, found: list[Explanation]) -> Judgement:
    if len(found) == 1 and not found[0].weak:
        one = found[0]
        return Judgement(Verdict.EXPLAINED, (_because(access, one),), (one.template.id,))
    weak = tuple(sorted({code for item in found for code in item.weak}))
    proofs = {_proof(item): _because(access, item) for item in found}
    reasons = list(proofs.values())[:SHOWN]
    reasons += [Reason("scope.weak", {"weakness": code}) for code in weak]
    return Judgement(
        Verdict.EXPLAINED,
        tuple(reasons),
        tuple(sorted({item.template.id for item in found})),
        weak,
    )


def _proof(found: Explanation) -> tuple[str, str, str]:
    fact = found.fact
    return (found.template.id, fact.kind if fact else "", fact.id if fact else "")


def _because(access: Access, found: Explanation) -> Reason:
    if found.fact is None:
        return Reason("scope.duty", {"role": ", ".join(sorted(access.roles))})
    return Reason("scope.related", {"kind": found.fact.kind, "id": found.fact.id})


def _fields(judgement: Judgement) -> dict[str, Value]:
    fields: dict[str, Value] = {
        names.SCOPE_VERDICT: judgement.verdict.value,
        names.SCOPE_REASON: "; ".join(reason.text("en") for reason in judgement.reasons),
        names.SCOPE_REASON_FR: "\u00a0; ".join(reason.text("fr") for reason in judgement.reasons),
    }
    if judgement.templates:
        fields[names.SCOPE_TEMPLATE] = ", ".join(judgement.templates)
    if judgement.weak:
        fields[names.SCOPE_WEAK] = ", ".join(judgement.weak)
    return fields
