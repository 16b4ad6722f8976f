"""What the messages of sshd, sudo and PAM say, in ECS names."""

from __future__ import annotations

import re

from sentinel.collect.formats.web import is_ip
from sentinel.domain.event import USER, Value

_USER = r"(?P<user>[^\s]{0,256})"
_FROM = r"from (?P<ip>[0-9A-Fa-f.:]{2,45})(?: port (?P<port>\d{1,5}))?"
_PATTERNS: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern), action, outcome)
    for pattern, action, outcome in (
        (rf"Accepted (?P<method>[\w/-]{{1,40}}) for {_USER} {_FROM}", "ssh_login", "success"),
        (
            rf"(?:message repeated (?P<times>\d{{1,6}}) times: \[ )?"
            rf"Failed (?P<method>[\w/-]{{1,40}}) for (?:invalid user )?{_USER} {_FROM}",
            "ssh_login",
            "failure",
        ),
        (rf"Invalid user {_USER} {_FROM}", "ssh_invalid_user", "failure"),
        (
            r"error: maximum authentication attempts exceeded for "
            rf"(?:invalid user )?{_USER} {_FROM}",
            "ssh_attempts_exceeded",
            "failure",
        ),
        (
            r"pam_unix\([\w:-]{1,64}\): session opened for user (?P<user>[^\s(]{1,256})",
            "session_opened",
            "success",
        ),
        (
            r"pam_unix\([\w:-]{1,64}\): session closed for user (?P<user>[^\s(]{1,256})",
            "session_closed",
            "success",
        ),
        (
            r"pam_unix\([\w:-]{1,64}\): authentication failure;[^\n]{0,200}? rhost=(?P<ip>\S{0,64})"
            r"(?: {1,2}user=(?P<user>\S{1,256}))?",
            "authentication_failure",
            "failure",
        ),
    )
)
_SUDO = re.compile(
    r"(?P<user>\S{1,256}) : (?P<refused>[a-z0-9 ]{0,64} ; )?TTY=\S{1,64} ; "
    r"PWD=(?P<folder>.{1,1024}?) ; "
    r"USER=(?P<target>\S{1,256}) ; (?:[A-Z]{3,10}=\S{0,256} ; ){0,4}COMMAND=(?P<command>.*)",
    re.DOTALL,
)


def message_fields(program: str, message: str) -> dict[str, Value]:
    """Return action, outcome, user and address where the message is one that we know."""
    text = message.lstrip()
    if program == "sudo":
        match = _SUDO.match(text)
        if match:
            outcome = "failure" if match["refused"] else "success"
            return {
                **_names("sudo", outcome),
                USER: match["user"],
                "user.effective.name": match["target"],
                "USER": match["target"],  # as public rules call it
                "process.working_directory": match["folder"],
                "process.command_line": match["command"],
            }
    for pattern, action, outcome in _PATTERNS:
        match = pattern.match(text)
        if match:
            return {**_names(action, outcome), **_captured(match.groupdict())}
    return {}


def _names(action: str, outcome: str) -> dict[str, Value]:
    return {
        "event.category": ["authentication"],
        "event.action": action,
        "event.outcome": outcome,
    }


def _captured(groups: dict[str, str | None]) -> dict[str, Value]:
    fields: dict[str, Value] = {}
    if groups.get("user"):
        fields[USER] = groups["user"]
    address = groups.get("ip")
    if address:
        fields["source.ip" if is_ip(address) else "source.domain"] = address
    if groups.get("port"):
        fields["source.port"] = int(groups["port"] or 0)
    if groups.get("method"):
        fields["sentinel.auth_method"] = groups["method"]
    if groups.get("times"):
        fields["sentinel.repeated"] = int(groups["times"] or 0)
    return fields
