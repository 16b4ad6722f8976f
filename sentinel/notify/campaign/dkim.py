"""Sign mail for its domain: DKIM (RFC 6376), with RSA or Ed25519 (RFC 8463), relaxed/relaxed.

Only what a signer needs. Headers that must not be added later (``From``, ``Subject``, ``Date``) are
signed once more than they occur, so that an added one breaks the signature (RFC 6376, 8.15).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sentinel.errors import ConfigError

LEAST_RSA_BITS = 2048
SIGNED = (
    "From",
    "Reply-To",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Content-Language",
    "Auto-Submitted",
)
OVERSIGNED = ("From", "Subject", "Date", "To")
_FOLD = 72
_SPACE = re.compile(rb"[ \t]+")


class DkimSigner:
    """Signs whole messages. ``key``: PEM. Raises ConfigError where it cannot serve."""

    def __init__(self, domain: str, selector: str, key: str) -> None:
        self._domain = domain.encode("idna").decode()
        self._selector = selector
        try:
            private = load_pem_private_key(key.encode(), password=None)
        except (ValueError, TypeError) as error:
            raise ConfigError("the DKIM key is no private key in PEM", where="mail.dkim") from error
        if isinstance(private, rsa.RSAPrivateKey):
            if private.key_size < LEAST_RSA_BITS:
                raise ConfigError(
                    f"the DKIM key has {private.key_size} bits, RSA needs {LEAST_RSA_BITS}",
                    where="mail.dkim",
                    hint="RFC 8301",
                )
        elif not isinstance(private, ed25519.Ed25519PrivateKey):
            raise ConfigError("the DKIM key is neither RSA nor Ed25519", where="mail.dkim")
        self._key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey = private

    def sign(self, message: bytes, at: datetime) -> bytes:
        """Return ``message`` (CRLF line ends) with a DKIM-Signature before its headers."""
        head, body = split_message(message)
        headers = read_headers(head)
        present = {name.lower() for name, _ in headers}
        names = [name for name in SIGNED if name.lower() in present]
        header = self.header(headers, body, [*names, *OVERSIGNED], int(at.timestamp()))
        return header.encode() + b"\r\n" + message

    def header(
        self, headers: Sequence[tuple[str, bytes]], body: bytes, names: Sequence[str], at: int
    ) -> str:
        """Return the DKIM-Signature header, folded, without its line end. ``at``: Unix seconds."""
        digest = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest()).decode()
        tags = [
            "v=1",
            f"a={self._algorithm}-sha256",
            "c=relaxed/relaxed",
            f"d={self._domain}",
            f"s={self._selector}",
            f"t={at}",
            f"h={':'.join(names)}",
            f"bh={digest}",
            "b=",
        ]
        unsigned = f"DKIM-Signature: {_folded(tags)}"
        signed = chosen(headers, names) + relaxed_header(
            "DKIM-Signature", unsigned.partition(":")[2].encode()
        )
        signature = base64.b64encode(self.signature(signed)).decode()
        pieces = [signature[start : start + _FOLD] for start in range(0, len(signature), _FOLD)]
        return unsigned + "\r\n ".join(["", *pieces])

    @property
    def _algorithm(self) -> str:
        return "rsa" if isinstance(self._key, rsa.RSAPrivateKey) else "ed25519"

    def signature(self, signed: bytes) -> bytes:
        """Return the signature over what the canonical headers are; Ed25519 signs their digest."""
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(signed, padding.PKCS1v15(), SHA256())
        return self._key.sign(hashlib.sha256(signed).digest())


def split_message(message: bytes) -> tuple[bytes, bytes]:
    """Return headers and body, without the empty line between them."""
    head, _, body = message.partition(b"\r\n\r\n")
    return head, body


def read_headers(head: bytes) -> list[tuple[str, bytes]]:
    """Return name and raw value of each header, in order; folded lines stay folded."""
    unfolded = re.split(rb"\r\n(?![ \t])", head)
    pairs = (line.partition(b":") for line in unfolded if line)
    return [(name.decode("ascii", "replace").strip(), value) for name, _, value in pairs]


def chosen(headers: Sequence[tuple[str, bytes]], names: Sequence[str]) -> bytes:
    """Return the canonical headers called ``names``, each name taking one from the bottom up.

    A name without a header left is a null string (RFC 6376, 5.4.2): it forbids adding one.
    """
    left: dict[str, list[bytes]] = {}
    for name, value in headers:
        left.setdefault(name.lower(), []).append(value)
    lines = [
        relaxed_header(name, left[name.lower()].pop()) + b"\r\n"
        for name in names
        if left.get(name.lower())
    ]
    return b"".join(lines)


def relaxed_header(name: str, value: bytes) -> bytes:
    """Return a header in relaxed form, without a line end (RFC 6376, 3.4.2)."""
    unfolded = value.replace(b"\r\n", b"")
    return name.lower().encode() + b":" + _SPACE.sub(b" ", unfolded).strip()


def relaxed_body(body: bytes) -> bytes:
    """Return a body in relaxed form (RFC 6376, 3.4.4)."""
    lines = [_SPACE.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def _folded(tags: Sequence[str]) -> str:
    """Join tags into lines that stay short: after a colon of ``h=`` too (RFC 5322, 2.1.1)."""
    lines, line = [], ""
    for tag in tags:
        for piece in re.findall(r"[^:]*:|[^:]+$", f"{tag};" if tag != "b=" else tag):
            if line and len(line) + len(piece) > _FOLD:
                lines.append(line.rstrip())
                line = ""
            line += piece
        line += " "
    return "\r\n ".join([*lines, line.rstrip()])
