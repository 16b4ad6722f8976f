"""A real journal, read by Debian's rsyslog and syslog-ng as the shipped configurations have it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from ship_house import (
    COMBINED,
    FULL,
    INSTALL,
    SYSLOG_NG,
    House,
    Program,
    certificates,
    line_paths,
    needs,
    paths_of,
)
from ship_shipped import shipped

LINES = 100_000 if FULL else 1000
JOURNAL_REMOTE = "/lib/systemd/systemd-journal-remote"
LIBRARIES = "x86_64-linux-gnu"
BOOT = "0123456789abcdef0123456789abcdef"
ENTRY = """\
__CURSOR=s={boot};i={number:x}
__REALTIME_TIMESTAMP={instant}
__MONOTONIC_TIMESTAMP={number}
_BOOT_ID={boot}
_MACHINE_ID={machine}
_HOSTNAME=web.example.org
PRIORITY=6
SYSLOG_FACILITY=3
SYSLOG_IDENTIFIER={program}
_PID=42
MESSAGE={line}

"""
# rsyslog has no setting for the journal's folder: it sees the test's journal in that place, and
# no other process does.
OWN_PLACES = """
mount -t tmpfs none /var/log && mkdir /var/log/journal && mount --bind "$0" /var/log/journal
[ ! -d /run/log ] || mount -t tmpfs none /run/log
exec "$@"
"""


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    ca = certificates(tmp_path, "server")
    table: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": 0,
        "transport": "tls",
        "tls_certificate": ca["server"][0],
        "tls_key": ca["server"][1],
    }
    web = {"format": "nginx_combined", "profile": "nginx-site"}
    sources = [{"name": "journal", "kind": "syslog", "syslog": table, **web}]
    running = await House(tmp_path, {"sources": sources}).start()
    yield running
    await running.stop()


class Journal:
    """A journal of this machine's id, written by systemd's own program."""

    def __init__(self, folder: Path) -> None:
        self.program = needs(JOURNAL_REMOTE)
        self.folder = folder / "journal"
        self.machine = Path("/etc/machine-id").read_text().strip()
        (self.folder / self.machine).mkdir(parents=True)

    def write(self, numbers: range) -> None:
        """Write a line of nginx for each number, and one of another program."""
        entries = [self.entry(number, "nginx", COMBINED.format(number)) for number in numbers]
        entries.append(self.entry(numbers.stop, "cron", "not for this source"))
        subprocess.run(
            [self.program, "-o", self.folder / self.machine / "system.journal", "-"],
            input="".join(entries).encode(),
            check=True,
            capture_output=True,
        )

    def entry(self, number: int, program: str, line: str) -> str:
        instant = 1_769_240_097_000_000 + number
        return ENTRY.format(
            boot=BOOT, machine=self.machine, number=number + 1, instant=instant,
            program=program, line=line,
        )  # fmt: skip


def own_places(journal: Journal, *argv: str | Path) -> list[str | Path]:
    """Return the command that runs ``argv`` with ``journal`` where the machine's would be."""
    alone = [needs("unshare"), "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip(f"{' '.join(alone)} is not allowed here: run {INSTALL} and the test as root")
    return [*alone, "sh", "-ec", OWN_PLACES, journal.folder, *argv]


def rsyslog(folder: Path, port: int) -> list[str | Path]:
    conf = folder / "rsyslog.conf"
    conf.write_text(
        shipped(
            "rsyslog-journal.conf",
            {
                "/var/spool/rsyslog": folder,
                "/etc/rsyslog.d/sentinel-ca.pem": folder / "ca.pem",
                'target="sentinel.example.org" port="6514"': f'target="127.0.0.1" port="{port}"',
                'Peers="sentinel.example.org"': 'Peers="server.example.org"',
                # a tenth of what is sent, so that a limit that is not off is seen
                'ratelimit.interval="0"': f'ratelimit.interval="0" ratelimit.burst="{LINES // 10}"',
            },
        )
    )
    return [needs("rsyslogd"), "-n", "-f", conf, "-i", folder / "rsyslog.pid"]


def syslog_ng(folder: Path, port: int) -> list[str | Path]:
    program = needs(SYSLOG_NG / "usr/sbin/syslog-ng")
    libraries = SYSLOG_NG / "usr/lib"
    conf = folder / "syslog-ng.conf"
    conf.write_text(
        shipped(
            "syslog-ng-journal.conf",
            {
                "/etc/syslog-ng/sentinel-ca.pem": folder / "ca.pem",
                '"sentinel.example.org" port(6514)': f'"127.0.0.1" port({port})',
                "reliable(yes)": f'reliable(yes) dir("{folder}")',
            },
        )
    )
    found = [libraries / "syslog-ng", libraries / LIBRARIES, SYSLOG_NG / "lib" / LIBRARIES]
    return [
        needs("env"), "LD_LIBRARY_PATH=" + ":".join(map(str, found)),
        program, "-F", "--no-caps", "-f", conf, "-R", folder / "persist", "-p", folder / "pid",
        "-c", folder / "ctl", f"--module-path={libraries}/syslog-ng/3.38",
    ]  # fmt: skip


@pytest.mark.parametrize("shipper", [rsyslog, syslog_ng])
async def test_the_journal_comes_once_in_order_over_a_restart(
    house: House, tmp_path: Path, shipper: Callable[[Path, int], list[str | Path]]
) -> None:
    journal = Journal(tmp_path)
    command = own_places(journal, *shipper(tmp_path, house.port("journal")))
    journal.write(range(LINES // 2))
    sender = Program(*command)
    try:
        await house.until(LINES // 2)
        journal.write(range(LINES // 2, LINES))  # while it runs
        await house.until(LINES)
    finally:
        said = sender.end()
    journal.write(range(LINES, LINES + 100))  # while it is away
    sender = Program(*command)
    try:
        await house.until(LINES + 100)
    finally:
        said += sender.end()
    events = house.events("journal")
    assert paths_of(events) == line_paths(LINES + 100), said
    assert {event.text("process.name") for event in events} == {"nginx"}
