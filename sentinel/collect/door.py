"""The door of the collector: who sends, and the whole body within bounds of size, time, memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from sentinel.collect.body import ENCODINGS, BadBody, BodyTooLarge, decompressed
from sentinel.collect.problem import Busy, NotKnown, NotSupported
from sentinel.collect.senders import Senders, Sources
from sentinel.config import CollectorSettings

BODY_SECONDS = 60.0  # a body that drips in holds its memory and its connection no longer


class Door:
    """What every request to the collector passes. ``only``: the one source that is let in."""

    def __init__(
        self, senders: Senders, settings: CollectorSettings, *, only: str | None = None
    ) -> None:
        self.settings = settings
        self._senders = senders
        self._only = only
        self._pending = 0

    def sources(self, request: web.Request) -> Sources:
        """Return the sources that the sender is, at least one. Raises NotKnown."""
        found = self._senders.of(request)
        if self._only is not None:
            found = tuple(source for source in found if source.name == self._only)
        if not found:
            raise NotKnown("a bearer token of a declared source is needed")
        return found

    @asynccontextmanager
    async def body(self, request: web.Request) -> AsyncIterator[bytes]:
        """Yield the body, decompressed; it counts as pending until the block is left.

        Raises NotSupported, BodyTooLarge, BadBody, Busy, and HTTPRequestTimeout for a body that
        takes longer than `BODY_SECONDS`.
        """
        encoding = request.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in ENCODINGS:
            raise NotSupported("Content-Encoding is gzip, zstd or none")
        limit = self.settings.max_body_bytes
        if (request.content_length or 0) > limit:
            raise BodyTooLarge(f"{request.content_length} bytes where {limit} are taken")
        held = 0
        raw = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for chunk in request.content.iter_any():
                    held += self._hold(len(chunk))
                    raw += chunk
                    if len(raw) > limit:
                        raise BodyTooLarge(f"more than {limit} bytes")
            body = bytes(raw)
            if encoding not in ("", "identity"):
                del raw
                body = await asyncio.to_thread(decompressed, body, encoding, limit=limit)
                held += self._hold(len(body), checked=False)
            yield body
        except TimeoutError:
            raise web.HTTPRequestTimeout from None
        except (web.RequestPayloadError, ConnectionError) as error:
            raise BadBody("the body ends too early") from error
        finally:
            self._pending -= held

    def _hold(self, size: int, *, checked: bool = True) -> int:
        if checked and self._pending + size > self.settings.max_pending_bytes:
            raise Busy("too much is under way; come again")
        self._pending += size
        return size
