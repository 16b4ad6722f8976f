"""How long one million lines of the journal take to verify, from the database, against anchors.

Usage: python bench/journal/run.py [--lines 1000000] [--seconds 60]

The lines are written through the scheme itself (sealed-size payloads of 120 random bytes, real
hashes) but in bulk, without the transaction per line that a service makes. Prints wall and CPU
seconds and the peak of resident memory; exit 1 where the CPU time is above --seconds.
"""

from __future__ import annotations

import argparse
import os
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sentinel.clock import SystemClock
from sentinel.domain.anchor import NOTHING_BEFORE, Anchor
from sentinel.domain.journal import GENESIS, line_hash, payload_digest
from sentinel.respond.journal_check import all_lines, check
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.seal import AesGcmSealer
from sentinel.store.signing import AnchorSigner
from sentinel.store.sql_codec import to_us

START = datetime(2026, 1, 1, tzinfo=UTC)
ROW = "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
Row = tuple[int, int, int, str, str, str, bytes, str, str, str]


def rows(count: int, last: list[str]) -> Iterator[Row]:
    prev = GENESIS
    for seq in range(1, count + 1):
        occurred = START + timedelta(seconds=seq, microseconds=seq % 1_000_000)
        recorded = occurred + timedelta(milliseconds=3)
        payload = os.urandom(120)
        actor, action, subject = f"acc-{seq % 12}", "incident.answered", f"case-{seq % 500}"
        digest = payload_digest(payload)
        made = line_hash(
            seq=seq,
            occurred_at=occurred,
            recorded_at=recorded,
            actor=actor,
            action=action,
            object=subject,
            payload_digest=digest,
            prev_hash=prev,
        )
        yield (
            *(seq, to_us(occurred), to_us(recorded), actor, action, subject),
            *(payload, digest, prev, made),
        )
        prev = made
    last.append(prev)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cases.sqlite"
        store = SqlCaseStore.open(path, AesGcmSealer(bytes(32)), SystemClock())
        last: list[str] = []
        with sqlite3.connect(path) as connection:
            connection.executemany(ROW, rows(chosen.lines, last))
        anchor = AnchorSigner("11" * 32).sign(
            Anchor(
                day="2026-01-12",
                first_seq=1,
                last_seq=chosen.lines,
                hash=last[0],
                previous=NOTHING_BEFORE,
                made_at=START,
                key_id="",
            )
        )
        wall, cpu = time.perf_counter(), time.process_time()
        with store.begin() as tx:
            verdict = check(all_lines(tx), [anchor])
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        store.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{verdict.lines} lines, {verdict.anchors} anchor, {len(verdict.breaks)} breaks: "
        f"{wall:.1f} s wall, {cpu:.1f} s CPU, {cpu / verdict.lines * 1e6:.1f} µs a line, "
        f"peak {peak} MiB"
    )
    return 0 if verdict.holds and verdict.lines == chosen.lines and cpu <= chosen.seconds else 1


if __name__ == "__main__":
    sys.exit(main())
