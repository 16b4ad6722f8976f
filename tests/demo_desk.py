"""A desk on the demo's data directory: settings as a file, people with tokens, a mail server."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyotp
from typer.testing import CliRunner

from sentinel.cli.main import app
from sentinel.config import Settings
from sentinel.demo.mailbox import Mailbox
from sentinel.demo.stage import settings_for
from sentinel.respond.totp import STEP_SECONDS
from sentinel.store.signing import generate_anchor_key


class CommandFailed(Exception):
    """A command of Sentinel refused; the message says which, and what it said."""


class Desk:
    """Runs `sentinel` in this process as one of its people, on a data directory of the demo."""

    def __init__(self, folder: Path, smtp_port: int) -> None:
        self.folder = folder
        self.settings = settings_for(
            folder / "data", smtp_port=smtp_port, console_port=0, language="fr"
        )
        self._tokens: dict[str, str] = {}
        self._people: dict[str, pyotp.TOTP] = {}
        self._used: dict[str, int] = {}
        (folder / "sentinel.toml").write_text(_toml(self.settings, smtp_port), encoding="utf-8")

    def __call__(self, who: str, *words: object) -> str:
        """Run a command as ``who`` (empty: nobody) and return what it printed."""
        env = {"SENTINEL_CONFIG": str(self.folder / "sentinel.toml"), "COLUMNS": "200"}
        env["SENTINEL_TOKEN"] = self._tokens.get(who, "")
        done = CliRunner().invoke(app, [str(word) for word in words], env=env)
        if done.exit_code:
            raise CommandFailed(f"sentinel {' '.join(map(str, words[:3]))}: {_said(done)}")
        return done.stdout

    def row(self, who: str, *words: object) -> Any:
        """Return what a command printed as one JSON object."""
        return json.loads(self(who, *words))

    def join(self, name: str, display_name: str, *roles: str) -> None:
        """Create an account by the command for it, with a token."""
        words = [word for role in roles for word in ("--role", role)]
        made = self.row(
            "", "account", "add", name, "--display-name", display_name, *words, "--json"
        )
        self._people[name] = pyotp.TOTP(made["totp_secret"])
        self.sign_in(name)

    def sign_in(self, name: str) -> None:
        """Issue a token for an account that is there."""
        self._tokens[name] = self("", "account", "token", name).splitlines()[-1].strip()

    def code(self, name: str) -> str:
        """Return a code of the second factor that was not used yet; the third in a row waits.

        Never the code that goes out: a slow machine would bring it too late.
        """
        step = max(self._used.get(name, 0) + 1, _step())
        while step > _step() + 1:
            time.sleep(1)
        self._used[name] = step
        return self._people[name].at(step * STEP_SECONDS)

    def approved(self, asker: str, approver: str, reference: str, object_id: str) -> None:
        """Let two people stand for a dossier or a document."""
        words = ("approval", "ask", reference, object_id, "--code", self.code(asker), "--json")
        asked = self.row(asker, *words)
        self(approver, "approval", "approve", asked["id"], "--code", self.code(approver))


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """Run the demo's own mailbox on a thread: the letters of the campaign go there."""
    ready, loop, box = threading.Event(), asyncio.new_event_loop(), Mailbox()
    stop = asyncio.Event()

    async def serve() -> None:
        async with box:
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    ready.wait(30)
    try:
        yield box
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()


def _step() -> int:
    return int(time.time()) // STEP_SECONDS


def _said(done: Any) -> str:
    said = str(done.exception or "") if not isinstance(done.exception, SystemExit) else ""
    return " ".join((said or done.stderr or done.stdout).split())[:400]


def _toml(settings: Settings, smtp_port: int) -> str:
    keys = settings.keys
    assert keys.master is not None
    told: dict[str, Any] = {
        "data_dir": str(settings.data_dir),
        "language": settings.language,
        "log_level": "error",
        "keys": {"master": keys.master.get_secret_value(), "anchor": generate_anchor_key()},
        "organisation": settings.organisation.model_dump(mode="json", exclude_defaults=True),
        "scope": {"staff": settings.scope.staff.model_dump(mode="json", exclude_defaults=True)},
        "mail": {
            "sender": "Exemple Communications <information@example.org>",
            "bounce_address": "bounces@example.org",
            "per_minute": 100_000,
            "test_to": ["essai@example.org"],
            "primary": {"host": "127.0.0.1", "port": smtp_port, "security": "none"},
        },
    }
    sources = [
        {"name": one.name, "format": one.format, "profile": one.profile, "token": "0" * 32}
        for one in settings.sources
    ]
    text = "\n".join(_tables(told))
    for one in sources:
        text += "\n[[sources]]\n" + "".join(f"{k} = {_value(v)}\n" for k, v in one.items())
    return text


def _tables(table: Mapping[str, Any], name: str = "") -> Iterator[str]:
    if name:
        yield f"[{name}]"
    yield from (f"{k} = {_value(v)}" for k, v in table.items() if not isinstance(v, dict))
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _tables(value, f"{name}.{key}" if name else key)


def _value(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
