"""What a later filing changes, field by field, against what was filed before (art. 33(4))."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

OF_THE_FILING = frozenset({"n.type", "n.previous_ref", "t.late_reasons"})
"""Fields that speak of the filing itself: they differ each time and inform of nothing."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One field that reads otherwise now. ``before``, ``after``: answers as in `Dossier`."""

    field: str
    before: object
    after: object


def changes(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[Change, ...]:
    """Return what differs, in the order of ``after``; a field that left the form comes last.

    An answer that was unknown and still is, by another date, is no change; one that is unknown
    again is. One that was unknown and that nobody finds out any more is none either.
    """
    fields = [*after, *(field for field in before if field not in after)]
    return tuple(
        Change(field=field, before=before.get(field), after=after.get(field))
        for field in fields
        if field not in OF_THE_FILING and not _same(before.get(field), after.get(field))
    )


def _same(before: object, after: object) -> bool:
    said = _said(before)
    return said == _said(after) or (said == "unknown" and after is None)


def _said(answer: object) -> object:
    """Return an answer without what informs nobody: who finds it out by when, a lone list."""
    if answer is None or (isinstance(answer, Mapping) and "not_applicable" in answer):
        return None
    if isinstance(answer, Mapping) and "unknown" in answer:
        return "unknown"
    return answer
