"""Syslog over UDP (RFC 5426): each datagram a message, none of them certain.

asyncio's own datagram protocol reads one datagram a turn of the loop, and lost four fifths of a
flood; here one turn drains the socket. What the kernel drops all the same it counts, and so do we.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct

from sentinel.clock import Clock
from sentinel.collect.ingest import Ingest
from sentinel.collect.inputs.allowed import Allowed
from sentinel.collect.inputs.queue import Queue
from sentinel.collect.inputs.syslog_message import item_of
from sentinel.config import SourceSettings
from sentinel.errors import CannotListen

DRAIN_SECONDS = 5.0
RECEIVE_BUFFER = 32 * 1024 * 1024
_A_TURN = 2000  # datagrams read before the loop may do something else
_LARGEST = 65_535
_SO_RCVBUFFORCE, _SO_RXQ_OVFL = 33, 40  # Linux: socket(7)
_COUNTER = struct.Struct("=I")


class DatagramListener:
    """Listens for one source over UDP."""

    def __init__(
        self, source: SourceSettings, ingest: Ingest, *, clock: Clock, longest: int
    ) -> None:
        assert source.syslog is not None  # noqa: S101 - the settings' own rule
        self._source = source
        self._settings = source.syslog
        self._ingest = ingest
        self._clock = clock
        self._longest = longest
        self._allowed = Allowed(self._settings.allowed_senders)
        self._socket: socket.socket | None = None
        self._queue: Queue | None = None
        self._lost = 0

    async def open(self) -> str:
        """Listen; return ``host:port``. Raises CannotListen."""
        loop = asyncio.get_running_loop()
        host, port = self._settings.host, self._settings.port
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
            family, kind, protocol, _, address = found[0]
            self._socket = bound = socket.socket(family, kind, protocol)
            bound.setblocking(False)
            self._enlarge(bound)
            bound.bind(address)
        except OSError as error:
            raise CannotListen(
                os.strerror(error.errno) if error.errno and error.errno > 0 else str(error),
                where=f"source {self._source.name}, {host}:{port}",
            ) from error
        self._queue = Queue(
            self._source.name, self._ingest, pause=self._stop_reading, resume=self._start_reading
        )
        self._start_reading()
        host, port = bound.getsockname()[:2]
        return f"{host}:{port}"

    async def close(self) -> None:
        """Read what the kernel holds, make it durable, stop."""
        if self._socket is None or self._queue is None:
            return
        self._stop_reading()
        while self._drain():
            pass
        left = await self._queue.finish(DRAIN_SECONDS)
        if left:
            self._count("messages lost at stop", left)
        self._socket.close()
        self._socket = None

    @staticmethod
    def _enlarge(bound: socket.socket) -> None:
        """Ask for a large buffer, beyond the system's limit where we may, and for a drop count."""
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        for option, value in ((_SO_RCVBUFFORCE, RECEIVE_BUFFER), (_SO_RXQ_OVFL, 1)):
            with contextlib.suppress(OSError):
                bound.setsockopt(socket.SOL_SOCKET, option, value)

    def _start_reading(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().add_reader(self._socket, self._drain)

    def _stop_reading(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)

    def _drain(self) -> int:
        """Read what there is, up to a turn's worth; return how many messages it was."""
        assert self._socket is not None  # noqa: S101 - a reader of it
        assert self._queue is not None  # noqa: S101 - made before the reader
        now = self._clock.now()
        receive, space = self._socket.recvmsg, socket.CMSG_SPACE(_COUNTER.size)
        items = []
        for _ in range(_A_TURN):
            try:
                raw, ancillary, _flags, sender = receive(_LARGEST, space)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:  # an ICMP error of an earlier exchange
                continue
            if ancillary:
                self._note_lost(ancillary[0][2])
            if not self._allowed(sender[0]):
                self._count("sender not allowed")
                continue
            if raw.strip(b"\r\n\x00 "):
                if len(raw) > self._longest:
                    self._count("message too long")
                items.append(item_of(raw, received=now, header=self._settings.header))
        self._queue.put(items)
        return len(items)

    def _note_lost(self, data: bytes) -> None:
        """Count what the kernel says it dropped so far; the counter is 32 bits wide."""
        (total,) = _COUNTER.unpack(data[: _COUNTER.size])
        new, self._lost = (total - self._lost) % (1 << 32), total
        if new and self._ingest.metrics is not None:
            self._ingest.metrics.datagrams_lost.labels(self._source.name).inc(new)

    def _count(self, fault: str, by: int = 1) -> None:
        if self._ingest.metrics is not None:
            self._ingest.metrics.input_faults.labels(self._source.name, fault).inc(by)
