"""The second factor: time-based one-time passwords (RFC 6238), each accepted once."""

from __future__ import annotations

import hmac
import re
from datetime import datetime

import pyotp

STEP_SECONDS = 30
WINDOW = 1
ISSUER = "Sentinel"


def new_secret() -> str:
    """Return 160 random bits in base32 (RFC 4226, section 4, requirement 6)."""
    return pyotp.random_base32(length=32)


def otpauth_uri(secret: str, account_name: str) -> str:
    """Return the ``otpauth://`` address that authenticator applications scan."""
    return pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(
        name=account_name, issuer_name=ISSUER
    )


def matching_step(secret: str, code: str, now: datetime, last_step: int) -> int | None:
    """Return the time step that ``code`` belongs to, or None where it is wrong or was used.

    One step to either side is tolerated for drift (RFC 6238, section 5.2); a step at or before
    ``last_step`` is refused, so that a code seen over a shoulder opens nothing.
    """
    digits = re.sub(r"\s", "", code)
    if not re.fullmatch(r"[0-9]{6}", digits):
        return None
    generator = pyotp.TOTP(secret, interval=STEP_SECONDS)
    current = int(now.timestamp()) // STEP_SECONDS
    found: int | None = None
    for step in range(current - WINDOW, current + WINDOW + 1):
        same = hmac.compare_digest(generator.generate_otp(step), digits)
        if same and step > last_step and found is None:
            found = step
    return found
