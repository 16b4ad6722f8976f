"""The service is killed while it meets new people: nobody in an acknowledged event is unknown."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from sentinel.app import parts
from sentinel.app.service import Sentinel
from sentinel.config import Settings


def settings_in(folder: Path) -> Settings:
    return Settings.model_validate(
        {
            "data_dir": folder,
            "log_level": "error",
            "keys": {"master": "11" * 32},
            "behaviour": {"enabled": False},
            "sources": [{"name": "crm", "format": "json", "profile": "crm-audit", "token": "t"}],
        }
    )


def line(number: int) -> bytes:
    return json.dumps(
        {
            "id": f"crm-{number}",
            "time": datetime.now(UTC).isoformat(),
            "actor": {"id": f"u.{number}", "kind": "staff"},
            "action": "customer.read",
            "customers": [f"C{number:05d}"],
            "ip": "192.0.2.4",
        }
    ).encode()


async def meet_people(folder: Path) -> None:
    """Acknowledge events of new people for ever; say how far we are."""
    service = await Sentinel.open(settings_in(folder))
    number = 0
    while True:
        numbers = range(number, number + 7)
        batch = service._intakes["crm"].batch([line(one) for one in numbers], f"b{number}")
        await service._spool.append(batch.events)
        number += 7
        print(number, flush=True)  # a number cut short is a smaller one


def test_who_is_in_an_acknowledged_event_is_in_the_map(tmp_path: Path) -> None:
    acknowledged = 0
    for after in (2, 15, 40):
        process = subprocess.Popen(
            [sys.executable, __file__, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(after)]
        os.kill(process.pid, signal.SIGKILL)
        told += process.stdout.readlines()
        process.wait()
        process.stdout.close()
        acknowledged = max([acknowledged, *(int(one) for one in told if one.strip().isdigit())])
    assert acknowledged >= 7
    settings = settings_in(tmp_path)
    sealer = parts.open_sealer(settings)
    names = parts.make_pseudonymiser(settings, sealer)
    assert names.bodies is not None
    spool = parts.open_spool(settings, sealer)
    events = [event for _, event in spool.read(-1, limit=100_000)]
    asyncio.run(spool.close())
    known = set()
    for event in events:
        opened = names.bodies.open(event)
        assert opened.closed == ()
        (subject,) = opened.originals["sentinel.subject"]  # type: ignore[misc]
        assert opened.originals["user.name"] == f"u.{int(subject[1:])}"
        assert opened.originals["source.ip"] == "192.0.2.4"
        known.add(subject)
    assert known >= {f"C{number:05d}" for number in range(acknowledged)}


if __name__ == "__main__":
    asyncio.run(meet_people(Path(sys.argv[1])))
