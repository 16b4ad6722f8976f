"""What the web server formats share: the request line, addresses, escapes, in ECS names."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from sentinel.domain.event import USER, Value

# A quoted field: unrolled, so that a hostile line costs linear time.
QUOTED = r'"([^"\\]*(?:\\.[^"\\]*)*)"'

_REQUEST = re.compile(r"([A-Za-z][A-Za-z_-]{0,31}) (.*?)(?: HTTP/(\d(?:\.\d)?))?", re.DOTALL)
_ESCAPE = re.compile(r'\\(?:(["\\])|x([0-9A-Fa-f]{2}))')
_WHOLE = re.compile(r"[0-9]{1,18}")
_PRINTABLE = range(0x20, 0x7F)


def request_fields(request: str) -> dict[str, Value]:
    """Split ``GET /path?query HTTP/1.1``.

    What a client sent instead of a request (TLS bytes, an empty line) is kept as
    ``url.original`` without a method; ``-`` and the empty text mean that there was none.
    """
    if request in ("", "-"):
        return {}
    match = _REQUEST.fullmatch(request)
    if match is None:
        return {"url.original": request}
    fields: dict[str, Value] = {"http.request.method": match[1].upper()}
    if match[3]:
        fields["http.version"] = match[3]
    fields.update(target_fields(match[2]))
    return fields


def target_fields(target: str) -> dict[str, Value]:
    """Split a request target (RFC 9112, section 3.2): path and query are kept as sent."""
    fields: dict[str, Value] = {"url.original": target}
    rest = target
    scheme, mark, after = target.partition("://")
    if mark and scheme.isalpha():
        fields["url.scheme"] = scheme.lower()
        authority, slash, tail = after.partition("/")
        fields["url.domain"] = authority.rpartition("@")[2]
        rest = slash + tail
    path, mark, query = rest.partition("?")
    fields["url.path"] = path
    if mark:
        fields["url.query"] = query
    return fields


def client_fields(address: str, user: str) -> dict[str, Value]:
    """Name the client: ``source.ip``, or ``source.domain`` where the server logs host names."""
    fields: dict[str, Value] = {}
    if address not in ("", "-"):
        fields["source.ip" if is_ip(address) else "source.domain"] = address
    if user not in ("", "-"):
        fields[USER] = user
    return fields


@lru_cache(maxsize=16384)
def is_ip(text: str) -> bool:
    """Tell whether ``text`` is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def whole_number(value: object) -> int | None:
    """Read a count or a status of at most 18 digits; None for anything else."""
    return int(str(value)) if _WHOLE.fullmatch(str(value)) else None


def unescape(text: str) -> str:
    r"""Undo ``\"``, ``\\`` and ``\xHH`` of printable ASCII; other bytes stay escaped."""
    return _ESCAPE.sub(_unescaped, text) if "\\" in text else text


def _unescaped(match: re.Match[str]) -> str:
    if match[1]:
        return match[1]
    code = int(match[2], 16)
    return chr(code) if code in _PRINTABLE else match[0]
