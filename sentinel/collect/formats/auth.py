"""Authentication lines of Unix hosts (``/var/log/auth.log``), as rsyslog writes them.

RFC 3164, section 4.1.2: ``Mar 27 13:06:56 host sshd[1291]: message``. That header has neither
year nor zone. **The year is inferred**: the latest that does not put the line more than a day
after now; the zone is taken as UTC. Lines with an RFC 3339 instant need no guess.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from sentinel.clock import Clock, SystemClock
from sentinel.collect.formats.auth_messages import message_fields
from sentinel.collect.formats.base import Parsed, Stateless, Unparsed
from sentinel.collect.formats.times import MONTHS, read_time
from sentinel.domain.event import LogSource, Value

_LINE = re.compile(
    r"(?:<\d{1,3}>)?"
    r"(?:([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d)|(\d{4}-\d\d-\d\dT\S{1,40}))"
    r" (\S{1,255}) ([^\s\[\]:]{1,64})(?:\[(\d{1,10})\])?: ?(.*)",
    re.DOTALL | re.ASCII,
)
_SKEW = timedelta(days=1)
_SERVICES = {name: LogSource(product="linux", service=name) for name in ("sshd", "sudo")}
_LEAP_CYCLE = 8  # years between two 29 February at most (1896 to 1904)


class AuthLog(Stateless):
    """``auth``: sshd, sudo, su, login and whatever else writes to the authentication log."""

    name = "auth"
    title = "Unix authentication log: sshd, sudo, su, PAM"
    logsource = LogSource(product="linux", service="auth")

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()

    def parse(self, line: str) -> Parsed | Unparsed:
        """Read one line into ECS names; the text stays in ``message``."""
        match = _LINE.fullmatch(line)
        if match is None:
            return Unparsed("not `Mon dd hh:mm:ss host program[pid]: message`")
        time = read_time(match[6]) if match[6] else self._dated(match)
        if time is None:
            return Unparsed("no such day or time")
        fields: dict[str, Value] = {
            "host.hostname": match[7],
            "process.name": match[8],
            "message": match[10],
        }
        if match[9]:
            fields["process.pid"] = int(match[9])
        fields.update(message_fields(match[8], match[10]))
        return Parsed(fields, time, _SERVICES.get(match[8], self.logsource))

    def _dated(self, match: re.Match[str]) -> datetime | None:
        month = MONTHS.get(match[1])
        if month is None:
            return None
        day, hour, minute, second = (int(match[group]) for group in (2, 3, 4, 5))
        limit = self._clock.now() + _SKEW
        for year in range(limit.year, limit.year - _LEAP_CYCLE - 1, -1):
            try:
                instant = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
            except ValueError:
                continue
            if instant <= limit:
                return instant
        return None
