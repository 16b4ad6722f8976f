"""All that the correlations of an engine remember as bytes, for a checkpoint, and back.

It is made in slices, so that a million groups never stand in memory twice. A correlation gets its
memory back only if it is written as it was, with all the rules behind it: what another rule
matched must not count for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from sentinel.detect.correlate.correlator import Correlator, Memory
from sentinel.detect.correlate.hit import Combination
from sentinel.detect.correlate.timekeeper import Timekeeper, TimeMemory
from sentinel.detect.correlate.waiting import Waiting
from sentinel.detect.rules.model import Correlation, Rule, RuleSet

VERSION = 2


class Head(msgspec.Struct, frozen=True, array_like=True):
    """The time and, per correlation id, the mark of its writing and its memory but for hits."""

    version: int
    time: TimeMemory
    correlators: dict[str, tuple[bytes, Memory]]


class Slice(msgspec.Struct, frozen=True, array_like=True):
    """Some of the hits that wait for the correlation, or some of its groups, in their order."""

    correlation: str
    pending: list[Waiting]
    groups: list[tuple[Combination, bytes]]


def remember(
    time: Timekeeper, correlators: Sequence[Correlator], rules: RuleSet
) -> Iterator[bytes]:
    """Yield the state of a timekeeper and of correlators, the head first."""
    found = marks(rules)
    kept = {
        (key := correlator.correlation.info.id): (found[key], correlator.remember())
        for correlator in correlators
    }
    yield msgspec.msgpack.encode(Head(VERSION, time.remember(), kept))
    for correlator in correlators:
        key = correlator.correlation.info.id
        for pending, groups in correlator.slices():
            yield msgspec.msgpack.encode(Slice(key, pending, groups))


def recall(
    parts: Iterable[bytes], time: Timekeeper, correlators: Sequence[Correlator], rules: RuleSet
) -> bool:
    """Give fresh ones their state back; tell whether all of it fitted.

    If not, they are not fresh any more, and the caller throws them away.
    """
    rest = iter(parts)
    try:
        head = msgspec.msgpack.decode(next(rest, b""), type=Head)
        found = marks(rules)
        by_id = {correlator.correlation.info.id: correlator for correlator in correlators}
        known = {key: mark for key, (mark, _memory) in head.correlators.items()}
        if head.version != VERSION or known != {key: found[key] for key in by_id}:
            return False
        time.recall(head.time)
        for key, correlator in by_id.items():
            correlator.recall(head.correlators[key][1])
        for part in rest:
            piece = msgspec.msgpack.decode(part, type=Slice)
            by_id[piece.correlation].take(piece.pending, piece.groups)
    except (msgspec.MsgspecError, KeyError):
        return False
    return True


def marks(rules: RuleSet) -> Mapping[str, bytes]:
    """Return per correlation a digest of what it says and of the rules that it refers to."""
    items = {item.info.id: item for item in rules.items}
    referred = {rule for correlation in rules.correlations for rule in correlation.rules}
    found: dict[str, bytes] = {}
    for key in (*referred - {c.info.id for c in rules.correlations}, *_ids(rules.correlations)):
        item = items[key]
        digest = hashlib.sha256(_writing(item))
        for rule in item.rules if isinstance(item, Correlation) else ():
            digest.update(found[rule])
        found[key] = digest.digest()
    return found


def _ids(correlations: Sequence[Correlation]) -> Sequence[str]:
    """Return the ids in order: what a correlation refers to comes before it."""
    return [correlation.info.id for correlation in correlations]


def _writing(item: Rule | Correlation) -> bytes:
    """Return what the item asks for, without its title and its advice."""
    if isinstance(item, Rule):
        return repr((item.logsource, item.expression)).encode()
    said = (item.kind, item.rules, item.group_by, item.timespan, item.conditions, item.fields)
    more = (item.percentile, item.formula, sorted(item.aliases.items()), item.actor)
    return repr((said, more)).encode()
