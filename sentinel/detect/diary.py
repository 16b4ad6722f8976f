"""What the consumer needs to stand again where it stood: a checkpoint and the turns since.

A checkpoint of all correlations is dear, the offset of a slice is not. So each commit writes the
turns since the last checkpoint (which slices, judged when, and how far time alone went), and only
from time to time a checkpoint. From both the same state is built again, exactly: the slices are
judged as they were cut, by the same clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from sentinel.detect.correlate.instant import instant, micros
from sentinel.store.ports import Sealer

CHECKPOINT: Final = "detect:checkpoint"
DIARY: Final = "detect:diary"
STATES: Final = (CHECKPOINT, DIARY)
FEWEST_EVENTS: Final = 2000  # between two checkpoints, and more where one costs more
FEWEST_TURNS: Final = 64


class Turn(msgspec.Struct, frozen=True, array_like=True):
    """One slice up to the offset ``last``, judged at ``now`` (microseconds); -1 for time alone."""

    last: int
    now: int

    @property
    def at(self) -> datetime:
        """The clock when it was judged, UTC."""
        return instant(self.now)


class Stand(msgspec.Struct, frozen=True, array_like=True):
    """A checkpoint: what correlations remember after the offset ``after``."""

    after: int
    memory: bytes


class Turns(msgspec.Struct, frozen=True, array_like=True):
    """The turns since the checkpoint after the offset ``after``."""

    after: int
    turns: list[Turn]


class Diary:
    """Keeps the turns and says what to store with the next offset."""

    def __init__(self, sealer: Sealer) -> None:
        """Start with a checkpoint due: what was before is not known."""
        self._sealer = sealer
        self._after = -1
        self._turns: list[Turn] = []
        self._events = 0
        self._due = True

    @property
    def unwritten(self) -> bool:
        """Whether events were judged since the last checkpoint."""
        return self._events > 0

    def demand(self) -> None:
        """Write a checkpoint next: the rules are others now."""
        self._due = True

    def slice(self, last: int, events: int, now: datetime) -> None:
        """Note a slice of so many events, up to the offset ``last``."""
        self._turns.append(Turn(last, micros(now)))
        self._events += events

    def time(self, now: datetime) -> None:
        """Note that time alone went on; of several such turns the last says all."""
        if self._turns and self._turns[-1].last < 0:
            self._turns.pop()
        self._turns.append(Turn(-1, micros(now)))

    def is_due(self, weight: int) -> bool:
        """Tell whether a checkpoint that costs ``weight`` (hits and groups) is worth it."""
        return (
            self._due
            or self._events >= max(FEWEST_EVENTS, weight)
            or len(self._turns) >= max(FEWEST_TURNS, weight // 32)
        )

    def turns(self) -> dict[str, bytes]:
        """Return what to store beside the last checkpoint."""
        return {DIARY: self._sealed(DIARY, Turns(self._after, self._turns))}

    def checkpoint(self, after: int, memory: bytes) -> dict[str, bytes]:
        """Return what to store for a checkpoint; `wrote` says that it is stored."""
        return {
            CHECKPOINT: self._sealed(CHECKPOINT, Stand(after, memory)),
            DIARY: self._sealed(DIARY, Turns(after, [])),
        }

    def wrote(self, after: int) -> None:
        """Begin anew: the checkpoint after the offset ``after`` is stored."""
        self._after, self._turns, self._events, self._due = after, [], 0, False

    def read(self, stored: Mapping[str, bytes]) -> tuple[Stand, list[Turn]] | None:
        """Return what was stored; None where there is nothing or it does not fit together."""
        if not all(name in stored for name in STATES):
            return None
        try:
            stand = msgspec.msgpack.decode(self._opened(CHECKPOINT, stored), type=Stand)
            turns = msgspec.msgpack.decode(self._opened(DIARY, stored), type=Turns)
        except msgspec.MsgspecError:
            return None
        return (stand, turns.turns) if turns.after == stand.after else None

    def resume(self, stand: Stand, turns: list[Turn], events: int) -> None:
        """Go on after what was read, of which ``events`` were judged since the checkpoint."""
        self._after, self._turns, self._events, self._due = stand.after, turns, events, False

    def _sealed(self, name: str, value: Stand | Turns) -> bytes:
        return self._sealer.seal(msgspec.msgpack.encode(value), context=name)

    def _opened(self, name: str, stored: Mapping[str, bytes]) -> bytes:
        return self._sealer.open(stored[name], context=name)
