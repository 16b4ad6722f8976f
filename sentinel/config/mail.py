"""Settings of letters by e-mail: two ways out, the signature, where refusals come back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from sentinel.config.addresses import Mailbox, mailbox
from sentinel.config.section import Section
from sentinel.config.source import loopback


def _name_and_address(value: str) -> str:
    found = re.fullmatch(r"[^<>\r\n]*<(.*)>\s*", value)
    mailbox(found[1] if found else value)
    return value


NameAddress = Annotated[str, AfterValidator(_name_and_address)]


class RelaySettings(Section):
    """A mail server that takes letters."""

    host: str = Field(default="", description="Server; empty = this way is off.")
    port: int = Field(default=587, ge=1, le=65535, description="Port.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="`none` is accepted for loopback only."
    )
    ca_file: Path | None = Field(
        default=None, description="PEM file of who is believed; default: the machine's."
    )
    username: str = Field(default="", description="Account on the server.")
    password: SecretStr | None = Field(default=None, description="Prefer `password_file`.")
    timeout_seconds: float = Field(default=30, gt=0, description="For one command.")
    reply_seconds: float = Field(
        default=600, gt=0, description="For the answer to a letter (RFC 5321, section 4.5.3)."
    )
    log: Path | None = Field(
        default=None,
        description="Log of this server in Postfix's form, readable here: it settles what became "
        "of a letter whose answer was lost.",
    )

    @model_validator(mode="after")
    def _plain_only_on_loopback(self) -> Self:
        if self.security == "none" and self.host and not loopback(self.host):
            raise ValueError("mail without TLS is accepted for a loopback server only")
        if self.username and self.password is None:
            raise ValueError("username needs password_file")
        return self


class DkimSettings(Section):
    """The signature of the domain (RFC 6376)."""

    domain: str = Field(default="", description="Signing domain; empty = letters are not signed.")
    selector: str = Field(default="", description="Selector: `<selector>._domainkey.<domain>`.")
    signing_key: SecretStr | None = Field(
        default=None,
        description="Private key, PEM: RSA of 2048 bits or more, or Ed25519 (RFC 8463). Prefer "
        "`signing_key_file`.",
    )

    @model_validator(mode="after")
    def _all_or_none(self) -> Self:
        if len({bool(self.domain), bool(self.selector), self.signing_key is not None}) > 1:
            raise ValueError("domain, selector and signing_key_file go together")
        return self


class MailSettings(Section):
    """Letters to persons (GDPR art. 34; promises R-41, R-60)."""

    sender: NameAddress = Field(default="", description="From: as the persons see it.")
    reply_to: Mailbox = Field(
        default="", description="Where answers of persons go: a queue that people read (R-50)."
    )
    bounce_address: Mailbox = Field(
        default="", description="Envelope sender: delivery reports come back to it."
    )
    bounce_maildir: Path | None = Field(
        default=None, description="Maildir into which mail for `bounce_address` is delivered."
    )
    verp: bool = Field(
        default=False,
        description="Put a letter's token into the envelope sender (`name+token@`), for servers "
        "whose reports name nothing else.",
    )
    primary: RelaySettings = Field(default=RelaySettings(), description="First way out.")
    second: RelaySettings = Field(
        default=RelaySettings(),
        description="Second way out, taken while the first does not answer; best of another house.",
    )
    dkim: DkimSettings = Field(default=DkimSettings(), description="Signature of the domain.")
    connections: int = Field(default=2, ge=1, le=16, description="Connections at the same time.")
    per_minute: int = Field(default=600, ge=1, description="Letters a minute at most.")
    canary_percent: float = Field(
        default=1.0, gt=0, le=100, description="Share of the audience that is written to first."
    )
    retry_minutes: float = Field(
        default=5, gt=0, description="First pause after a letter was put off; it doubles."
    )
    retry_hours: float = Field(
        default=48, gt=0, description="A letter that was put off for this long goes by post."
    )
    unknown_hours: float = Field(
        default=24,
        gt=0,
        description="A letter whose answer was lost, and of which neither log nor report tells, "
        "goes by post after this; it is never sent again by mail.",
    )
    settle_seconds: float = Field(
        default=900,
        gt=0,
        description="The log of a server says that it has *not* taken a letter only this long "
        "after the letter was begun.",
    )
    switch_after: int = Field(
        default=3, ge=1, description="Failures of a server in a row before the other is taken."
    )
    switch_back_minutes: float = Field(
        default=10, gt=0, description="After this, the first server is tried again."
    )
    test_to: list[Mailbox] = Field(
        default=[], description="Addresses inside the house that get a letter as a test."
    )

    @field_validator("sender", "bounce_address", "reply_to")
    @classmethod
    def _one_line(cls, value: str) -> str:
        return value.strip()

    @model_validator(mode="after")
    def _ways(self) -> Self:
        if self.second.host and not self.primary.host:
            raise ValueError("second is set and primary is not")
        if self.primary.host and not (self.sender and self.bounce_address):
            raise ValueError("sender and bounce_address are needed where a server is set")
        return self
