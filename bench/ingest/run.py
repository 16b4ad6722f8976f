"""Measure ingest: ``python bench/ingest/run.py [--seconds 5]``. Prints JSON, one line each.

1. durable: HTTP to fsync, batches of 1, 100, 1,000; beside it the same server without fsync.
2. rsyslog (C, Debian): TCP in, a file with ``sync`` out, the same lines.
3. whole: HTTP, fsync, parse, rules, stores; then at half of that load how long an event waits.
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from load import bodies  # noqa: E402

RSYSLOG = """
module(load="imtcp")
input(type="imtcp" port="{port}" ruleset="r")
template(name="raw" type="string" string="%msg%\\n")
ruleset(name="r" queue.type="fixedArray" queue.size="200000" queue.dequeueBatchSize="1024") {{
  action(type="omfile" file="{folder}/out.log" template="raw" sync="on" flushOnTXEnd="on")
}}
"""


def measure(mode: str, batch: int, seconds: float, rate: float = 0.0) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="bench-ingest-"))
    server = subprocess.Popen(
        [sys.executable, HERE / "server.py", folder, mode], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    load = subprocess.run(
        [sys.executable, HERE / "load.py", url, str(batch), str(seconds), str(rate)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    server.terminate()
    said, _ = server.communicate()
    found = {"mode": mode, **json.loads(load.stdout), "server": json.loads(said)}
    found["events_per_cpu_second"] = round(found["events"] / found["server"]["cpu_seconds"])
    if mode == "whole":
        over = seconds + found["server"]["drained_seconds"]
        found["events_per_second_judged"] = round(found["events"] / over)
    shutil.rmtree(folder)
    print(json.dumps(found), flush=True)
    return found


def peer(count: int = 200_000) -> None:
    """Send lines to rsyslog until its file, written with ``sync``, holds them all."""
    program = shutil.which("rsyslogd")
    if program is None:
        print(json.dumps({"mode": "rsyslog", "absent": "tests/servers/install-shippers.sh"}))
        return
    folder = Path(tempfile.mkdtemp(prefix="bench-rsyslog-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "conf").write_text(RSYSLOG.format(port=port, folder=folder))
    server = subprocess.Popen([program, "-n", "-f", folder / "conf", "-i", folder / "pid"])
    time.sleep(1)
    lines = b"\n".join(bodies(1000)).split(b"\n")
    data = b"".join(b"<134>Jan 24 07:34:57 web nginx: " + line + b"\n" for line in lines)
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", port)) as client:
        for _ in range(count // len(lines)):
            client.sendall(data)
    out, held = folder / "out.log", 0
    while held < count - len(lines) and time.monotonic() - begun < 120:
        time.sleep(0.05)
        held = out.read_bytes().count(b"\n") if out.exists() else 0
    elapsed = time.monotonic() - begun
    server.terminate()
    server.wait()
    shutil.rmtree(folder)
    print(json.dumps({"mode": "rsyslog", "events": held, "events_per_second": int(held / elapsed)}))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    for mode in ("durable", "unsynced"):
        for batch in (1, 100, 1000):
            if given.only in ("", mode):
                measure(mode, batch, given.seconds)
    if given.only in ("", "rsyslog"):
        peer()
    if given.only in ("", "whole"):
        most = measure("whole", 1000, given.seconds)["events_per_second_judged"]
        measure("whole", 100, given.seconds, most / 2)


if __name__ == "__main__":
    main()
