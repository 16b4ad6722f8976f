"""Closes the process to the outside while a drill runs: the last of three walls.

An audit hook (PEP 578) sees every connect, datagram, name look-up and child process, whatever
library asks for it; it raises before the operating system is asked. Only what the drill itself
listens on may be reached: another port of this machine may be a mail relay.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sentinel.errors import SentinelError

SENDS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
ASKS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})
STARTS = frozenset({"subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"})
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost", b"localhost", b"127.0.0.1"})


class LeftTheHouse(SentinelError, PermissionError):
    """A drill tried to reach an address outside its sandbox.

    A PermissionError too, so that libraries clean up after it as after any refusal of the system.
    """


class Guard:
    """What is allowed now, and what was refused. ``refused``: event and target, in order."""

    def __init__(self) -> None:
        self.allowed: set[tuple[str, int]] = set()
        self.refused: list[str] = []

    def allow(self, host: str, port: int) -> None:
        """Let the drill reach what it listens on. Raises LeftTheHouse outside loopback."""
        if host not in LOOPBACK:
            raise LeftTheHouse(f"{host} is not this machine")
        self.allowed.add((host, port))

    def look(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Raise LeftTheHouse where ``event`` would leave the sandbox."""
        target: object = None
        if event in SENDS:
            target = None if self._reachable(arguments[1]) else arguments[1]
        elif event in STARTS or arguments[0] not in LOOPBACK | {None, ""}:
            target = arguments[0]
        if target is not None:
            self.refused.append(f"{event} {target!r}")
            raise LeftTheHouse(f"{event} {target!r}", hint="nothing was sent")

    def _reachable(self, address: object) -> bool:
        if address is None:
            return True  # a socket that is connected already: it was judged then
        return isinstance(address, tuple) and (address[0], address[1]) in self.allowed


_running: list[Guard] = []
_hooked: list[bool] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _running and (event in SENDS or event in ASKS or event in STARTS):
        _running[-1].look(event, arguments)


@contextmanager
def closed_house() -> Iterator[Guard]:
    """Close the process to the outside until the end of the block."""
    if not _hooked:  # a hook cannot be taken away: one is enough
        sys.addaudithook(_hook)
        _hooked.append(True)
    guard = Guard()
    _running.append(guard)
    try:
        yield guard
    finally:
        _running.remove(guard)
