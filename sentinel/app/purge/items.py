"""Lines of a certificate: of events by day, of archives by kind."""

from __future__ import annotations

from collections.abc import Iterable

from sentinel.app.backup import cycle
from sentinel.domain.certificate import Item, digest_of
from sentinel.domain.hunt import Purged
from sentinel.domain.retention import PERIODS


def of_events(gone: Purged) -> Item:
    """Return what went of a day."""
    return Item(
        what="events",
        kind=gone.kind,
        count=gone.count,
        rule=str(PERIODS[gone.kind]),
        digest=gone.digest,
        day=gone.day,
        first=gone.first,
        last=gone.last,
        size=gone.size,
    )


def of_archives(found: list[cycle.Archive]) -> list[Item]:
    """Return what goes of each kind of backup."""
    items = []
    for kind in cycle.KINDS:
        some = [one for one in found if one.kind == kind]
        if some:
            items.append(
                Item(
                    what="backups",
                    kind=f"backup_{kind}",
                    count=len(some),
                    rule=str(PERIODS[f"backup_{kind}"]),
                    digest=digest_of([one.path.name for one in some]),
                    first=some[0].made_at,
                    last=some[-1].made_at,
                    size=sum(one.size for one in some),
                )
            )
    return items


def merged(planned: Iterable[Item], went: Iterable[Item]) -> list[Item]:
    """Return what was planned, and what came in between; a day that went before counts once."""
    items = {(one.what, one.kind, one.day): one for one in planned}
    for one in went:
        key = (one.what, one.kind, one.day)
        if key not in items or items[key].count < one.count:
            items[key] = one
    return list(items.values())
