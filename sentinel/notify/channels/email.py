"""E-mail over SMTP (RFC 5321), text and HTML.

A refusal of the message (5xx) is permanent. A refusal of the connection or of the sign-in is not:
somebody will mend the server or the password, and what waits must not be lost until then.

A repeat can be recognised: the Message-ID depends on the outbox key alone. Machines are told that
no person wrote it (RFC 3834, ``Auto-Submitted``), so that no out-of-office answers come back.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

import aiosmtplib

from sentinel.clock import Clock
from sentinel.config import SmtpSettings
from sentinel.notify.channel import Rendered, TransportError

_FIRST_PERMANENT = 500


class EmailChannel:
    """Sends to fixed recipients through one server."""

    def __init__(
        self, channel_id: str, smtp: SmtpSettings, recipients: Sequence[str], clock: Clock
    ) -> None:
        self._id = channel_id
        self._smtp = smtp
        self._recipients = list(recipients)
        self._clock = clock

    @property
    def id(self) -> str:
        """Name of the channel's file."""
        return self._id

    async def send(self, rendered: Rendered, *, key: str) -> str:
        """Send, and return the server's answer to DATA (``250 ...``). Raises TransportError."""
        message = self._compose(rendered, key)
        try:
            refused, answer = await self._hand_over(message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = {refusal.code for refusal in error.recipients}
            raise self._failed(
                f"every recipient was refused ({', '.join(map(str, sorted(codes)))})",
                permanent=min(codes) >= _FIRST_PERMANENT,
            ) from error
        except (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPAuthenticationError) as error:
            raise self._failed(str(error), permanent=False) from error
        except aiosmtplib.SMTPResponseException as error:
            raise self._failed(
                f"the server answered {error.code} {error.message}",
                permanent=error.code >= _FIRST_PERMANENT,
            ) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._failed(f"{type(error).__name__}: {error}", permanent=False) from error
        receipt = f"250 {_clean(answer)}"
        if refused:
            receipt += f"; {len(refused)} of {len(self._recipients)} recipients refused"
        return receipt

    async def _hand_over(
        self, message: EmailMessage
    ) -> tuple[dict[str, aiosmtplib.SMTPResponse], str]:
        smtp = self._smtp
        return await aiosmtplib.send(
            message,
            sender=parseaddr(smtp.sender)[1],
            recipients=self._recipients,
            hostname=smtp.host,
            port=smtp.port,
            username=smtp.username or None,
            password=smtp.password.get_secret_value() if smtp.password else None,
            timeout=smtp.timeout_seconds,
            use_tls=smtp.security == "tls",
            start_tls=smtp.security == "starttls",
        )

    def _failed(self, detail: str, *, permanent: bool) -> TransportError:
        where = f"{self._smtp.host}:{self._smtp.port}"
        return TransportError(_clean(detail), permanent=permanent, where=where)

    def _compose(self, rendered: Rendered, key: str) -> EmailMessage:
        sender = self._smtp.sender
        domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
        message = EmailMessage(policy=SMTP)
        message["From"] = sender
        message["To"] = ", ".join(self._recipients)
        message["Subject"] = re.sub(r"[\r\n]+", " ", rendered.subject)
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(rendered.text)
        message.add_alternative(rendered.html, subtype="html")
        message["Content-Language"] = rendered.language
        return message


def _clean(text: str) -> str:
    """Put a server's words on one line, without the addresses that servers like to quote."""
    return " ".join(re.sub(r"<?[^\s<>]+@[^\s<>]+>?", "<address>", text).split())
