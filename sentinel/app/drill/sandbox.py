"""Where a drill sends: files. The first two walls stand here.

The settings of a drill hold no server and no address of the house, and every channel, on or off, is
replaced by one that writes a file. An address outside the reserved domains is refused even then.
"""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path

import msgspec

from sentinel.clock import Clock
from sentinel.config import Settings
from sentinel.domain.scenario import Scenario
from sentinel.errors import Refused
from sentinel.notify.channel import Rendered
from sentinel.notify.registry import Registry
from sentinel.store.signing import generate_anchor_key

TOP = frozenset({"test", "example", "invalid", "localhost"})
SECOND = frozenset({"example.com", "example.net", "example.org"})
SENDER = "sentinel@drill.invalid"
DUTY = "astreinte@drill.invalid"
NOWHERE = {"host": "127.0.0.1", "port": 1, "security": "none", "sender": SENDER}


def reserved(address: str) -> bool:
    """Tell whether an e-mail address can belong to nobody (RFC 2606, RFC 6761)."""
    name, _, domain = address.rpartition("@")
    labels = domain.lower().rstrip(".").split(".")
    clean = parseaddr(address)[1] == address and bool(name)
    return clean and (labels[-1] in TOP or ".".join(labels[-2:]) in SECOND)


def require_reserved(address: str) -> str:
    """Return the address. Raises Refused where it could belong to somebody."""
    if not reserved(address):
        raise Refused("a drill writes to reserved domains only (RFC 2606)", hint="example.org")
    return address


class SandboxChannel:
    """`sentinel.notify.channel.Channel` that writes files."""

    def __init__(self, channel_id: str, outbox: Outbox) -> None:
        self._id = channel_id
        self._outbox = outbox

    @property
    def id(self) -> str:
        """Name of the channel that it stands for."""
        return self._id

    async def send(self, rendered: Rendered, *, key: str) -> str:
        """Write the message to a file and return its name."""
        return self._outbox.write(self._id, DUTY, rendered.subject, rendered.text, key=key)


class Outbox:
    """A folder with one file for each message, numbered in the order of sending."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self.count = 0
        self._clock = clock

    def write(self, channel: str, to: str, subject: str, text: str, *, key: str) -> str:
        """Write a message as it would have left. Raises Refused for an address of somebody."""
        message = EmailMessage(policy=SMTP)
        message["From"] = SENDER
        message["To"] = require_reserved(to)
        message["Subject"] = " ".join(subject.split())
        message["Date"] = format_datetime(self._clock.now())
        message["X-Sentinel-Drill"] = "true"
        message["X-Sentinel-Key"] = key
        message.set_content(text)
        self.count += 1
        path = self.folder / channel / f"{self.count:05d}.eml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(message.as_bytes())
        return f"sandbox {channel}/{path.name}"


def replace_channels(registry: Registry, outbox: Outbox) -> None:
    """Put the sandbox in the place of every channel, those that are off included."""
    for name in sorted(registry.ids):
        registry.channels[name] = SandboxChannel(name, outbox)
    registry.off.clear()


def drill_settings(real: Settings, scenario: Scenario, folder: Path) -> Settings:
    """Return settings with the organisation and the content of the house, and none of its ways out.

    Keys are made for the drill; nothing that it writes opens with the keys of the house.
    """
    organisation = real.organisation.model_dump() | {"ecs_provider": "no", "regimes": []}
    return Settings.model_validate(
        {
            "data_dir": folder,
            "language": real.language,
            "timezone": real.timezone,
            "notifiers_dir": real.notifiers_dir,
            "runbooks_dir": real.runbooks_dir,
            "log_level": "error",
            "organisation": organisation,
            "keys": {"master": generate_anchor_key(), "anchor": generate_anchor_key()},
            "detect": {"rules_dir": real.detect.rules_dir},
            "behaviour": {"enabled": False},
            "collector": {"port": 0},
            "smtp": NOWHERE,
            "notify": {"email_to": [DUTY], "webhook_url": "http://127.0.0.1:1/"},
            "scope": {"staff": STAFF},
            "sources": [
                {
                    "name": one.name,
                    "format": one.format,
                    "profile": one.profile,
                    "token": generate_anchor_key(),
                    "silent_after_minutes": 0,
                }
                for one in scenario.sources
            ],
        }
    )


STAFF = {  # the staff of a drill is invented, and so is what it was told
    "monitoring": True,
    "informed_on": "2026-01-05",
    "informed_how": "exercice",
    "dpia_on": "2025-12-15",
    "dpia_reference": "exercice",
    "council_on": "2025-12-18",
}


class Person(msgspec.Struct, frozen=True):
    """An invented data subject."""

    id: str
    name: str
    email: str
    language: str
