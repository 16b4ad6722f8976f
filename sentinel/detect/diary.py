"""What the consumer needs to stand again where it stood: a checkpoint and the turns since.

A checkpoint of all correlations is dear, the offset of a slice is not. So each commit writes the
turns since the last checkpoint (which slices, judged when, and how far time alone went), and only
from time to time a checkpoint. From both the same state is built again, exactly: the slices are
judged as they were cut, by the same clock.

A checkpoint is written in parts, each encoded when the transaction comes to it, so that a large one
costs the memory of a part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final, NamedTuple, Protocol

import msgspec

from sentinel.detect.correlate.instant import instant, micros
from sentinel.store.ports import Sealer

CHECKPOINT: Final = "detect:checkpoint"
DIARY: Final = "detect:diary"
PART: Final = "detect:checkpoint:{}"
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
    """A checkpoint after the offset ``after``: in how many parts."""

    after: int
    parts: int


class Part(msgspec.Struct, frozen=True, array_like=True):
    """A part of what correlations remember after the offset ``after``."""

    after: int
    memory: bytes


class Turns(msgspec.Struct, frozen=True, array_like=True):
    """The turns since the checkpoint after the offset ``after``."""

    after: int
    turns: list[Turn]


class States(Protocol):
    """What to store with an offset: names and values, made while they are asked for."""

    def items(self) -> Iterable[tuple[str, bytes]]:
        """Yield each, anew at each call."""
        ...


class Found(NamedTuple):
    """A checkpoint that was stored, and the turns since. ``memory`` can be read once."""

    stand: Stand
    turns: list[Turn]
    memory: Iterator[bytes]


def stored_states(get: Callable[[str], bytes | None]) -> dict[str, bytes]:
    """Return by ``get`` what was stored for the diary; empty where there is nothing."""
    found = {name: value for name in (CHECKPOINT, DIARY) if (value := get(name))}
    while value := get(name := PART.format(max(0, len(found) - 2))):
        found[name] = value
    return found


class Diary:
    """Keeps the turns and says what to store with the next offset."""

    def __init__(self, sealer: Sealer) -> None:
        """Start with a checkpoint due: what was before is not known."""
        self._sealer = sealer
        self._after = -1
        self._turns: list[Turn] = []
        self._events = 0
        self._due = True
        self._parts = 0

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

    def checkpoint(self, after: int, memory: Callable[[], Iterable[bytes]]) -> States:
        """Return what to store for a checkpoint; `wrote` says that it is stored.

        ``memory`` yields the parts, the same at each call until then.
        """
        return _Checkpoint(self, after, memory)

    def written(self, after: int, memory: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
        """Yield the names and values of a checkpoint; parts of a longer one before are emptied."""
        parts = 0
        for data in memory:
            name = PART.format(parts)
            yield name, self._sealed(name, Part(after, data))
            parts += 1
        yield CHECKPOINT, self._sealed(CHECKPOINT, Stand(after, parts))
        yield DIARY, self._sealed(DIARY, Turns(after, []))
        for left in range(parts, self._parts):
            yield PART.format(left), b""
        self._parts = max(parts, self._parts)

    def wrote(self, after: int) -> None:
        """Begin anew: the checkpoint after the offset ``after`` is stored."""
        self._after, self._turns, self._events, self._due = after, [], 0, False

    def read(self, stored: dict[str, bytes]) -> Found | None:
        """Return what was stored; None where there is nothing or it does not fit together.

        Parts leave ``stored`` as they are read; one that does not fit is read as empty.
        """
        if CHECKPOINT not in stored or DIARY not in stored:
            return None
        try:
            stand = msgspec.msgpack.decode(self._opened(CHECKPOINT, stored), type=Stand)
            turns = msgspec.msgpack.decode(self._opened(DIARY, stored), type=Turns)
        except msgspec.MsgspecError:
            return None
        if turns.after != stand.after:
            return None
        return Found(stand, turns.turns, self._memory(stand, stored))

    def _memory(self, stand: Stand, stored: dict[str, bytes]) -> Iterator[bytes]:
        for name in map(PART.format, range(stand.parts)):
            if name not in stored:
                yield b""
                continue
            part = msgspec.msgpack.decode(self._opened(name, stored), type=Part)
            del stored[name]
            yield part.memory if part.after == stand.after else b""

    def resume(self, stand: Stand, turns: list[Turn], events: int) -> None:
        """Go on after what was read, of which ``events`` were judged since the checkpoint."""
        self._after, self._turns, self._events, self._due = stand.after, turns, events, False
        self._parts = stand.parts

    def _sealed(self, name: str, value: Stand | Part | Turns) -> bytes:
        return self._sealer.seal(msgspec.msgpack.encode(value), context=name)

    def _opened(self, name: str, stored: Mapping[str, bytes]) -> bytes:
        return self._sealer.open(stored[name], context=name)


class _Checkpoint:
    """A checkpoint that is made while it is written."""

    def __init__(self, diary: Diary, after: int, memory: Callable[[], Iterable[bytes]]) -> None:
        self._diary = diary
        self._after = after
        self._memory = memory

    def items(self) -> Iterator[tuple[str, bytes]]:
        """Yield the parts, then what says that they are whole."""
        return self._diary.written(self._after, self._memory())
