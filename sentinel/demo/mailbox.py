"""A mailbox on loopback that takes what the outbox sends: a real SMTP server, not a mock."""

from __future__ import annotations

import asyncio
from email import message_from_bytes
from email.message import Message
from email.policy import default
from types import TracebackType
from typing import Self

from sentinel.errors import MissingExtra


class Mailbox:
    """An SMTP server on 127.0.0.1 that keeps what it is given."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        """Listen on a port that the system chooses."""
        try:
            from aiosmtpd.smtp import SMTP, Envelope, Session
        except ImportError as error:
            raise MissingExtra(
                "the demo delivers its mail to a server of its own",
                hint="pip install 'sentinel-rgpd[demo]'",
            ) from error
        kept = self.messages

        class Keep:
            async def handle_DATA(  # noqa: N802 - the name that aiosmtpd calls
                self, _server: SMTP, _session: Session, envelope: Envelope
            ) -> str:
                kept.append(message_from_bytes(envelope.original_content or b"", policy=default))
                return f"250 2.0.0 kept as {len(kept)}"

        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(Keep(), enable_SMTPUTF8=True, loop=loop), "127.0.0.1", 0
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
