"""Build the channels that ``notifiers/channels/*.yml`` declare and the settings make possible."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from sentinel.clock import Clock
from sentinel.config import Settings
from sentinel.errors import ContentError
from sentinel.notify.channel import Channel
from sentinel.notify.channels.email import EmailChannel
from sentinel.notify.channels.webhook import WebhookChannel
from sentinel.notify.content_model import Content
from sentinel.notify.egress import EgressPolicy
from sentinel.yaml_file import read_yaml


class Title(Content):
    """A name in both languages."""

    fr: str = Field(min_length=1)
    en: str = Field(min_length=1)


class ChannelFile(Content):
    """A channel file. ``to`` replaces ``notify.email_to``; ``language`` the default language."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    type: Literal["email", "webhook"]
    title: Title
    enabled: bool = True
    language: Literal["fr", "en"] | None = None
    to: tuple[str, ...] = ()


class Registry:
    """Channels by id.

    ``channels``: those that can send. ``off``: id -> why it cannot, for the status page.
    ``languages``: id -> language of its messages.
    """

    def __init__(
        self, channels: dict[str, Channel], off: dict[str, str], languages: dict[str, str]
    ) -> None:
        self.channels = channels
        self.off = off
        self.languages = languages

    @property
    def ids(self) -> frozenset[str]:
        """Every declared channel, on or off."""
        return frozenset(self.channels) | frozenset(self.off)


def build_registry(settings: Settings, clock: Clock) -> Registry:
    """Read the channel files and build what can be built. Raises ContentError, ConfigError."""
    channels: dict[str, Channel] = {}
    off: dict[str, str] = {}
    languages: dict[str, str] = {}
    for path in sorted((settings.notifiers_path / "channels").glob("*.yml")):
        spec = _read(path)
        languages[spec.id] = spec.language or settings.language
        reason = _why_off(spec, settings)
        if reason:
            off[spec.id] = reason
        else:
            channels[spec.id] = _build(spec, settings, clock)
    return Registry(channels, off, languages)


def _read(path: Path) -> ChannelFile:
    spec = read_yaml(path).validate(ChannelFile)
    if spec.id != path.stem:
        raise ContentError(f"the id {spec.id!r} differs from the file's name", where=f"{path}:1:1")
    return spec


def _why_off(spec: ChannelFile, settings: Settings) -> str:
    if not spec.enabled:
        return "switched off in its file"
    if spec.type == "email":
        if not settings.smtp.host:
            return "smtp.host is not set"
        if not (spec.to or settings.notify.email_to):
            return "notify.email_to is empty"
    if spec.type == "webhook" and not settings.notify.webhook_url:
        return "notify.webhook_url is not set"
    return ""


def _build(spec: ChannelFile, settings: Settings, clock: Clock) -> Channel:
    if spec.type == "email":
        return EmailChannel(spec.id, settings.smtp, spec.to or settings.notify.email_to, clock)
    secret = settings.notify.webhook_secret
    return WebhookChannel(
        spec.id,
        settings.notify.webhook_url,
        secret.get_secret_value() if secret else "",
        EgressPolicy(settings.notify.egress_allow),
        clock,
    )
