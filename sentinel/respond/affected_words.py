"""The selection of an affected set in words that a dossier prints and a colleague can check."""

from __future__ import annotations

from collections.abc import Sequence

from sentinel.clock import isoformat
from sentinel.domain.affected import Extent, Selection

_EXTENTS = {
    Extent.BEYOND_OWN_WORK: "not explained by a fact that names the actor",
    Extent.UNJUSTIFIED: "forbidden, unexplained or weakly explained",
}


def in_words(selection: Selection, actor_fields: Sequence[str]) -> str:
    """Return the question in one line; what is done by hand is said last."""
    parts = []
    if (selection.actors or selection.persons) and selection.extent is not Extent.FINDINGS:
        parts.append(" and ".join(_conditions(selection, actor_fields)))
    if selection.event_ids:
        parts.append(f"event.id in ({', '.join(sorted(selection.event_ids))})")
    told = " or ".join(f"({part})" for part in parts)
    if selection.added:
        told += f" plus, by hand, {', '.join(sorted(selection.added))}"
    if selection.removed:
        told += f" less, by hand, {', '.join(sorted(selection.removed))}"
    return told.strip()


def _conditions(selection: Selection, actor_fields: Sequence[str]) -> list[str]:
    found = []
    if selection.actors:
        who = ", ".join(sorted(selection.actors))
        found.append(f"{' or '.join(actor_fields)} in ({who})")
    if selection.persons:
        found.append(f"sentinel.subject in ({', '.join(sorted(selection.persons))})")
    if selection.since is not None:
        found.append(f"@timestamp >= {isoformat(selection.since)}")
    if selection.until is not None:
        found.append(f"@timestamp < {isoformat(selection.until)}")
    if selection.extent in _EXTENTS:
        extent = _EXTENTS[selection.extent]
        acts = f" or event.action in ({', '.join(sorted(selection.acts))})"
        found.append(f"({extent}{acts if selection.acts else ''})")
    return found
