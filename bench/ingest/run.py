"""Measure ingest: ``python bench/ingest/run.py [--seconds 4]``. Prints JSON, one line each.

1. durable: HTTP to fsync, batches of 1, 100, 1,000; beside it the same server without fsync.
2. rsyslog (C, Debian): TCP in, a synced disk queue, a file with ``sync`` out, the same lines.
3. burst: one body of 100,000 lines: how long the event loop is held, what memory it takes.
4. whole: HTTP, fsync, parse, 500 rules, stores; then at half of that load how long an event waits.

The machine may be shared: each line says the CPU seconds of the server beside the wall time.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SIGMA = Path(__file__).resolve().parents[3] / "shared" / "data" / "sigma" / "rules.tar.gz"
RULES = 500
sys.path.insert(0, str(HERE))
from load import bodies  # noqa: E402

RSYSLOG = """
module(load="imtcp")
input(type="imtcp" port="{port}" ruleset="r")
template(name="raw" type="string" string="%msg%\\n")
ruleset(name="r" {queue} queue.size="300000" queue.dequeueBatchSize="1024") {{
  action(type="omfile" file="{folder}/out.log" template="raw" sync="on" flushOnTXEnd="on")
}}
"""


MEMORY_QUEUE = 'queue.type="fixedArray"'
DISK_QUEUE = (
    'queue.type="disk" queue.filename="q" queue.spoolDirectory="{folder}" '
    'queue.syncqueuefiles="on" queue.checkpointinterval="1000"'
)


def web_rules(folder: Path, wanted: int) -> Path | None:
    """Unpack SigmaHQ's rules for web servers and proxies, made rules for web servers.

    There are not enough of them: copies whose listed texts differ fill up to ``wanted``.
    """
    if not SIGMA.is_file():
        return None
    with tarfile.open(SIGMA) as packed:
        packed.extractall(folder / "all", filter="data")
    texts = [path.read_text() for path in sorted((folder / "all").rglob("*.yml"))]
    found = [
        text for text in texts if re.search(r"^    category: (?:webserver|proxy)$", text, re.M)
    ]
    (folder / "rules").mkdir()
    for number in range(wanted):
        text, copy = found[number % len(found)], number // len(found)
        text = text.replace("    category: proxy", "    category: webserver")
        if copy:
            text = re.sub(r"^(\s+- )'(?![\d.]+/)(.*)'$", rf"\1'\g<2>~{copy}'", text, flags=re.M)
            text = re.sub(r"^id: .*$", f"id: {uuid.UUID(int=number)}", text, flags=re.M)
            text = re.sub(r"^title: (.*)$", rf"title: \1 ({copy})", text, flags=re.M)
        (folder / "rules" / f"rule_{number}.yml").write_text(text)
    return folder / "rules"


def measure(
    mode: str, batch: int, seconds: float, rate: float = 0.0, rules: Path | None = None
) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="bench-ingest-"))
    own = {"BENCH_RULES": str(rules)} if rules else {}
    server = subprocess.Popen(
        [sys.executable, HERE / "server.py", folder, "durable" if mode == "burst" else mode],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **own},
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
    found["events_per_cpu_second"] = round(
        found["server"]["stored"] / found["server"]["cpu_seconds"]
    )
    if mode == "whole":
        over = seconds + found["server"]["drained_seconds"]
        found["events_per_second_judged"] = round(found["server"]["judged"] / over)
    shutil.rmtree(folder)
    print(json.dumps(found), flush=True)
    return found


def peer(queue: str, count: int = 100_000) -> None:
    """Send lines to rsyslog until its file, written with ``sync``, holds them all."""
    program = shutil.which("rsyslogd")
    if program is None:
        print(json.dumps({"mode": "rsyslog", "absent": "tests/servers/install-shippers.sh"}))
        return
    folder = Path(tempfile.mkdtemp(prefix="bench-rsyslog-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    text = RSYSLOG.format(port=port, folder=folder, queue=queue.format(folder=folder))
    (folder / "conf").write_text(text)
    server = subprocess.Popen([program, "-n", "-f", folder / "conf", "-i", folder / "pid"])
    time.sleep(1)
    lines = b"\n".join(bodies(1000)).split(b"\n")
    data = b"".join(b"<134>Jan 24 07:34:57 web nginx: " + line + b"\n" for line in lines)
    out, held, begun = folder / "out.log", 0, time.monotonic()
    with socket.create_connection(("127.0.0.1", port)) as client:
        for _ in range(count // len(lines)):
            client.sendall(data)
        while held < count and time.monotonic() - begun < 40:
            time.sleep(0.05)
            held = out.read_bytes().count(b"\n") if out.exists() else 0
    elapsed = time.monotonic() - begun
    server.terminate()
    used = os.wait4(server.pid, 0)[2]
    cpu = used.ru_utime + used.ru_stime
    shutil.rmtree(folder)
    found = {"mode": "rsyslog", "queue": queue.split('"')[1], "events": held}
    found |= {"events_per_second": int(held / elapsed), "cpu_seconds": round(cpu, 2)}
    print(json.dumps(found | {"events_per_cpu_second": int(held / cpu)}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    for mode in ("durable", "unsynced"):
        for batch in (1, 100, 1000):
            if given.only in ("", mode):
                measure(mode, batch, given.seconds)
    if given.only in ("", "rsyslog"):
        peer(MEMORY_QUEUE)
        peer(DISK_QUEUE)
    if given.only in ("", "burst"):
        measure("burst", 100_000, 1)
    if given.only in ("", "whole"):
        with tempfile.TemporaryDirectory() as folder:
            rules = web_rules(Path(folder), RULES)
            most = measure("whole", 1000, given.seconds, rules=rules)["events_per_second_judged"]
            measure("whole", 100, given.seconds, most / 2, rules=rules)


if __name__ == "__main__":
    main()
