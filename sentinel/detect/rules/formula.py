"""A boolean expression over rules: the `condition` of a temporal correlation (2.2 draft).

``recon and (login or export) and not ticket`` holds of the set of rules that matched in a window.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from enum import StrEnum

from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionItem,
    CorrelationConditionNOT,
    SigmaRuleReference,
)


class Join(StrEnum):
    """What a node says of its children; ``RULE`` is a leaf."""

    RULE = "rule"
    AND = "and"
    OR = "or"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Formula:
    """A node. ``rule``: the leaf's rule; ``children``: one for ``NOT``, two or more otherwise."""

    join: Join
    rule: str = ""
    children: tuple[Formula, ...] = ()

    def holds(self, seen: Collection[str]) -> bool:
        """Tell whether it is true where exactly the rules ``seen`` matched."""
        match self.join:
            case Join.RULE:
                return self.rule in seen
            case Join.AND:
                return all(child.holds(seen) for child in self.children)
            case Join.OR:
                return any(child.holds(seen) for child in self.children)
            case Join.NOT:
                return not self.children[0].holds(seen)

    def rules(self) -> tuple[str, ...]:
        """Return the rules that it names, each once, in the order of writing."""
        if self.join is Join.RULE:
            return (self.rule,)
        return tuple(dict.fromkeys(rule for child in self.children for rule in child.rules()))

    def renamed(self, name: Callable[[str], str]) -> Formula:
        """Return the same formula over other names of the rules."""
        if self.join is Join.RULE:
            return replace(self, rule=name(self.rule))
        return replace(self, children=tuple(child.renamed(name) for child in self.children))

    @property
    def is_growing(self) -> bool:
        """Whether more matches can only make it truer: there is no ``not``."""
        return self.join is not Join.NOT and all(child.is_growing for child in self.children)


def formula_of(tree: CorrelationConditionItem | SigmaRuleReference) -> Formula:
    """Return pySigma's tree as a formula."""
    if isinstance(tree, SigmaRuleReference):
        return Formula(Join.RULE, rule=tree.reference)
    children = tuple(formula_of(arg) for arg in tree.args)
    if isinstance(tree, CorrelationConditionNOT):
        return Formula(Join.NOT, children=children)
    join = Join.AND if isinstance(tree, CorrelationConditionAND) else Join.OR
    return Formula(join, children=children)
