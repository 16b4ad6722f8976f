"""The time-stamps of the journal's anchors, verified for ``sentinel journal verify``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import msgspec

from sentinel.app.stamping import roots_in, roots_of
from sentinel.config import Settings
from sentinel.domain.anchor import Anchor
from sentinel.domain.journal import Break
from sentinel.errors import ConfigError
from sentinel.store import timestamping

CLOCKS_DIFFER = timedelta(minutes=10)


class Stamps(msgspec.Struct, frozen=True, kw_only=True):
    """``good``: how many prove their anchor. ``told``: what the reader should know, or empty."""

    good: int = 0
    breaks: tuple[Break, ...] = ()
    told: str = ""


def check_stamps(anchors: Sequence[Anchor], settings: Settings, given: Path | None) -> Stamps:
    """Verify the time-stamps of ``anchors``, against the roots ``given`` or configured."""
    stamped = [one for one in anchors if one.timestamp]
    if not stamped:
        return Stamps()
    if given is None and settings.journal.timestamp_roots is None:
        return Stamps(told=f"{len(stamped)} time-stamps unverified: give --timestamp-roots")
    roots = roots_in(given) if given is not None else roots_of(settings)
    breaks = []
    for anchor in stamped:
        try:
            told = timestamping.stamped_at(anchor, roots)
        except timestamping.BadTimestamp as error:
            breaks.append(_break(anchor, f"its time-stamp proves nothing: {error.message}"))
            continue
        except ConfigError as error:
            return Stamps(told=f"{len(stamped)} time-stamps unverified: {error.message}")
        if told < anchor.made_at - CLOCKS_DIFFER:
            breaks.append(_break(anchor, "it was time-stamped before it says that it was made"))
    return Stamps(
        good=len(stamped) - len(breaks),
        breaks=tuple(breaks),
        told=f"{len(stamped) - len(breaks)} time-stamps verified",
    )


def _break(anchor: Anchor, reason: str) -> Break:
    return Break(anchor.last_seq, f"the anchor of {anchor.day}: {reason}")
