"""Settings of the sockets that Sentinel opens: the HTTP collector and the console."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from sentinel.config.addresses import WebAddress
from sentinel.config.section import Section
from sentinel.config.source import loopback


class Listener(Section):
    """A socket that Sentinel opens. Outside loopback it needs TLS (promise R-30)."""

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=0, ge=0, le=65535, description="Port; 0 lets the system choose.")
    tls_certificate: Path | None = Field(default=None, description="PEM chain.")
    tls_key: Path | None = Field(default=None, description="PEM private key.")
    tls_client_ca: Path | None = Field(
        default=None,
        description="CA of client certificates (mutual TLS): one may then be shown.",
    )
    behind_tls_proxy: bool = Field(
        default=False,
        description="A reverse proxy on this host's network ends TLS 1.3; allows a plain listener "
        "on a private address.",
    )

    @model_validator(mode="after")
    def _tls_outside_loopback(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together")
        if self.tls_certificate is None and not self.behind_tls_proxy and not loopback(self.host):
            raise ValueError(
                f"{self.host} is reachable from outside: give tls_certificate and tls_key, "
                "or listen on 127.0.0.1"
            )
        return self


class CollectorSettings(Listener):
    """The HTTP collector."""

    port: int = Field(default=8440, ge=0, le=65535, description="Port; 0 lets the system choose.")
    max_body_bytes: int = Field(
        default=32 * 1024 * 1024, gt=0, description="Largest body, after decompression."
    )
    max_batch_lines: int = Field(
        default=250_000, gt=0, description="Most lines in one body: all are in memory at once."
    )
    max_line_bytes: int = Field(
        default=128 * 1024,
        gt=0,
        description="Longest line; of a longer one the start is kept, as not understood.",
    )
    max_pending_bytes: int = Field(
        default=64 * 1024 * 1024,
        gt=0,
        description="Bytes of bodies in memory at once; above, senders get 429 and come again.",
    )
    spool_max_bytes: int = Field(
        default=8 * 1024**3, gt=0, description="Spool size above which senders get 503."
    )


class ConsoleSettings(Listener):
    """The console."""

    port: int = Field(default=8441, ge=0, le=65535, description="Port; 0 lets the system choose.")
    session_minutes: int = Field(default=480, gt=0, description="Longest session.")
    idle_minutes: int = Field(default=30, gt=0, description="Session without activity.")
    public_url: WebAddress = Field(default="", description="Address shown in messages.")
