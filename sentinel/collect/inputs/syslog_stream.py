"""Syslog over TCP (RFC 6587) and over TLS (RFC 5425).

Nothing is ever acknowledged to a sender: what it has handed to TCP it holds for sent. So what was
read is never dropped, reading stops while the spool is full, and what a crash of this host takes is
what lay in memory and in the sockets. Who cannot bear that ships over HTTP or from files.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from datetime import date

from sentinel.clock import Clock
from sentinel.collect.ingest import Ingest
from sentinel.collect.inputs.allowed import Allowed
from sentinel.collect.inputs.queue import Queue
from sentinel.collect.inputs.syslog_frame import Frame, Splitter
from sentinel.collect.inputs.syslog_message import item_of
from sentinel.collect.inputs.tls import Handshake, exception_runs, server_context
from sentinel.collect.senders import is_accepted
from sentinel.config import SourceSettings, SyslogSettings
from sentinel.errors import CannotListen

DRAIN_SECONDS = 5.0


class StreamListener:
    """Listens for one source over TCP or TLS."""

    def __init__(
        self, source: SourceSettings, ingest: Ingest, *, clock: Clock, longest: int
    ) -> None:
        assert source.syslog is not None  # noqa: S101 - the settings' own rule
        self.source = source
        self.settings: SyslogSettings = source.syslog
        self.ingest = ingest
        self.longest = longest
        self.clock = clock
        self.connections: set[Connection] = set()
        self._allowed = Allowed(self.settings.allowed_senders)
        self._server: asyncio.Server | None = None
        self._contexts: dict[bool, ssl.SSLContext] = {}

    async def open(self) -> str:
        """Listen; return ``host:port``. Raises CannotListen, ConfigError."""
        if self.settings.transport == "tls":
            self._context()
        try:
            self._server = await asyncio.get_running_loop().create_server(
                self._protocol, self.settings.host, self.settings.port
            )
        except OSError as error:
            raise CannotListen(
                os.strerror(error.errno) if error.errno else str(error),
                where=f"source {self.source.name}, {self.settings.host}:{self.settings.port}",
            ) from error
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"{host}:{port}"

    async def close(self) -> None:
        """Stop listening, read what senders have handed over already, make it durable."""
        if self._server is not None:
            self._server.close()
        connections = list(self.connections)
        if connections:
            await asyncio.sleep(0.1)  # what lies in the sockets is read meanwhile
        await asyncio.gather(*(connection.finish(DRAIN_SECONDS) for connection in connections))

    def count(self, fault: str, by: int = 1) -> None:
        """Count what was bad."""
        if self.ingest.metrics is not None:
            self.ingest.metrics.input_faults.labels(self.source.name, fault).inc(by)

    def admits(self, transport: asyncio.Transport) -> bool:
        """Tell whether this connection may send; where not, it is counted."""
        peer = transport.get_extra_info("peername")
        if peer is None or not self._allowed(peer[0]):
            self.count("sender not allowed")
        elif len(self.connections) >= self.settings.max_connections:
            self.count("too many connections")
        elif not is_accepted(self.source, transport):
            self.count("client certificate of another")
        else:
            return True
        return False

    def _protocol(self) -> asyncio.Protocol:
        connection = Connection(self)
        if self.settings.transport != "tls":
            return connection
        return Handshake(connection, self._context, self._refused)

    def _refused(self, reason: str) -> None:
        self.count("TLS handshake refused")
        if self.ingest.metrics is not None:
            self.ingest.metrics.tls_refused.labels(reason).inc()

    def _context(self) -> ssl.SSLContext:
        """Return the context in force today: an exception from TLS 1.3 ends by itself."""
        today: date = self.clock.now().date()
        tls12 = exception_runs(self.source, today)
        if tls12 not in self._contexts:
            settings = self.settings
            assert settings.tls_certificate is not None  # noqa: S101 - the settings' own rule
            assert settings.tls_key is not None  # noqa: S101
            self._contexts[tls12] = server_context(
                settings.tls_certificate,
                settings.tls_key,
                client_ca=settings.tls_client_ca,
                client_required=True,
                tls12=tls12,
            )
        return self._contexts[tls12]


class Connection(asyncio.Protocol):
    """One sender's connection."""

    def __init__(self, listener: StreamListener) -> None:
        self._listener = listener
        self._splitter = Splitter(listener.longest)
        self._transport: asyncio.Transport | None = None
        self._queue: Queue | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None
        self._heard = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, or close it."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream's
        listener = self._listener
        if not listener.admits(transport):
            transport.abort()
            return
        self._transport = transport
        self._queue = Queue(
            listener.source.name,
            listener.ingest,
            pause=transport.pause_reading,
            resume=self._resume,
        )
        listener.connections.add(self)
        self._gauge()
        self._heard = asyncio.get_running_loop().time()
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Split what was read; the messages that are whole wait for the spool."""
        self._heard = asyncio.get_running_loop().time()
        self._put(self._splitter.feed(data))

    def eof_received(self) -> bool | None:
        """Close when the sender does."""
        return None

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's
        """Keep what the connection's end cut short, and go on until all is durable."""
        if self._queue is None:
            return
        self._put(self._splitter.end())
        self._transport = None
        self._end()

    async def finish(self, seconds: float) -> None:
        """Close from our side."""
        if self._transport is not None:
            self._transport.abort()
            self._put(self._splitter.end())
            self._transport = None
        if self._queue is not None:
            left = await self._queue.finish(seconds)
            if left:
                self._listener.count("messages lost at stop", left)

    def _end(self) -> None:
        """Stay among the connections until all that was read is durable."""
        if self._idle is not None:
            self._idle.cancel()
        if self._ending is None:
            self._ending = asyncio.get_running_loop().create_task(self._leave())

    async def _leave(self) -> None:
        if self._queue is not None:
            await self._queue.emptied()
            await self._queue.finish(0)
        self._listener.connections.discard(self)
        self._gauge()

    def _put(self, frames: list[Frame]) -> None:
        if self._queue is None or not frames:
            return
        listener = self._listener
        now = listener.clock.now()
        keep = listener.settings.header
        for frame in frames:
            if frame.fault:
                listener.count(frame.fault)
            elif len(frame.raw) > listener.longest:
                listener.count("message too long")
        self._queue.put([item_of(f.raw, received=now, header=keep, fault=f.fault) for f in frames])

    def _resume(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _watch(self) -> None:
        """Close a connection that has long been silent."""
        loop = asyncio.get_running_loop()
        due = self._heard + self._listener.settings.idle_seconds
        if loop.time() >= due and self._transport is not None:
            self._listener.count("connection idle")
            self._transport.close()
            return
        self._idle = loop.call_at(due, self._watch)

    def _gauge(self) -> None:
        metrics = self._listener.ingest.metrics
        if metrics is not None:
            count = len(self._listener.connections)
            metrics.connections.labels(self._listener.source.name).set(count)
