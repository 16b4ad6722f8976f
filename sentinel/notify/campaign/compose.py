"""One letter as a mail: text and HTML, nothing that reports back, nothing that is not the letter.

No link leads outside by itself, no image is fetched, no address is counted: a letter that watches
whether it is read is refused here. ``List-Unsubscribe`` is absent on purpose: nobody can opt out of
being told what happened to their data.
"""

from __future__ import annotations

import re
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from html.parser import HTMLParser

import msgspec

from sentinel.errors import Refused, SentinelError

_FETCHES = {"src", "srcset", "background", "poster", "data", "action", "formaction", "ping"}
_ACTIVE = {"script", "iframe", "object", "embed", "link", "form", "base", "img", "audio", "video"}
_CSS_FETCH = re.compile(r"url\s*\(|@import|expression\s*\(", re.IGNORECASE)
_SUBJECT = re.compile(r"\A(?P<subject>[^\r\n]+)\r?\n\r?\n")


class BadAddress(SentinelError):
    """A person's e-mail address cannot be written to."""


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """The letter in one language, as it was approved. ``html``: a whole page."""

    language: str
    subject: str
    text: str
    html: str


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """Whom one mail goes to: held in memory, never written."""

    name: str
    email: str


def read_letter(language: str, text: bytes, html: bytes) -> Text:
    """Return a letter from its files: the text opens with the subject. Raises Refused."""
    plain = text.decode("utf-8")
    found = _SUBJECT.match(plain)
    if found is None:
        raise Refused(f"the letter in {language} has no subject line and empty line at its head")
    page = html.decode("utf-8")
    if remote := remote_content(page):
        raise Refused(
            f"the letter in {language} fetches or runs something: {', '.join(remote)}",
            hint="a letter carries no tracking: no image, script, form or outside style",
        )
    return Text(
        language=language, subject=found["subject"].strip(), text=plain[found.end() :], html=page
    )


def remote_content(page: str) -> list[str]:
    """Return what in an HTML page would be fetched or run when it is opened; a link is not."""
    look = _Look()
    look.feed(page)
    look.close()
    return sorted(set(look.found))


class _Look(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._style = tag == "style"
        if tag in _ACTIVE:
            self.found.append(f"<{tag}>")
        if tag == "meta" and any(
            name == "http-equiv" and (value or "").lower() == "refresh" for name, value in attrs
        ):
            self.found.append("<meta refresh>")
        for name, value in attrs:
            if name in _FETCHES or name.startswith("on"):
                self.found.append(f"{tag} {name}")
            if name == "style" and _CSS_FETCH.search(value or ""):
                self.found.append(f"{tag} style")
            if name == "href" and re.match(r"\s*(javascript|data):", value or "", re.IGNORECASE):
                self.found.append(f"{tag} href")

    def handle_endtag(self, tag: str) -> None:
        if tag == "style":
            self._style = False

    def handle_data(self, data: str) -> None:
        if self._style and _CSS_FETCH.search(data):
            self.found.append("<style>")


class Composer:
    """Writes mails. ``sender``, ``reply_to``, ``bounce``: as in the settings."""

    def __init__(self, *, sender: str, reply_to: str, bounce: str, verp: bool = False) -> None:
        self._sender = sender
        self._reply_to = reply_to
        self._bounce = bounce
        self._verp = verp
        self.domain = parseaddr(sender)[1].rpartition("@")[2]

    def envelope_sender(self, token: str) -> str:
        """Return where reports about the letter ``token`` come back to."""
        if not self._verp:
            return self._bounce
        local, _, domain = self._bounce.rpartition("@")
        return f"{local}+{token}@{domain}"

    def message_id(self, token: str) -> str:
        """Return the Message-ID of the letter ``token``: the same however often it is tried."""
        return f"<{token}@{self.domain}>"

    def compose(
        self, letter: Text, to: Recipient, *, token: str, at: datetime, mark: str = ""
    ) -> bytes:
        """Return the mail, CRLF line ends, 7-bit. ``mark``: before the subject, as ``[TEST]``.

        Raises BadAddress.
        """
        message = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
        message["From"] = self._sender
        if self._reply_to:
            message["Reply-To"] = self._reply_to
        message["To"] = _address(to)
        message["Subject"] = f"{mark} {letter.subject}".strip()
        message["Date"] = format_datetime(at)
        message["Message-ID"] = self.message_id(token)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text, cte="quoted-printable")
        message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
        message["Content-Language"] = letter.language
        return message.as_bytes()


def mailbox(address: str) -> str:
    """Return an address as a server takes it: its domain in ASCII. Raises BadAddress."""
    local, at, domain = address.strip().rpartition("@")
    if not (local and at and domain) or re.search(r"[\s<>,;:\\\"()\[\]\x00-\x1f]", address.strip()):
        raise BadAddress("it is no e-mail address")
    if not local.isascii():
        raise BadAddress("its local part is not ASCII")
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError as error:
        raise BadAddress("its domain is not one") from error


def _address(to: Recipient) -> Address:
    name = " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", to.name).split())
    try:
        return Address(display_name=name, addr_spec=mailbox(to.email))
    except (HeaderParseError, ValueError, IndexError) as error:
        raise BadAddress("it is no e-mail address") from error
