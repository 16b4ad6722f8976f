"""Write mined templates as a file of the scope model, for a person to read, change and accept.

It is never in force by itself: somebody copies it into the folder of scopes, and `sentinel check`
reads it there like any other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import yaml

from sentinel.detect.scope.model import ANY, ScopeModel
from sentinel.detect.scope.suggest import Suggestion

HEAD = """\
# PROPOSED, not in force: templates that were mined from accesses and facts. Read each one, ask
# whether its reason is one that the policy knows, give it its categories and titles, then copy it
# into rules/scopes/ and run `sentinel check`.
# support: accesses that match; gain: those that nothing else explains; by chance: shuffled pairs
# that match; confidence: share of the support that chance does not account for.
"""
GRACES = {
    "ended": {"weak": ["ended"], "ended_within": "P1D"},
    "opened_after": {"weak": ["opened_after"], "opened_after_within": "PT2H"},
}


def proposal(suggestions: Sequence[Suggestion], model: ScopeModel) -> str:
    """Return YAML that `load_scope` reads, with the measures as comments."""
    unknown = sorted({one.role for one in suggestions} - model.roles.keys())
    out = [HEAD]
    if unknown:
        out.append(f"# Declare these roles first: {', '.join(unknown)}\n")
    out.append("title: {en: Proposed templates, fr: Modèles proposés}\ntemplates:")
    if not suggestions:
        out[-1] += " []"
    for one in suggestions:
        out.append(
            f"  # support {one.support} of {one.accesses}, gain {one.gain}, by chance "
            f"{one.by_chance:.2%}, lift {one.lift}, confidence {one.confidence:.1%}"
        )
        text = yaml.safe_dump([_template(one)], allow_unicode=True, sort_keys=False)
        out.append("\n".join(f"  {line}" for line in text.splitlines()))
    return "\n".join(out) + "\n"


def _template(one: Suggestion) -> Mapping[str, object]:
    agent_en = {"actor": "the agent", "team": "the agent's team", "any": "anybody"}[one.agent]
    agent_fr = {"actor": "l’agent", "team": "l’équipe de l’agent", "any": "quiconque"}[one.agent]
    about_en = " about that customer" if one.about_person else ""
    about_fr = " concernant ce client" if one.about_person else ""
    template: dict[str, object] = {
        "id": re.sub(r"[^a-z0-9_]", "_", f"{one.kind}_{one.agent}_{one.window}_{one.role}".lower()),
        "title": {
            "en": f"A fact of the kind {one.kind}{about_en} names {agent_en} (proposed)",
            "fr": f"Un fait « {one.kind} »{about_fr} désigne {agent_fr} (proposé)",
        },
        "roles": [one.role],
        "categories": [ANY],
        "fact": one.kind,
        "subject": "same" if one.about_person else "any",
        "agent": one.agent,
    }
    return template | GRACES.get(one.window, {"weak": ["opened_by_actor", "recorded_late"]})
