"""Time-stamps of anchors after RFC 3161: somebody else says since when an anchor has existed.

Our own signature proves who made an anchor and not when: whoever holds the key could sign a false
chain with an old date. The authority is sent a SHA-256 and nothing else.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from types import ModuleType

from cryptography import x509

from sentinel.domain.anchor import Anchor
from sentinel.errors import ConfigError, SentinelError

MEDIA_TYPE_QUERY = "application/timestamp-query"
MEDIA_TYPE_REPLY = "application/timestamp-reply"
MOST_BYTES = 64 * 1024


class BadTimestamp(SentinelError):
    """A time-stamp that proves nothing of this anchor."""


class Query:
    """A request for one anchor: its DER, and what its answer is held against."""

    def __init__(self, anchor: Anchor) -> None:
        client = library()
        self._anchor = anchor
        self._request = (
            client.TimestampRequestBuilder()
            .data(anchor.signed_bytes())
            .hash_algorithm(client.HashAlgorithm.SHA256)
            .nonce(nonce=True)
            .cert_request(cert_request=True)
            .build()
        )
        self.der: bytes = self._request.as_bytes()

    def accept(self, answer: bytes, roots: Sequence[x509.Certificate]) -> str:
        """Return the answer as an anchor keeps it, base64. Raises BadTimestamp."""
        token = base64.b64encode(answer).decode()
        _verified(token, self._anchor, roots, nonce=self._request.nonce)
        return token


def stamped_at(anchor: Anchor, roots: Sequence[x509.Certificate]) -> datetime:
    """Return the instant (UTC) that the authority attests. Raises BadTimestamp."""
    return _verified(anchor.timestamp, anchor, roots, nonce=None)


def read_roots(pem: bytes) -> list[x509.Certificate]:
    """Return the certificates of a PEM file. Raises ConfigError."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise ConfigError("these are no certificates in PEM") from error


def library() -> ModuleType:
    """Return the library of the extra ``timestamp``. Raises ConfigError where it is missing."""
    try:
        import rfc3161_client
    except ImportError as error:
        raise ConfigError(
            "time-stamps need the extra timestamp", hint="pip install 'sentinel-rgpd[timestamp]'"
        ) from error
    return rfc3161_client


def _verified(
    token: str, anchor: Anchor, roots: Sequence[x509.Certificate], *, nonce: int | None
) -> datetime:
    client = library()
    issuers = [one for one in roots if one.subject == one.issuer]
    try:
        answer = client.decode_timestamp_response(base64.b64decode(token, validate=True))
        verifier = client.VerifierBuilder(
            roots=issuers, intermediates=[one for one in roots if one not in issuers], nonce=nonce
        ).build()
        verifier.verify_message(answer, anchor.signed_bytes())
        told: datetime = answer.tst_info.gen_time
    except (client.VerificationError, ValueError) as error:
        raise BadTimestamp(str(error) or type(error).__name__) from error
    return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
