"""A signed JSON POST.

``Sentinel-Signature: t=<unix seconds>,v1=<hex>`` is the HMAC-SHA-256 of ``<t>.<body>``: the time is
signed too, so that an old message cannot be played again. ``Idempotency-Key`` carries the outbox
key. A redirect is refused: it could lead past the egress allow-list (promise R-57).
"""

from __future__ import annotations

import hashlib
import hmac

import aiohttp
import msgspec
from yarl import URL

from sentinel.clock import Clock
from sentinel.errors import ConfigError
from sentinel.notify.channel import Rendered, TransportError
from sentinel.notify.egress import EgressPolicy, is_loopback

_SERVER_ERRORS = 500
_RETRIED_CLIENT_ERRORS = {408, 429}
_SECONDS = 20.0


class WebhookChannel:
    """Posts to one address."""

    def __init__(
        self, channel_id: str, url: str, secret: str, egress: EgressPolicy, clock: Clock
    ) -> None:
        self._id = channel_id
        self._url = URL(url)
        self._secret = secret.encode()
        self._egress = egress
        self._clock = clock
        if self._url.scheme not in {"http", "https"} or not self._url.host:
            raise ConfigError("an absolute http or https address is needed", where="webhook_url")
        if not is_loopback(self._url.host) and not (self._url.scheme == "https" and secret):
            raise ConfigError(
                "a webhook outside this machine needs https and notify.webhook_secret",
                where="webhook_url",
            )

    @property
    def id(self) -> str:
        """Name of the channel's file."""
        return self._id

    async def send(self, rendered: Rendered, *, key: str) -> str:
        """Post the payload; return the status line. Raises TransportError."""
        host = self._url.host or ""
        self._egress.check(host)
        body = msgspec.json.encode(rendered.payload, order="sorted")
        try:
            timeout = aiohttp.ClientTimeout(total=_SECONDS)
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
                session.post(
                    self._url, data=body, headers=self._headers(body, key), allow_redirects=False
                ) as response,
            ):
                status, reason = response.status, response.reason or ""
        except (aiohttp.ClientError, OSError) as error:
            raise TransportError(
                type(error).__name__, permanent=False, where=host, hint="tried again later"
            ) from error
        if not 200 <= status < 300:  # noqa: PLR2004 - RFC 9110, section 15
            raise TransportError(
                f"the receiver answered {status} {reason}",
                permanent=status < _SERVER_ERRORS and status not in _RETRIED_CLIENT_ERRORS,
                where=host,
            )
        return f"{status} {reason}".strip()

    def _headers(self, body: bytes, key: str) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Idempotency-Key": key,
            "User-Agent": "sentinel",
        }
        if self._secret:
            stamp = int(self._clock.now().timestamp())
            headers["Sentinel-Signature"] = f"t={stamp},v1={sign(self._secret, stamp, body)}"
        return headers


def sign(secret: bytes, stamp: int, body: bytes) -> str:
    """Return the HMAC-SHA-256 (RFC 2104) of ``<stamp>.<body>``, hex."""
    return hmac.new(secret, b"%d." % stamp + body, hashlib.sha256).hexdigest()
