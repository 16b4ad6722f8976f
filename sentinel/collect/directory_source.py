"""Where the subject directory comes from: a CSV file, or a JSON endpoint over HTTP.

Everything is read before anything is taken in: half a directory is worse than the one before.
"""

from __future__ import annotations

import csv
import io
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec

from sentinel.errors import UnreadableFile, UnusableRow, UsageError

TIMEOUT = 60.0
MOST_BYTES = 1 << 30
MOST_PAGES = 100_000
_LOOPBACK = ("127.0.0.1", "localhost", "::1")

Row = tuple[str, Mapping[str, object]]  # where, cells


def csv_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a CSV file with a header; comma, semicolon or tab. UTF-8.

    Raises UnreadableFile, UnusableRow with ``where`` = file:line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = str(getattr(error, "strerror", None) or "not UTF-8 text")
        raise UnreadableFile(reason, where=str(path)) from error
    header_line = text.split("\n", 1)[0]
    separator = max(",;\t", key=header_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if not header or len(set(header)) < len(header):
            raise UnusableRow("the header is empty or names a column twice", where=f"{path}:1")
        for cells in reader:
            if not cells:
                continue
            where = f"{path}:{reader.line_num}"
            if len(cells) != len(header):
                raise UnusableRow(f"{len(cells)} cells where {len(header)} are due", where=where)
            yield where, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise UnusableRow(str(error), where=f"{path}:{reader.line_num}") from error


def http_rows(
    url: str, *, token: str = "", items: str = "items", allowed: Callable[[str], None]
) -> Iterator[Row]:
    """Yield the objects of a JSON endpoint, page after page.

    An answer is an array of objects, or an object with the array under ``items`` and, where there
    is more, the address of the next page under ``next``, on the same host. ``token``: a bearer
    token. ``allowed``: raises where a host may not be asked (promise R-57). TLS, but on loopback.
    Raises UsageError, UnreadableFile, UnusableRow.
    """
    host, seen = _checked(url, allowed), set[str]()
    while url:
        if url in seen or len(seen) == MOST_PAGES:
            raise UnusableRow("the pages go round in a circle, or do not end", where=_bare(url))
        seen.add(url)
        answer = _get(url, token)
        page = answer if isinstance(answer, list) else None
        if isinstance(answer, dict):
            page = answer.get(items)
        if not isinstance(page, list):
            hint = "an array of objects, or an object that holds it (--items)"
            raise UnusableRow("the answer holds no array", where=_bare(url), hint=hint)
        for number, one in enumerate(page, start=1):
            where = f"{_bare(url)}#{number}"
            if not isinstance(one, dict):
                raise UnusableRow("not an object", where=where)
            yield where, one
        following = answer.get("next") if isinstance(answer, dict) else None
        url = urljoin(url, following) if isinstance(following, str) and following else ""
        if url and _checked(url, allowed) != host:
            raise UnusableRow("the next page lies on another host", where=_bare(url))


def _checked(url: str, allowed: Callable[[str], None]) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in ("https", "http") or not host or parts.username:
        raise UsageError("the address is no https URL", hint="https://host/path, no password in it")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise UsageError("the directory is fetched by https, or from this machine")
    allowed(host)
    return parts.netloc


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token goes to no host but the one that was named."""

    def redirect_request(self, *_args: Any) -> None:
        return None


def _get(url: str, token: str) -> object:
    headers = {"Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the scheme was checked
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=TIMEOUT) as response:
            content = response.read(MOST_BYTES + 1)
    except urllib.error.HTTPError as error:
        raise UnreadableFile(f"the server answered {error.code}", where=_bare(url)) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None)
        raise UnreadableFile(str(reason or "no answer"), where=_bare(url)) from error
    if len(content) > MOST_BYTES:
        raise UnreadableFile("the answer is too large: page it", where=_bare(url))
    try:
        return msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise UnusableRow("the answer is not JSON", where=_bare(url)) from error


def _bare(url: str) -> str:
    """Return an address without its query, which may hold a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
