"""Say in words why a visit stands high: its three strongest parts, in the order of their weight."""

from __future__ import annotations

from sentinel.detect.scope.ranking import Ranked
from sentinel.domain.reason import Reason

STRONGEST = 3
SILENT = frozenset(  # values of traits that say nothing which a person could answer
    {
        ("place", "same"),
        ("place", "unknown"),
        ("companion", "minutes"),
        ("companion", "hours"),
        ("familiar", "yes"),
        ("fame", "no"),
        ("slip", "no"),
        ("slip", "yes"),
        ("opened", "settled"),
        ("hours", "usual"),
        ("trend", "usual"),
        ("reach", "usual"),
        ("places", "one"),
        ("places", "unknown"),
        ("volume", "0-1"),
        ("borrowed", "0-1"),
        ("exports", "0"),
        ("returns", "0"),
        ("crowd", "0"),
        ("manner", "edit"),
    }
)
WEAKEST = 0.2  # of a part that is worth saying (log-likelihood ratio)


def reasons_of(one: Ranked) -> tuple[Reason, ...]:
    """Return the reasons of a ranked visit, never empty; none names a person."""
    parts = {**one.parts, **one.shared}
    order = sorted(parts, key=lambda name: (-parts[name], name))
    told = [_reason(one, name) for name in order if parts[name] >= WEAKEST]
    found = [reason for reason in told if reason is not None][:STRONGEST]
    looks = Reason("review.looks", {"looks": len(one.visit.looks)})
    return (*(found or [Reason("review.nothing")]), looks)


def _reason(one: Ranked, name: str) -> Reason | None:
    """Return the sentence of a part; None where its value says nothing that can be said so."""
    if name == "tie":
        return _tie(one)
    value = one.traits.get(name, "")
    if (name, value) in SILENT:
        return None
    if (name, value) == ("opened", "at once, idle"):
        return Reason("review.idle")
    if name == "manner":
        if value == "export":
            return Reason("review.manner.export")
        return Reason("review.manner", {"looks": len(one.visit.looks)})
    return Reason(f"review.{name}", {"value": value})


def _tie(one: Ranked) -> Reason | None:
    tie = one.tie
    if tie.bond == "none":
        return Reason("review.tie.none")
    if tie.bond == "other":
        return Reason("review.tie.other", {"kind": tie.kind})
    if tie.hold in ("past", "old"):
        return Reason("review.tie.past", {"kind": tie.kind})
    if tie.hold == "soon":
        return Reason("review.tie.soon", {"kind": tie.kind})
    return Reason("review.tie.rare", {"kind": tie.kind, "role": one.visit.role})
