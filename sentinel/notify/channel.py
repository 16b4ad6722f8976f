"""What every channel is: something that takes a rendered message and returns a receipt.

One flag drives the retries: a `TransportError` is permanent (give up, visibly) or transient (the
outbox tries again). A channel holds no queue and no state: what waits lies in the outbox.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from sentinel.errors import SentinelError


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """A message in one language. ``payload``: the JSON-able form that machines take."""

    subject: str
    text: str
    html: str
    payload: dict[str, object]
    language: str = "en"


class TransportError(SentinelError):
    """A message could not be handed over."""

    def __init__(self, detail: str, *, permanent: bool, where: str = "", hint: str = "") -> None:
        self.permanent = permanent
        super().__init__(detail, where=where, hint=hint)


class Channel(Protocol):
    """A way out of the house."""

    @property
    def id(self) -> str:
        """Name of the channel's file in ``notifiers/channels``."""
        ...

    async def send(self, rendered: Rendered, *, key: str) -> str:
        """Hand a message over and return the other side's receipt. Raises TransportError.

        ``key`` is the outbox's idempotency key: a message may be sent twice when Sentinel dies
        between sending and recording, and the other side can tell by the key.
        """
        ...
