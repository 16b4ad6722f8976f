"""Which addresses may send."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache


class Allowed:
    """Tells whether an address is in one of ``networks``; none named: every address is."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = [ipaddress.ip_network(one) for one in networks]
        self._known = lru_cache(maxsize=4096)(self._look)

    def __call__(self, host: str) -> bool:
        """Tell whether ``host``, an address, may send."""
        return not self._networks or self._known(host)

    def _look(self, host: str) -> bool:
        address = ipaddress.ip_address(host.partition("%")[0])
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)
