"""Who sends: from a request's token, or its client certificate, to the declared source."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aiohttp import web

from sentinel.config import SourceSettings
from sentinel.errors import ConfigError

Sources = tuple[SourceSettings, ...]


class Senders:
    """Knows the sources that may send over HTTP."""

    def __init__(self, sources: Iterable[SourceSettings]) -> None:
        """Raise ConfigError where a token does not say which source sends."""
        http = [source for source in sources if source.kind == "http"]
        self._tokens = _tokens(http)
        self._by_certificate = [
            source for source in http if source.client_certificates and not source.token
        ]

    def of(self, request: web.Request) -> Sources:
        """Return the sources that this sender is: none, one, or those that share its token.

        A source that names client certificates and has a token wants both.
        """
        header = request.headers.get("Authorization", "")
        shown = certificate_names(request.transport)
        if not header:
            return tuple(source for source in self._by_certificate if _is_shown(source, shown))
        return tuple(
            source
            for source in self._with_token(header)
            if not source.client_certificates or _is_shown(source, shown)
        )

    def _with_token(self, header: str) -> Sources:
        """Return whose token this is, in a time that does not depend on how much of it fits."""
        found: Sources = ()
        for given in map(_digest, credentials(header)):
            for known, sources in self._tokens.items():
                if hmac.compare_digest(known, given):
                    found = sources
        return found


def credentials(header: str) -> Iterator[str]:
    """Yield what an ``Authorization`` header may mean as a token.

    ``Bearer <token>`` (RFC 6750); ``Basic`` with the token as password, whatever the name (RFC
    7617); ``ApiKey``, as Elasticsearch has it: the token, or base64 of ``id:token``.
    """
    scheme, _, given = header.partition(" ")
    scheme, given = scheme.lower(), given.strip()
    if scheme in ("bearer", "apikey"):
        yield given
    if scheme in ("basic", "apikey"):
        try:
            text = base64.b64decode(given, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return
        _, colon, secret = text.partition(":")
        if colon:
            yield secret


def certificate_names(transport: Any) -> frozenset[str]:
    """Return what a verified client certificate calls itself, in the forms of the setting."""
    ssl_object = transport.get_extra_info("ssl_object") if transport is not None else None
    if ssl_object is None:
        return frozenset()
    der = ssl_object.getpeercert(binary_form=True)
    named: Mapping[str, Any] = ssl_object.getpeercert() or {}
    if not der or not named:
        return frozenset()
    names = {hashlib.sha256(der).hexdigest()}
    for part in named.get("subject", ()):
        names |= {f"CN={value}" for key, value in part if key == "commonName"}
    names |= {f"DNS:{value}" for kind, value in named.get("subjectAltName", ()) if kind == "DNS"}
    return frozenset(names)


def is_accepted(source: SourceSettings, transport: Any) -> bool:
    """Tell whether a connection shows a certificate of ``source``, where it names any."""
    if not source.client_certificates:
        return True
    return _is_shown(source, certificate_names(transport))


def _is_shown(source: SourceSettings, shown: frozenset[str]) -> bool:
    return any(_plain(wanted) in shown for wanted in source.client_certificates)


def _plain(wanted: str) -> str:
    return wanted if wanted.startswith(("CN=", "DNS:")) else wanted.replace(":", "").lower()


def _tokens(sources: Iterable[SourceSettings]) -> dict[bytes, Sources]:
    """Return the digest of each token; a source without one sends by certificate or not at all."""
    tokens: dict[bytes, Sources] = {}
    for source in sources:
        secret = source.token.get_secret_value() if source.token else ""
        if not secret:
            continue
        digest = _digest(secret)
        others = tokens.get(digest, ())
        if others and not all(one.indices for one in (*others, source)):
            raise ConfigError(
                f"sources {others[0].name} and {source.name} have the same token",
                hint="the token says which source sends; or give each of them its indices",
            )
        tokens[digest] = (*others, source)
    return tokens


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
