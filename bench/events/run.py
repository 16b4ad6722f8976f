"""Write rate, bytes per event and seven hunting queries: the embedded store beside its peers.

    python bench/events/run.py --events 1000000 [--peers embedded,sqlite,duckdb-parquet,elastic]

Every peer gets the same events and must give the same answers; one that does not is told, and the
exit code is 1. First all load, at the same time, each in a process of its own; then they are asked,
one after the other, in one process. A query runs once after opening, then ``--repeat`` times; the
median of those is shown as wall time, and as CPU time of this process (not of a server).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from material import events
from peers import QUESTIONS, DuckParquet, OfPort, Peer, Sqlite

from sentinel.domain.event import Event
from sentinel.domain.hunt import Groups, Hunt
from sentinel.store.events_embedded import EmbeddedEventStore
from sentinel.store.seal import AesGcmSealer

KEY = bytes(range(32))
BULK = 262_144
SERVERS = ("elastic",)  # what they hold is gone with the process that brought them


def embedded(folder: Path) -> OfPort:
    # A load is compacted a file at a time; a service does it sooner, and merges files later.
    store = EmbeddedEventStore(folder / "events", AesGcmSealer(KEY), compact_at=BULK)
    note = "column files, whole events with bodies, encrypted"
    return OfPort("embedded", note, store, store.size, store.compact)


def elastic(folder: Path) -> Peer:
    from elastic_peer import connect

    made: Peer = connect(folder)
    return made


PEERS: dict[str, Any] = {
    "embedded": embedded,
    "sqlite": Sqlite,
    "duckdb-parquet": DuckParquet,
    "elastic": elastic,
}


def load(name: str, count: int, folder: Path) -> Peer:
    """Fill a peer; leave beside it what that took, without the making of the events."""
    making = [0.0, 0.0]

    def batches() -> Iterator[list[Event]]:
        source = events(count)
        while True:
            begun = time.perf_counter(), time.thread_time()
            batch = next(source, None)
            making[0] += time.perf_counter() - begun[0]
            making[1] += time.thread_time() - begun[1]
            if batch is None:
                return
            yield batch

    peer: Peer = PEERS[name](folder)
    wall, cpu = time.perf_counter(), time.process_time()
    peer.load(batches())
    seconds = time.perf_counter() - wall - making[0]
    spent = time.process_time() - cpu - making[1]
    told = {
        "note": peer.note,
        "events_per_second": round(count / seconds),
        "events_per_cpu_second": round(count / max(spent, 0.001)),
        "bytes_per_event": round(peer.size() / count, 1),
    }
    (folder / "loaded.json").write_text(json.dumps(told))
    return peer


def needles(peer: OfPort, count: int) -> tuple[str, str]:
    """Return an address with about the usual number of events, and the id of one event."""
    ranked = peer.store.aggregate(Hunt(), Groups(by=("source.ip",), top=count))
    middle = next(iter(events(1000)))[7].id if count <= 1000 else ""
    page = peer.store.hunt(Hunt(limit=3, newest_first=True, until=None))
    return ranked[len(ranked) // 2].key[0], middle or page[-1].id


def measured(peer: Peer, question: str, needle: str, repeat: int) -> dict[str, Any]:
    walls, cpus, answer = [], [], None
    for _ in range(repeat + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        answer = peer.ask(question, needle)
        walls.append(1000 * (time.perf_counter() - wall))
        cpus.append(1000 * (time.process_time() - cpu))
    later, spent = walls[1:] or walls, cpus[1:] or cpus
    return {
        "first_ms": round(walls[0], 1),
        "wall_ms": round(statistics.median(later), 1),
        "best_ms": round(min(later), 1),
        "cpu_ms": round(statistics.median(spent), 1),
        "answer": answer,
    }


def load_all(names: list[str], count: int, folder: Path) -> None:
    loads = []
    for name in names:
        (folder / name).mkdir(exist_ok=True)
        if name not in SERVERS and not (folder / name / "loaded.json").exists():
            arguments = ["--events", str(count), "--load", name, "--folder", str(folder)]
            loads.append(subprocess.Popen([sys.executable, __file__, *arguments]))
    for one in loads:
        if one.wait():
            raise SystemExit("a peer could not load")


def ask_all(names: list[str], options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    results: dict[str, Any] = {"events": options.events, "peers": {}, "same_answers": True}
    reference: dict[str, Any] = {}
    first = embedded(folder / "embedded")
    ip, event_id = needles(first, options.events)
    first.store.close()
    for name in names:
        here = folder / name
        peer: Peer = load(name, options.events, here) if name in SERVERS else PEERS[name](here)
        told = json.loads((folder / name / "loaded.json").read_text())
        print(f"\n{name}: {told}", flush=True)
        for question in QUESTIONS:
            needle = event_id if question == QUESTIONS[6] else ip
            one = measured(peer, question, needle, options.repeat)
            answer = one.pop("answer")
            one["same_answer"] = reference.setdefault(question, answer) == answer
            results["same_answers"] &= one["same_answer"]
            told[question] = one
            print(f"  {question:38} {one}", flush=True)
        results["peers"][name] = told
    return results


def table(results: dict[str, Any], of: str) -> None:
    peers = results["peers"]
    print(f"\n| {results['events']:,} events ({of}) | " + " | ".join(peers) + " |")
    print("|---|" + "---:|" * len(peers))
    for line, key in (
        ("written, events per second", "events_per_second"),
        ("written, events per CPU second", "events_per_cpu_second"),
        ("bytes per event on disk", "bytes_per_event"),
    ):
        print(f"| {line} | " + " | ".join(f"{told[key]:,}" for told in peers.values()) + " |")
    for question in QUESTIONS:
        cells = [f"{told[question][of]:,} ms" for told in peers.values()]
        print(f"| {question} | " + " | ".join(cells) + " |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--peers", default="embedded,sqlite,duckdb-parquet")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="keep what was loaded there, and use it again")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--load", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.load:
        loaded = load(options.load, options.events, options.folder / options.load)
        if isinstance(loaded, OfPort):
            loaded.store.close()
        return 0
    folder = options.folder or Path(tempfile.mkdtemp(prefix="bench-events-"))
    folder.mkdir(exist_ok=True)
    try:
        names = options.peers.split(",")
        load_all(names, options.events, folder)
        results = ask_all(names, options, folder)
    finally:
        if options.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    table(results, "wall_ms")
    table(results, "cpu_ms")
    print(
        f"\n{os.cpu_count()} CPUs, load {os.getloadavg()}, answers equal: {results['same_answers']}"
    )
    return 0 if results["same_answers"] else 1


if __name__ == "__main__":
    sys.exit(main())
