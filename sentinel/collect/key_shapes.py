"""Keys, tokens and cookies that tell by their form what they are, whatever stands around them.

Forms as their issuers document them: PEM (RFC 7468), AWS, GitHub, GitLab, Slack, Google, Stripe,
SendGrid; the cookie header (RFC 6265, section 4).
"""

from __future__ import annotations

import re

PRIVATE_KEY, ACCESS_KEY, COOKIE = "private_key", "access_key", "cookie"

KEYS = (
    (
        PRIVATE_KEY,
        re.compile(
            r"-----BEGIN (?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY-----"
            r"(?:[A-Za-z0-9+/=\s]|\\[nr]|%0A|%2B|%2F|%3D){0,16384}"
            r"(?:-----END [A-Z0-9 ]{0,40}-----)?",
            re.ASCII,
        ),
    ),
    (
        ACCESS_KEY,
        re.compile(
            r"(?<![A-Za-z0-9])(?:AKIA[A-Z2-7]{16}|gh[pousr]_[A-Za-z0-9]{36,255}"
            r"|github_pat_[A-Za-z0-9_]{36,255}|glpat-[\w-]{20,64}|xox[abeprs]-[A-Za-z0-9-]{10,255}"
            r"|AIza[\w-]{35}|[sr]k_live_[A-Za-z0-9]{16,255}|SG\.[\w-]{16,64}\.[\w-]{16,64})"
            r"(?![A-Za-z0-9])",
            re.ASCII,
        ),
    ),
    (
        COOKIE,
        re.compile(
            r"(?<![\w-])(?:set-)?cookie(?:\\?[\"'])?[ ]{0,4}[:=][ ]{0,4}(?:\\?[\"'])?"
            r"(?!\[redacted:)[\w.%$!#&'*+^`|~-]{1,128}=[^\s\"',;]{1,4096}"
            r"(?:;[ \t]?[^\s\"',;=]{1,128}(?:=[^\s\"',;]{0,4096})?){0,64}",
            re.IGNORECASE | re.ASCII,
        ),
    ),
)

KEY_HINT = re.compile(
    r"PRIVATE KEY|AKIA|gh[pousr]_|github_pat|glpat|xox|AIza|k_live|SG\.|(?i:cookie)"
)
