"""TLS 1.3 on every listener (promise R-30), and the exception that a source may have for a time."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from datetime import date
from pathlib import Path

from sentinel.config import SourceSettings
from sentinel.errors import ConfigError

HANDSHAKE_SECONDS = 10.0


def server_context(
    certificate: Path,
    key: Path,
    *,
    client_ca: Path | None = None,
    client_required: bool = False,
    tls12: bool = False,
) -> ssl.SSLContext:
    """Return a context for a listener; ``tls12`` lets TLS 1.2 in beside 1.3.

    Raises ConfigError where a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2 if tls12 else ssl.TLSVersion.TLSv1_3
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"the certificate or key cannot be used: {error}", where=str(certificate)
        ) from error
    if client_ca is not None:
        try:
            context.load_verify_locations(client_ca)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"the CA of client certificates cannot be used: {error}", where=str(client_ca)
            ) from error
        context.verify_mode = ssl.CERT_REQUIRED if client_required else ssl.CERT_OPTIONAL
    return context


def exception_runs(source: SourceSettings, today: date) -> bool:
    """Tell whether the source may speak TLS 1.2 on ``today``, its last day included."""
    return source.tls12 is not None and today <= source.tls12.until


class Handshake(asyncio.Protocol):
    """Makes the TLS handshake itself, so that one that fails is counted, then hands over.

    ``refused`` is called with the reason, in OpenSSL's words, of which none is the sender's.
    """

    def __init__(
        self,
        inner: asyncio.Protocol,
        context: Callable[[], ssl.SSLContext],
        refused: Callable[[str], None],
    ) -> None:
        self._inner = inner
        self._context = context
        self._refused = refused
        self._task: asyncio.Task[None] | None = None
        self._early: list[bytes] = []
        self._over: list[Exception | None] = []

    def data_received(self, data: bytes) -> None:
        """Keep what comes with the handshake's last bytes, before anybody is there to read it."""
        self._early.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Remember an end that comes as early."""
        self._over.append(exc)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake; nothing is read before it."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what create_server makes
        transport.pause_reading()
        self._task = asyncio.get_running_loop().create_task(self._shake(transport))

    async def _shake(self, transport: asyncio.Transport) -> None:
        loop = asyncio.get_running_loop()
        try:
            secured = await loop.start_tls(
                transport,
                self,
                self._context(),
                server_side=True,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
            )
        except ssl.SSLError as error:
            self._refused((error.reason or "handshake failed").lower().replace("_", " "))
            transport.abort()
        except (OSError, TimeoutError):
            self._refused("handshake not finished")
            transport.abort()
        else:
            if secured is not None:
                self._hand_over(secured)

    def _hand_over(self, secured: asyncio.Transport) -> None:
        secured.set_protocol(self._inner)
        self._inner.connection_made(secured)
        for data in self._early:
            self._inner.data_received(data)
        for exc in self._over:
            self._inner.connection_lost(exc)
