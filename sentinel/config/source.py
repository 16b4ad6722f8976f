"""What a source is: how its lines come, who may send them, what reads them."""

from __future__ import annotations

import ipaddress
import re
from datetime import date
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from sentinel.config.section import Section


def loopback(host: str) -> bool:
    """Tell whether only this host can reach ``host``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Tls12Exception(Section):
    """A sender that cannot speak TLS 1.3 yet. While it lasts it is a finding, told every day."""

    owner: str = Field(min_length=1, description="Who answers for it.")
    until: date = Field(description="Last day on which TLS 1.2 is accepted (UTC).")
    reason: str = Field(default="", description="Why the sender cannot speak TLS 1.3.")
    port: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="HTTP only: the port of its own on which this source, alone, may use TLS 1.2. "
        "A syslog source has its own port anyhow.",
    )


class SyslogSettings(Section):
    """Where a source of kind `syslog` is listened for (RFC 5424, 3164; RFC 5425, 6587)."""

    transport: Literal["udp", "tcp", "tls"] = Field(
        default="tls", description="`udp` and `tcp` are in clear: for loopback and closed networks."
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=6514, ge=0, le=65535, description="Port; 0 lets the system choose.")
    allowed_senders: list[str] = Field(
        default=[],
        description="Addresses or networks that may send; needed for `udp` and `tcp` outside "
        "loopback. Empty: anybody who may connect.",
    )
    tls_certificate: Path | None = Field(default=None, description="PEM chain.")
    tls_key: Path | None = Field(default=None, description="PEM private key.")
    tls_client_ca: Path | None = Field(
        default=None, description="CA of the senders' certificates: then each must show one."
    )
    header: Literal["strip", "keep"] = Field(
        default="strip",
        description="`strip`: the format reads the message; `keep`: it reads the line with its "
        "time, host and program, as in a file of syslog.",
    )
    max_connections: int = Field(default=256, gt=0, description="More are refused, and counted.")
    idle_seconds: float = Field(default=3600, gt=0, description="A silent connection is closed.")

    @field_validator("allowed_senders")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        for item in value:
            try:
                ipaddress.ip_network(item)
            except ValueError as error:
                raise ValueError(f"{item!r} is no address and no network (192.0.2.0/24)") from error
        return value

    @model_validator(mode="after")
    def _closed(self) -> Self:
        if self.transport == "tls":
            if self.tls_certificate is None or self.tls_key is None:
                raise ValueError("syslog over TLS needs tls_certificate and tls_key")
        elif not loopback(self.host) and not self.allowed_senders:
            raise ValueError(
                f"{self.transport} is in clear and {self.host} is reachable from outside: "
                "name the allowed_senders, or use tls"
            )
        return self


class TailSettings(Section):
    """Which files a source of kind `tail` follows."""

    paths: list[Path] = Field(
        default=[], description="Files or patterns (`/var/log/nginx/*.log`); they may appear later."
    )
    exclude: list[str] = Field(
        default=[], description="Patterns of names that are passed over, as in `*.tmp`."
    )
    start: Literal["beginning", "end"] = Field(
        default="beginning", description="Where a file is begun that was there at the first start."
    )
    poll_seconds: float = Field(default=1.0, gt=0, description="How often files are looked at.")
    batch_lines: int = Field(
        default=1000, gt=0, le=10_000, description="Lines made durable at once."
    )
    partial_seconds: float = Field(
        default=0,
        ge=0,
        description="After so long a last line without its end is taken as it is; 0: never.",
    )


class SourceSettings(Section):
    """A declared source of events: how it comes, its token, its format, its profile."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="Name of the source.")
    kind: Literal["http", "syslog", "tail"] = Field(
        default="http",
        description="`http`: sent to the collector (`/v1/events`, `_bulk`, OTLP); `syslog`: "
        "listened for; `tail`: read from files.",
    )
    token: SecretStr | None = Field(default=None, description="Bearer token. Prefer `token_file`.")
    client_certificates: list[str] = Field(
        default=[],
        description="Client certificates (mutual TLS) that are this source: SHA-256 fingerprint, "
        "`CN=name` or `DNS:name`. Needs `tls_client_ca`.",
    )
    indices: list[str] = Field(
        default=[],
        description="Elasticsearch indices (patterns) that are this source: several sources may "
        "then share a token. Empty: every index that comes under its token.",
    )
    format: str = Field(default="auto", description="Format of its lines, or `auto`.")
    profile: str = Field(default="", description="Profile in `rules/sources`; default: by format.")
    silent_after_minutes: int | None = Field(
        default=None,
        ge=0,
        description="Silence of this source after which it is told; default: "
        "`blind.silent_after_minutes`; 0: never.",
    )
    numbered: bool = Field(
        default=False,
        description="Its lines carry numbers that grow by one (their own id, or "
        "`event.sequence`): a missing one is told.",
    )
    retention: Literal["security_normal", "navigation"] = Field(
        default="security_normal",
        description="Class of its events: 12 months; `navigation`, 13, is for a navigation log "
        "that lies here alone (promise R-52: what is copied into the security store has 12).",
    )
    line_field: str = Field(
        default="",
        description="Field of a JSON document (`_bulk`, OTLP) that holds the line itself, as "
        "`message` does for Filebeat. Empty: the document is the line.",
    )
    syslog: SyslogSettings | None = Field(default=None, description="For kind `syslog`.")
    tail: TailSettings | None = Field(default=None, description="For kind `tail`.")
    tls12: Tls12Exception | None = Field(
        default=None, description="Exception from TLS 1.3 (promise R-30)."
    )

    @field_validator("token")
    @classmethod
    def _not_empty(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().strip():
            raise ValueError("an empty token would let anybody in")
        return value

    @field_validator("client_certificates")
    @classmethod
    def _known_forms(cls, value: list[str]) -> list[str]:
        for item in value:
            digits = item.replace(":", "").lower()
            if not item.startswith(("CN=", "DNS:")) and not re.fullmatch(r"[0-9a-f]{64}", digits):
                raise ValueError(f"{item!r}: a SHA-256 fingerprint, CN=… or DNS:… is expected")
        return value

    @model_validator(mode="after")
    def _what_its_kind_needs(self) -> Self:
        if (self.kind == "syslog") != (self.syslog is not None):
            raise ValueError('kind = "syslog" and the table [sources.syslog] go together')
        if (self.kind == "tail") != (self.tail is not None):
            raise ValueError('kind = "tail" and the table [sources.tail] go together')
        if self.tail is not None and not self.tail.paths:
            raise ValueError("a source of kind tail names its paths")
        if self.tls12 is not None:
            if self.kind == "tail" or (self.syslog is not None and self.syslog.transport != "tls"):
                raise ValueError("tls12 is for a source that comes over TLS")
            if self.kind == "http" and not self.tls12.port:
                raise ValueError("tls12 of an http source needs a port of its own")
        return self
