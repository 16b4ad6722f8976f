"""Kinds of text that settings share: a mailbox, a sender, a web address."""

from __future__ import annotations

import re
from email.utils import parseaddr
from typing import Annotated

from pydantic import AfterValidator


def mailbox(value: str) -> str:
    """Return ``value``, one e-mail address or nothing. Raises ValueError."""
    if value and not re.fullmatch(r"[^@\s,;<>]+@[^@\s,;<>]+", value):
        raise ValueError("an e-mail address is expected, as in name@example.org")
    return value


def _sender(value: str) -> str:
    """Accept ``Name <address>`` too (RFC 5322, section 3.4: name-addr)."""
    mailbox(parseaddr(value)[1] or value)
    return value


def _web_address(value: str) -> str:
    if value and not re.fullmatch(r"https?://[^\s/?#]+\S*", value):
        raise ValueError("a web address is expected, as in https://www.example.org")
    return value


Mailbox = Annotated[str, AfterValidator(mailbox)]
Sender = Annotated[str, AfterValidator(_sender)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
