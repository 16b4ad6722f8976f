"""Has the journal's anchors time-stamped by an authority (RFC 3161), where one is configured.

The authority may be out of reach for hours: an anchor is never held up by it, and what is not
stamped yet is tried again at each round, oldest first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
from cryptography.x509 import Certificate
from yarl import URL

from sentinel.config import Settings
from sentinel.domain.anchor import Anchor
from sentinel.errors import ConfigError, UnreadableFile
from sentinel.notify.channel import TransportError
from sentinel.notify.egress import EgressPolicy
from sentinel.store import timestamping

SECONDS = 30
AT_ONCE = 5

Post = Callable[[bytes], Awaitable[bytes]]


class Stamper:
    """Asks one authority. ``post`` stands in for the network in tests."""

    def __init__(self, settings: Settings, post: Post | None = None) -> None:
        self._settings = settings
        self._post = post or self._over_http

    @property
    def wanted(self) -> bool:
        """Whether an authority is configured."""
        return bool(self._settings.journal.timestamp_url)

    async def stamp(self, anchor: Anchor) -> str:
        """Return the time-stamp of an anchor, verified, base64. Raises SentinelError."""
        query = timestamping.Query(anchor)
        roots = await asyncio.to_thread(roots_of, self._settings)
        return query.accept(await self._post(query.der), roots)

    async def _over_http(self, query: bytes) -> bytes:
        """RFC 3161, section 3.4."""
        url = URL(self._settings.journal.timestamp_url)
        host = url.host or ""
        EgressPolicy(self._settings.notify.egress_allow).check(host)
        headers = {"Content-Type": timestamping.MEDIA_TYPE_QUERY, "User-Agent": "sentinel"}
        try:
            async with (
                aiohttp.ClientSession(
                    timeout=aiohttp.ClientTimeout(total=SECONDS), trust_env=False
                ) as session,
                session.post(url, data=query, headers=headers, allow_redirects=False) as response,
            ):
                if response.status != 200:  # noqa: PLR2004 - RFC 9110
                    raise TransportError(
                        f"the time-stamping authority answered {response.status}",
                        permanent=False,
                        where=host,
                    )
                return await response.content.read(timestamping.MOST_BYTES)
        except (aiohttp.ClientError, OSError) as error:
            raise TransportError(type(error).__name__, permanent=False, where=host) from error


def unstamped(anchors: list[Anchor]) -> list[Anchor]:
    """Return the anchors to stamp next: the newest few that have none, oldest first."""
    return [one for one in anchors if not one.timestamp][-AT_ONCE:]


def roots_of(settings: Settings) -> list[Certificate]:
    """Return the certificates that are believed. Raises SentinelError."""
    path = settings.journal.timestamp_roots
    if path is None:
        raise ConfigError("journal.timestamp_roots: whose time-stamps are believed?")
    return roots_in(path)


def roots_in(path: Path) -> list[Certificate]:
    """Return the certificates of a PEM file. Raises SentinelError."""
    try:
        return timestamping.read_roots(path.read_bytes())
    except OSError as error:
        raise UnreadableFile(error.strerror or str(error), where=str(path)) from error
