"""The real service with a clock that a test sets: a file holds the offset from the machine's."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sentinel import config
from sentinel.cli import run as run_command


class FileClock:
    """The machine's clock, moved by the seconds that stand in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=float(self._path.read_text()))


if __name__ == "__main__":
    settings = config.load(Path("sentinel.toml"))
    asyncio.run(run_command.serve(settings, FileClock(Path(sys.argv[1]))))
