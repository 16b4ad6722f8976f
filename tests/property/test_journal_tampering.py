"""Random tamperings with the journal: all are found, and the line is named.

What shows from inside the chain, and what shows only against an anchor kept elsewhere, are counted
apart. ``SENTINEL_TAMPERINGS`` sets how many; 10,000 by default.
"""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import msgspec

from sentinel.domain.anchor import NOTHING_BEFORE, Anchor
from sentinel.domain.journal import GENESIS, JournalLine, line_hash, payload_digest
from sentinel.respond.journal_check import check
from sentinel.store.signing import AnchorSigner, signed_by

ROUNDS = int(os.environ.get("SENTINEL_TAMPERINGS", "10000"))
START = datetime(2026, 3, 2, 10, 0, 0, 123456, tzinfo=UTC)
SIGNER = AnchorSigner("11" * 32)
FIELDS = ("occurred_at", "recorded_at", "actor", "action", "object", "payload", "seq")
INSIDE = ("altered", "resealed", "removed", "reordered", "inserted", "emptied")
OUTSIDE = ("tail cut", "rewritten")


def sealed(line: JournalLine) -> JournalLine:
    fields = msgspec.structs.asdict(line)
    payload = fields.pop("payload")
    del fields["hash"]
    fields["payload_digest"] = payload_digest(payload)
    return JournalLine(**fields, payload=payload, hash=line_hash(**fields))


def chain(random: Random, length: int) -> list[JournalLine]:
    lines: list[JournalLine] = []
    for seq in range(1, length + 1):
        draft = JournalLine(
            seq=seq,
            occurred_at=START + timedelta(microseconds=random.randrange(10**9)),
            recorded_at=START + timedelta(seconds=seq, microseconds=random.randrange(10**6)),
            actor=f"acc-{random.randrange(4)}",
            action="incident.answered",
            object=f"case-{random.randrange(3)}",
            payload=random.randbytes(random.randrange(29, 90)),
            payload_digest="",
            prev_hash=lines[-1].hash if lines else GENESIS,
            hash="",
        )
        lines.append(sealed(draft))
    return lines


def altered(random: Random, line: JournalLine) -> JournalLine:
    name = random.choice(FIELDS)
    old = getattr(line, name)
    if name == "payload":
        at = random.randrange(len(old))
        new = old[:at] + bytes([old[at] ^ (1 << random.randrange(8))]) + old[at + 1 :]
    elif name == "seq":
        new = old + random.choice([-1, 1, 1000])
    elif isinstance(old, datetime):
        new = old + timedelta(microseconds=random.choice([-1, 1, 10**6]))
    else:
        new = old + "x"
    return msgspec.structs.replace(line, **{name: new})


def resealed_from(lines: list[JournalLine], start: int) -> None:
    """What somebody does who knows the scheme and holds the whole database."""
    for index in range(start, len(lines)):
        prev = lines[index - 1].hash if index else GENESIS
        lines[index] = sealed(msgspec.structs.replace(lines[index], seq=index + 1, prev_hash=prev))


def tamper(random: Random, kind: str, lines: list[JournalLine]) -> set[int]:  # noqa: PLR0911
    """Change ``lines``; return the lines one of which must be named."""
    last = len(lines) - 1
    at = random.randrange(last)  # never the last: what is done to a tail is a cut, or a rewriting
    if kind == "altered":
        lines[at] = altered(random, lines[at])
        return {lines[at].seq, at + 1}
    if kind == "emptied":
        lines[at] = msgspec.structs.replace(lines[at], payload=b"")
        return {at + 1}
    if kind == "resealed":
        forged = altered(random, lines[at])
        lines[at] = sealed(msgspec.structs.replace(forged, seq=at + 1))
        if lines[at] == sealed(lines[at]) and forged.seq != at + 1:
            lines[at] = sealed(msgspec.structs.replace(lines[at], actor="other"))
        return {at + 2}
    if kind == "removed":
        del lines[at : at + random.randrange(1, last - at + 1)]
        return {lines[at].seq}
    if kind == "reordered":
        other = random.choice([one for one in range(last + 1) if one != at])
        lines[at], lines[other] = lines[other], lines[at]
        return {lines[min(at, other)].seq}
    if kind == "inserted":
        copy = random.choice(lines)
        new = sealed(msgspec.structs.replace(copy, seq=at + 2, prev_hash=lines[at].hash))
        lines.insert(at + 1, random.choice([copy, new]))
        return {lines[at + 1].seq, lines[at + 2].seq}
    if kind == "tail cut":
        del lines[at + 1 :]
        return {last + 1}
    start = random.randrange(last + 1)
    lines[start] = msgspec.structs.replace(lines[start], actor="somebody-else")
    if random.random() < 0.3 and start < last:
        del lines[start + 1]
        lines.append(lines[-1])
    resealed_from(lines, start)
    return {last + 1}


def anchor_of(lines: list[JournalLine]) -> Anchor:
    return SIGNER.sign(
        Anchor(
            day="2026-03-02",
            first_seq=1,
            last_seq=lines[-1].seq,
            hash=lines[-1].hash,
            previous=NOTHING_BEFORE,
            made_at=START,
            key_id="",
        )
    )


def test_every_random_tampering_is_found_and_named() -> None:
    random = Random(20260302)
    inside: Counter[str] = Counter()
    outside: Counter[str] = Counter()
    whole = chain(random, 24)
    anchor = anchor_of(whole)
    assert signed_by(anchor, SIGNER.public)
    assert check(whole, [anchor]).holds
    for number in range(ROUNDS):
        if number % 100 == 0:
            whole = chain(random, random.randrange(3, 40))
            anchor = anchor_of(whole)
        kind = random.choice([*INSIDE, *OUTSIDE])
        lines = list(whole)
        suspects = tamper(random, kind, lines)
        alone, held = check(lines), check(lines, [anchor])
        assert not held.holds, kind
        assert suspects & {one.seq for one in held.breaks}, (kind, suspects, held.breaks)
        if kind in OUTSIDE:
            assert alone.holds, kind  # the chain is right in itself: only the anchor knows
            outside[kind] += 1
        else:
            assert not alone.holds, kind
            inside[kind] += 1
    print(f"{ROUNDS} tamperings: inside {dict(inside)}, against an anchor {dict(outside)}")
    assert sum(inside.values()) + sum(outside.values()) == ROUNDS


def test_a_forged_anchor_is_no_anchor() -> None:
    lines = chain(Random(7), 5)
    anchor = anchor_of(lines)
    for changes in (
        {"hash": "0" * 64},
        {"last_seq": 4},
        {"day": "2026-03-03"},
        {"previous": "1" * 64},
        {"signature": "00" * 64},
        {"signature": "nonsense"},
    ):
        assert not signed_by(msgspec.structs.replace(anchor, **changes), SIGNER.public)
    assert not signed_by(AnchorSigner("22" * 32).sign(anchor), SIGNER.public)
