"""A sender that keeps a batch until it is acknowledged, and remembers what it was told."""

from __future__ import annotations

import http.client
import json
import os
import random
import shutil
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from crash_life import MARKED

BURST = 5


def now() -> datetime:
    """Return the clock that the service sees."""
    return datetime.now(UTC)


class Sender:
    """Sends numbered lines. ``acknowledged``: numbers; ``due``: what must be alerted."""

    def __init__(self, chance: random.Random, source: str = "crm") -> None:
        self._chance = chance
        self.source = source
        self._next = 0
        self._time = datetime.min.replace(tzinfo=UTC)
        self._batch: list[int] = []
        self._body = b""
        self._refused_at: datetime | None = None
        self._bursting = 0
        self.acknowledged: set[int] = set()
        self.marked: set[int] = set()
        self.bursts: set[str] = set()
        self.blind: list[tuple[datetime, datetime]] = []
        self.resent = 0
        self.statuses: dict[int, int] = {}
        self.without_retry_after = 0
        self.last = ""
        """How the last attempt ended."""

    def send(self, url: str, *, hang_up: bool = False) -> bool:
        """Send what is pending, or a new batch; return whether it was acknowledged.

        ``hang_up``: do not wait for the answer, as a sender that dies would not.
        """
        if self._batch:
            self.resent += 1
        else:
            self._compose()
        asked = now()
        try:
            status = self._post(url, hang_up=hang_up)
        except (OSError, http.client.HTTPException) as error:
            self.last = repr(error)
            return False
        self.last = str(status)
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if status != HTTPStatus.OK:
            self._refused_at = self._refused_at or now()
            return False
        if self._refused_at is not None:
            self.blind.append((self._refused_at, asked))
            self._refused_at = None
        self.acknowledged.update(self._batch)
        self._batch = []
        return True

    def forget_refusal(self) -> None:
        """The process that refused is dead: what follows is told by its own interval."""
        if self._refused_at is not None:
            self.blind.append((self._refused_at, now()))
            self._refused_at = None

    def _post(self, url: str, *, hang_up: bool) -> int:
        place = urlsplit(url)
        connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=20)
        try:
            connection.request(
                "POST",
                "/v1/events",
                self._body,
                {
                    "Authorization": "Bearer crash",
                    "Content-Type": "application/x-ndjson",
                    "Idempotency-Key": f"batch-{self._batch[0]}",
                },
            )
            if hang_up:
                raise ConnectionAbortedError
            answer = connection.getresponse()
            answer.read()
            busy = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS)
            if answer.status in busy and not answer.getheader("Retry-After"):
                self.without_retry_after += 1
            return answer.status
        finally:
            connection.close()

    def _compose(self) -> None:
        count = self._chance.choice([1, 3, 10, 40])
        self._batch = list(range(self._next, self._next + count))
        self._next += count
        self._body = b"\n".join(self._line(number) for number in self._batch)

    def _line(self, number: int) -> bytes:
        actor, action = f"a.person{number % 7}", "report.view"
        if self._bursting:
            self._bursting -= 1
            actor, action = sorted(self.bursts)[-1], "session.login"
        elif self._chance.random() < 0.03:
            self.marked.add(number)
            actor, action = f"m.{self.source}.{number}", MARKED
        elif self._chance.random() < 0.02:
            self._bursting = BURST - 1
            actor, action = f"b.{self.source}.{number:09d}", "session.login"
            self.bursts.add(actor)
        # Times never go back and are never ahead of the clock: nothing is late on purpose.
        self._time = max(self._time + timedelta(microseconds=1), now())
        return json.dumps(
            {
                "id": f"{self.source}-{number:08d}",
                "time": self._time.isoformat(timespec="microseconds"),
                "actor": {"id": actor, "kind": "staff", "roles": ["admin"], "team": "it"},
                "action": action,
                "outcome": "success",
                "mfa": True,
                "ip": "192.0.2.4",
            }
        ).encode()

    @property
    def bursting(self) -> bool:
        """Whether a burst is not complete yet."""
        return self._bursting > 0 or bool(self._batch)


class Writer(Sender):
    """A program that writes its log into a file, which is rotated or copied and cut.

    What stands in a file is acknowledged: whoever follows the file must bring all of it.
    """

    def __init__(self, chance: random.Random, folder: Path) -> None:
        super().__init__(chance, "files")
        folder.mkdir()
        self._folder = folder
        self._log = folder / "app.log"
        self.rotations = self.truncations = 0

    def write(self) -> None:
        """Append a few lines, the last of them sometimes in two pieces."""
        self._compose()
        body = self._body + b"\n"
        cut = self._chance.choice([len(body), self._chance.randrange(len(body))])
        for piece in (body[:cut], body[cut:]):
            with self._log.open("ab") as file:
                file.write(piece)
        self.acknowledged.update(self._batch)
        self._batch = []

    def finish(self) -> None:
        """Complete what was begun."""
        while self._bursting:
            self.write()

    def rotate(self) -> None:
        """Give the file another name and begin a new one, as logrotate does."""
        if self._log.exists():
            self._log.rename(self._older())
            self.rotations += 1

    def copy_and_truncate(self) -> None:
        """Copy the file and cut it, for a program that keeps it open."""
        if self._log.exists():
            shutil.copy2(self._log, self._older())
            os.truncate(self._log, 0)
            self.truncations += 1

    def _older(self) -> Path:
        """Make room for the newest of the older files."""
        older = sorted(self._folder.glob("app.log.*"), key=lambda path: -int(path.suffix[1:]))
        for path in older:
            path.rename(path.with_suffix(f".{int(path.suffix[1:]) + 1}"))
        return self._log.with_suffix(".log.1")
