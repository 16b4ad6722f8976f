"""Which hosts a notifier may reach: loopback, and what the owner listed (promise R-57)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from sentinel.notify.channel import TransportError


class EgressPolicy:
    """An allow-list of host names; ``*.example.org`` allows the names below, not the apex."""

    def __init__(self, allow: Iterable[str]) -> None:
        self._allow = frozenset(host.strip().lower().rstrip(".") for host in allow if host.strip())

    def check(self, host: str) -> None:
        """Raise a permanent TransportError where ``host`` may not be reached."""
        name = host.lower().rstrip(".")
        parents = (f"*.{name.split('.', depth)[-1]}" for depth in range(1, name.count(".") + 1))
        if is_loopback(name) or name in self._allow or not self._allow.isdisjoint(parents):
            return
        raise TransportError(
            f"the host {name!r} is not on the egress allow-list",
            permanent=True,
            hint="list it in notify.egress_allow if the data may go there",
        )


def is_loopback(host: str) -> bool:
    """Tell whether ``host`` is this machine, without asking a resolver."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
