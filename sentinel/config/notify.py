"""Settings of messages to the house: where alerts go, and by which mail server."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from sentinel.config.addresses import Mailbox, Sender, WebAddress
from sentinel.config.section import Section
from sentinel.config.source import loopback


class SmtpSettings(Section):
    """The mail server for e-mail channels."""

    host: str = Field(default="", description="Server; empty = e-mail channels are off.")
    port: int = Field(default=587, ge=1, le=65535, description="Port.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="`none` is accepted for loopback only."
    )
    username: str = Field(default="", description="Account on the server.")
    password: SecretStr | None = Field(default=None, description="Prefer `password_file`.")
    sender: Sender = Field(default="", description="Envelope and From address.")
    timeout_seconds: float = Field(default=30, gt=0, description="For one exchange.")

    @model_validator(mode="after")
    def _plain_only_on_loopback(self) -> Self:
        if self.security == "none" and self.host and not loopback(self.host):
            raise ValueError("mail without TLS is accepted for a loopback server only")
        if self.host and not self.sender:
            raise ValueError("sender is needed where host is set")
        return self


class NotifySettings(Section):
    """Where alerts go."""

    email_to: list[Mailbox] = Field(default=[], description="Recipients of the `email` channel.")
    webhook_url: WebAddress = Field(default="", description="Target of the `webhook` channel.")
    webhook_secret: SecretStr | None = Field(
        default=None, description="Signs the webhook's body (HMAC-SHA-256)."
    )
    egress_allow: list[str] = Field(
        default=[], description="Hosts that notifiers may reach besides loopback (promise R-57)."
    )
