"""One connection to a mail server, and the one place where a letter leaves the house.

A letter is offered (MAIL, RCPT, DATA); only when the server says 354 is it written durably that the
letter is about to be handed over, and only then does its first byte leave. What a server answers is
never in doubt: 250 has it, 4yz and 5yz have not (RFC 5321, 4.2.5). Only an answer that does not
come leaves the letter unknown: `AnswerLost`.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Awaitable, Callable

import aiosmtplib
import msgspec

from sentinel.config.mail import RelaySettings
from sentinel.errors import SentinelError
from sentinel.notify.channel import TransportError
from sentinel.notify.egress import EgressPolicy

_GO_AHEAD = 354
_TAKEN = 250
_FIRST_PERMANENT = 500
_CLOSING = 421
_STATUS = re.compile(r"^([245]\.\d{1,3}\.\d{1,3})\b")
_QUEUE_ID = re.compile(r"(?:queued as|\bid=|\bqp)\s*<?([\w.-]+)", re.IGNORECASE)
_DOT = re.compile(rb"(?m)^\.")


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """What is handed over. ``sender``, ``recipient``: of the envelope. ``content``: CRLF ends."""

    token: str
    sender: str
    recipient: str
    content: bytes


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """The server has the letter. ``reply``: its words. ``reports``: it promised to report."""

    reply: str
    queue_id: str
    reports: bool


class RelayDown(SentinelError):
    """A mail server does not take letters now; nothing of this letter left."""


class Shut(SentinelError):
    """The letter may not leave (any more)."""


class AnswerLost(SentinelError):
    """The letter left, and what the server said did not come back."""


class Declined(SentinelError):
    """The server answered that it has not taken the letter.

    ``code``: of SMTP. ``status``: of RFC 3463, or empty. ``permanent``: asking again is no use.
    """

    def __init__(self, code: int, text: str, step: str) -> None:
        self.code = code
        self.text = clean(text)
        found = _STATUS.match(text.strip())
        self.status = found[1] if found else ""
        self.step = step
        self.permanent = code >= _FIRST_PERMANENT
        super().__init__(f"{code} {self.text} to {step}")


class Relay:
    """A connection that opens when it is needed, and again after it was lost."""

    def __init__(self, settings: RelaySettings, egress: EgressPolicy, hostname: str) -> None:
        self._settings = settings
        self._egress = egress
        self._hostname = hostname
        self._client: aiosmtplib.SMTP | None = None

    @property
    def where(self) -> str:
        """Return host and port."""
        return f"{self._settings.host}:{self._settings.port}"

    async def hand_over(self, mail: Mail, begin: Callable[[], Awaitable[bool]]) -> Taken:
        """Hand one letter over. ``begin``: writes that it leaves now; False: it may not.

        Raises RelayDown, Declined (nothing left), Shut (nothing left), AnswerLost.
        """
        client = await self._connected()
        try:
            reports = await self._envelope(client, mail)
            go_ahead = await client.execute_command(b"DATA")
        except aiosmtplib.SMTPResponseException as error:
            raise self._answered(error.code, error.message, "the envelope") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            self.drop()
            raise RelayDown(type(error).__name__, where=self.where) from error
        if go_ahead.code != _GO_AHEAD:
            raise self._answered(go_ahead.code, go_ahead.message, "DATA")
        try:
            allowed = await begin()
        except BaseException:
            self.drop()  # without its last line the server discards the letter (RFC 5321, 4.1.1.4)
            raise
        if not allowed:
            self.drop()
            raise Shut
        answer = await self._body(client, mail.content)
        if answer.code == _TAKEN:
            return Taken(
                reply=f"250 {clean(answer.message)}",
                queue_id=queue_id(answer.message),
                reports=reports,
            )
        declined = Declined(answer.code, answer.message, "the letter")
        if answer.code == _CLOSING:
            self.drop()
        else:
            await self._reset(client)
        raise declined

    async def close(self) -> None:
        """Say goodbye, where anybody still listens."""
        client, self._client = self._client, None
        if client is not None:
            try:
                await client.quit(timeout=2)
            except (aiosmtplib.SMTPException, OSError):
                client.close()

    def drop(self) -> None:
        """Hang up."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._client is not None and self._client.is_connected:
            return self._client
        settings = self._settings
        try:
            self._egress.check(settings.host)
            client = aiosmtplib.SMTP(
                hostname=settings.host,
                port=settings.port,
                local_hostname=self._hostname,
                timeout=settings.timeout_seconds,
                use_tls=settings.security == "tls",
                start_tls=settings.security == "starttls",
                tls_context=_context(settings),
                username=settings.username or None,
                password=settings.password.get_secret_value() if settings.password else None,
            )
            await client.connect()
            await client.ehlo()
        except TransportError as error:
            raise RelayDown(error.detail, where=self.where, hint=error.hint) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            told = clean(str(error)) or type(error).__name__
            raise RelayDown(told, where=self.where) from error
        self._client = client
        return client

    async def _envelope(self, client: aiosmtplib.SMTP, mail: Mail) -> bool:
        """Offer a letter; return whether the server promised to report on it (RFC 3461)."""
        reports = client.supports_extension("dsn")
        asked = ["RET=HDRS", f"ENVID={mail.token}"] if reports else []
        notify = f"ORCPT=rfc822;{xtext(mail.recipient)}"
        wanted = ["NOTIFY=SUCCESS,FAILURE,DELAY", notify] if reports else []
        try:
            await client.mail(mail.sender, options=asked)
        except aiosmtplib.SMTPSenderRefused as error:
            # It is our sender that it refuses, not this person: no letter can leave this way.
            self.drop()
            told = f"{error.code} {clean(error.message)} to our sender"
            raise RelayDown(told, where=self.where) from error
        try:
            await client.rcpt(mail.recipient, options=wanted)
        except aiosmtplib.SMTPResponseException:
            await self._reset(client)
            raise
        return reports

    def _answered(self, code: int, message: str, step: str) -> SentinelError:
        if code == _CLOSING:
            self.drop()
            return RelayDown(f"421 {clean(message)}", where=self.where)
        return Declined(code, message, step)

    async def _body(self, client: aiosmtplib.SMTP, content: bytes) -> aiosmtplib.SMTPResponse:
        protocol = client.protocol
        if protocol is None:
            raise AnswerLost(where=self.where)
        end = b"" if content.endswith(b"\r\n") else b"\r\n"
        try:
            protocol.write(_DOT.sub(b"..", content) + end + b".\r\n")
            return await protocol.read_response(timeout=self._settings.reply_seconds)
        except (aiosmtplib.SMTPException, OSError) as error:
            self.drop()
            raise AnswerLost(type(error).__name__, where=self.where) from error
        except BaseException:
            self.drop()
            raise

    async def _reset(self, client: aiosmtplib.SMTP) -> None:
        try:
            await client.rset()
        except (aiosmtplib.SMTPException, OSError):
            self.drop()


def xtext(text: str) -> str:
    """Return ``text`` as xtext (RFC 3461, section 4)."""
    return "".join(
        one if "!" <= one <= "~" and one not in "+=" else f"+{ord(one):02X}" for one in text
    )


def clean(text: str) -> str:
    """Put a server's words on one line, without the addresses that servers like to quote."""
    return " ".join(re.sub(r"<?[^\s<>]+@[^\s<>]+>?", "<address>", text).split())[:300]


def queue_id(text: str) -> str:
    """Return the number under which a server queued a letter, as its answer says it, or empty."""
    found = _QUEUE_ID.search(text)
    return found[1] if found else ""


def _context(settings: RelaySettings) -> ssl.SSLContext | None:
    if settings.security == "none":
        return None
    context = ssl.create_default_context(cafile=settings.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
