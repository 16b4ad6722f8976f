"""Open the listeners: TLS 1.3 where there is a certificate (promise R-30), plain on loopback."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence

from aiohttp import web

from sentinel.collect.inputs.site import Site
from sentinel.collect.inputs.tls import server_context
from sentinel.config import Listener
from sentinel.errors import CannotListen


class Servers:
    """Listeners that run until `close`."""

    def __init__(self) -> None:
        self._runners: list[web.AppRunner] = []

    async def open(
        self,
        application: web.Application,
        listener: Listener,
        *,
        refused: Callable[[str], None] = lambda _: None,
    ) -> str:
        """Serve ``application``; return its URL, with the port that the system chose.

        ``refused`` is told why a TLS handshake failed.
        """
        context = tls_context(listener)
        runner = web.AppRunner(application, access_log=None, handler_cancellation=False)
        await runner.setup()
        site = Site(
            runner,
            listener.host,
            listener.port,
            context=(lambda: context) if context else None,
            refused=refused,
        )
        try:
            await site.start()
        except CannotListen:
            await runner.cleanup()
            raise
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
    return server_context(
        listener.tls_certificate, listener.tls_key, client_ca=listener.tls_client_ca
    )


def _authority(listener: Listener, addresses: Sequence[object]) -> str:
    bound = addresses[0] if addresses else (listener.host, listener.port)
    host, port = (bound[0], bound[1]) if isinstance(bound, tuple) else (listener.host, 0)
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
