"""Name what a server's refusal means for a person, by RFC 3463 and, without it, by RFC 5321."""

from __future__ import annotations

import re

from sentinel.domain.dispatch import Failure

_BY_STATUS: tuple[tuple[str, Failure], ...] = (
    (r"\d\.1\.[78]", Failure.POLICY),  # the sender's address
    (r"\d\.1\.\d+", Failure.ADDRESS),
    (r"\d\.2\.1", Failure.MAILBOX_DISABLED),
    (r"\d\.2\.2", Failure.MAILBOX_FULL),
    (r"\d\.2\.3", Failure.TOO_LARGE),
    (r"\d\.2\.\d+", Failure.ADDRESS),
    (r"\d\.3\.4", Failure.TOO_LARGE),
    (r"\d\.3\.\d+", Failure.SYSTEM),
    (r"\d\.4\.7", Failure.EXPIRED),
    (r"\d\.4\.\d+", Failure.ROUTING),
    (r"\d\.5\.\d+", Failure.PROTOCOL),
    (r"\d\.6\.\d+", Failure.CONTENT),
    (r"\d\.7\.\d+", Failure.POLICY),
)
_BY_CODE: dict[int, Failure] = {
    550: Failure.ADDRESS,
    551: Failure.ADDRESS,
    553: Failure.ADDRESS,
    552: Failure.MAILBOX_FULL,
    452: Failure.MAILBOX_FULL,
    521: Failure.ROUTING,
    556: Failure.ROUTING,
}


def failure_of(status: str, code: int = 0) -> Failure:
    """Return the name of a refusal. ``status``: RFC 3463, may be empty; ``code``: of SMTP."""
    for pattern, failure in _BY_STATUS:
        if re.fullmatch(pattern, status):
            return failure
    return _BY_CODE.get(code, Failure.OTHER)


def hard(status: str) -> bool:
    """Tell whether a status says that asking again is no use (class 5)."""
    return status.startswith("5.")
