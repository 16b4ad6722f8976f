"""A listener for HTTP that makes its TLS handshakes itself, so that a refused one is counted."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable

from aiohttp import web

from sentinel.collect.inputs.tls import Handshake
from sentinel.errors import CannotListen


class Site(web.BaseSite):
    """Serves a runner's application. ``context``: asked at each connection; None: in clear."""

    def __init__(
        self,
        runner: web.AppRunner,
        host: str,
        port: int,
        *,
        context: Callable[[], ssl.SSLContext] | None = None,
        refused: Callable[[str], None],
    ) -> None:
        super().__init__(runner)
        self._host = host
        self._port = port
        self._context = context
        self._refused = refused

    @property
    def name(self) -> str:
        """Where it listens."""
        return f"{'https' if self._context else 'http'}://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen. Raises CannotListen."""
        await super().start()
        try:
            self._server = await asyncio.get_running_loop().create_server(
                self._protocol, self._host, self._port, backlog=1024
            )
        except OSError as error:
            raise CannotListen(
                os.strerror(error.errno) if error.errno else str(error),
                where=f"{self._host}:{self._port}",
                hint="is another Sentinel running? choose another port",
            ) from error

    def _protocol(self) -> asyncio.Protocol:
        server = self._runner.server
        assert server is not None  # noqa: S101 - set up before a site is made
        inner = server()
        return inner if self._context is None else Handshake(inner, self._context, self._refused)
