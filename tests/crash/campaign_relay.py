"""A mail server in a process of its own that misbehaves on purpose, and keeps an honest log.

What it does to a letter follows from the recipient alone, so that every run meets the same: put
off, refused, dropped before the letter, dropped after it with and without keeping it, slow. What it
keeps stands in ``--log`` (one JSON object a line, on disk before it says 250); reports (RFC 3464)
on what it kept go into ``--maildir``.
"""

from __future__ import annotations

import argparse
import asyncio
import email
import hashlib
import json
import os
import ssl
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

BEHAVIOURS = (
    ("put_off_at_rcpt", 3),
    ("put_off_at_end", 3),
    ("refused_at_rcpt", 2),
    ("refused_at_end", 1),
    ("dropped_before", 2),
    ("dropped_not_kept", 1),
    ("dropped_kept", 2),
    ("closing", 1),
    ("slow", 2),
)


def fate(recipient: str, salt: str, table: tuple[tuple[str, int], ...]) -> str:
    """Return what happens to a recipient: a percentage of all of them each."""
    place = int(hashlib.sha256(f"{salt}{recipient}".encode()).hexdigest(), 16) % 100
    for name, share in table:
        if place < share:
            return name
        place -= share
    return "taken"


class Script:
    """The behaviour, as aiosmtpd asks for it."""

    def __init__(self, log: Path, maildir: Path | None, *, plain: bool) -> None:
        self._log = log.open("ab", buffering=0)
        self._maildir = maildir
        self._tried: Counter[str] = Counter()
        self._plain = plain

    def _fate(self, recipient: str) -> str:
        return "taken" if self._plain else fate(recipient, "relay", BEHAVIOURS)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        self._tried[address] += 1
        does, times = self._fate(address), self._tried[address]
        if does == "put_off_at_rcpt" and times <= 2:
            return "450 4.2.0 <" + address + "> greylisted, come back"
        if does == "refused_at_rcpt":
            return "550 5.1.1 <" + address + "> no such person"
        if does == "dropped_before" and times == 1:
            server.transport.abort()
            return "421 never heard"
        if does == "closing" and times == 1:
            return "421 4.3.2 closing"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: Any, _session: Session, envelope: Envelope
    ) -> str:
        (address,) = envelope.rcpt_tos
        does, times = self._fate(address), self._tried[address]
        if does == "put_off_at_end" and times == 1:
            return "451 4.3.0 try again"
        if does == "refused_at_end":
            return "552 5.2.2 mailbox full"
        if does == "dropped_not_kept" and times == 1:
            server.transport.abort()
            return "451 never heard"
        if does == "slow":
            await asyncio.sleep(0.4)
        content = envelope.content
        assert isinstance(content, bytes)
        self._keep(address, server.envid, server.notify, content)
        if does == "dropped_kept" and times == 1:
            server.transport.abort()
        return f"250 2.0.0 OK: queued as {uuid.uuid4().hex[:10].upper()}"

    def _keep(self, address: str, envid: str, notify: str, content: bytes) -> None:
        message = email.message_from_bytes(content)
        row = {"id": message["Message-ID"], "to": address, "envid": envid}
        self._log.write(json.dumps(row).encode() + b"\n")
        os.fsync(self._log.fileno())
        kind = "delivered"
        if not self._plain:
            kind = fate(address, "report", (("none", 5), ("failed", 4)))
        if self._maildir is not None and "SUCCESS" in notify and kind != "none":
            write_mail(self._maildir, report(address, envid, str(message["Message-ID"]), kind))


_REPORT = """\
From: MAILER-DAEMON@mx.example.org
To: bounces@example.org
Subject: Delivery Status Notification
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

This is a report on your letter.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
Original-Envelope-Id: {envid}

Final-Recipient: rfc822; {address}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {words}

--b
Content-Type: text/rfc822-headers

Message-ID: {message_id}
Subject: x

--b--
"""


def report(address: str, envid: str, message_id: str, kind: str) -> bytes:
    """Return a delivery status notification as servers write them."""
    failed = kind == "failed"
    return _REPORT.format(
        envid=envid,
        address=address,
        action="failed" if failed else "delivered",
        status="5.2.2" if failed else "2.0.0",
        words="552 5.2.2 mailbox full" if failed else "250 2.0.0 saved",
        message_id=message_id,
    ).encode()


def write_mail(maildir: Path, content: bytes) -> None:
    """Deliver into a Maildir as servers do: ``tmp``, then ``new``."""
    name = uuid.uuid4().hex
    (maildir / "tmp" / name).write_bytes(content)
    (maildir / "tmp" / name).rename(maildir / "new" / name)


class Server(SMTP):
    """An aiosmtpd server that takes the words of RFC 3461."""

    envid = ""
    notify = ""

    async def smtp_MAIL(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        words = arg.split()
        own = [word for word in words if not word.upper().startswith(("RET=", "ENVID="))]
        self.envid = next((w[6:] for w in words if w.upper().startswith("ENVID=")), "")
        await super().smtp_MAIL(" ".join(own))

    async def smtp_RCPT(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        words = arg.split()
        own = [word for word in words if not word.upper().startswith(("NOTIFY=", "ORCPT="))]
        self.notify = next((w[7:] for w in words if w.upper().startswith("NOTIFY=")), "")
        await super().smtp_RCPT(" ".join(own))


class Speaking(Script):
    """Adds the extension's name to the greeting."""

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, session: Session, _envelope: Envelope, hostname: str, answers: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [answers[0], "250-DSN", *answers[1:]]


def authenticate(
    _server: Any, _session: Session, _envelope: Envelope, _mechanism: str, given: Any
) -> AuthResult:
    """Accept one account."""
    right = isinstance(given, LoginPassword) and given == LoginPassword(b"letters", b"right")
    return AuthResult(success=right)


async def serve(options: argparse.Namespace) -> None:
    """Serve until killed."""
    script = Speaking(options.log, options.maildir, plain=options.plain)
    context = None
    if options.certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.certificate, options.key)
    loop = asyncio.get_running_loop()

    def factory() -> Server:
        return Server(
            script,
            hostname="mx.example.org",
            tls_context=context,
            require_starttls=context is not None,
            auth_required=context is not None,
            authenticator=authenticate if context is not None else None,
            loop=loop,
        )

    server = await loop.create_server(factory, "127.0.0.1", options.port)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--maildir", type=Path)
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("--key", type=Path)
    parser.add_argument("--plain", action="store_true")
    asyncio.run(serve(parser.parse_args()))
