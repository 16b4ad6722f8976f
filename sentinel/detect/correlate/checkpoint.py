"""All correlations of an engine as bytes, for a checkpoint, and back.

A correlation gets its memory back only if it is written as it was, with all the rules behind it:
what another rule matched must not count for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from sentinel.detect.correlate.correlator import Correlator, Memory
from sentinel.detect.correlate.timekeeper import Timekeeper, TimeMemory
from sentinel.detect.rules.model import Correlation, Rule, RuleSet

VERSION = 1


class Checkpoint(msgspec.Struct, frozen=True, array_like=True):
    """The time and, per correlation id, the mark of its writing and its memory."""

    version: int
    time: TimeMemory
    correlators: dict[str, tuple[bytes, Memory]]


def remember(time: Timekeeper, correlators: Sequence[Correlator], rules: RuleSet) -> bytes:
    """Return the state of a timekeeper and of correlators as bytes."""
    found = marks(rules)
    kept = {
        (key := correlator.correlation.info.id): (found[key], correlator.remember())
        for correlator in correlators
    }
    return msgspec.msgpack.encode(Checkpoint(VERSION, time.remember(), kept))


def recall(
    data: bytes, time: Timekeeper, correlators: Sequence[Correlator], rules: RuleSet
) -> bool:
    """Give fresh ones their state back; tell whether all of it fitted, and do nothing if not."""
    try:
        checkpoint = msgspec.msgpack.decode(data, type=Checkpoint)
    except msgspec.MsgspecError:
        return False
    found = marks(rules)
    ids = {correlator.correlation.info.id for correlator in correlators}
    known = {key: mark for key, (mark, _memory) in checkpoint.correlators.items()}
    if checkpoint.version != VERSION or known != {key: found[key] for key in ids}:
        return False
    time.recall(checkpoint.time)
    for correlator in correlators:
        correlator.recall(checkpoint.correlators[correlator.correlation.info.id][1])
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
