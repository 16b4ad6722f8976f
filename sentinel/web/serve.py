"""Open the listeners: TLS 1.3 where there is a certificate (promise R-30), plain on loopback."""

from __future__ import annotations

import os
import ssl
from collections.abc import Sequence

from aiohttp import web

from sentinel.config import Listener
from sentinel.errors import CannotListen, ConfigError


class Servers:
    """Listeners that run until `close`."""

    def __init__(self) -> None:
        self._runners: list[web.AppRunner] = []

    async def open(self, application: web.Application, listener: Listener) -> str:
        """Serve ``application``; return its URL, with the port that the system chose."""
        context = tls_context(listener)
        runner = web.AppRunner(application, access_log=None, handler_cancellation=False)
        await runner.setup()
        site = web.TCPSite(runner, listener.host, listener.port, ssl_context=context)
        try:
            await site.start()
        except OSError as error:
            await runner.cleanup()
            raise CannotListen(
                os.strerror(error.errno) if error.errno else str(error),
                where=f"{listener.host}:{listener.port}",
                hint="is another Sentinel running? choose another port",
            ) from error
        self._runners.append(runner)
        return f"{'https' if context else 'http'}://{_authority(listener, runner.addresses)}"

    async def close(self) -> None:
        """Stop listening; requests under way are finished first."""
        for runner in reversed(self._runners):
            await runner.cleanup()
        self._runners.clear()


def tls_context(listener: Listener) -> ssl.SSLContext | None:
    """Return a server context that speaks TLS 1.3 only, or None where there is no certificate."""
    if listener.tls_certificate is None or listener.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_cert_chain(listener.tls_certificate, listener.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"the certificate or key cannot be used: {error}", where=str(listener.tls_certificate)
        ) from error
    return context


def _authority(listener: Listener, addresses: Sequence[object]) -> str:
    bound = addresses[0] if addresses else (listener.host, listener.port)
    host, port = (bound[0], bound[1]) if isinstance(bound, tuple) else (listener.host, 0)
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
