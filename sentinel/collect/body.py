"""The body of a request as lines: decompressed within bounds, JSON arrays opened."""

from __future__ import annotations

import zlib

import msgspec
import zstandard

from sentinel.errors import SentinelError

_USUAL_WINDOW = 8 * 1024 * 1024  # RFC 8878, section 3.1.1.1.2: what every decoder should take
_BITE = 256  # compressed bytes a step: at 4 bytes a block of 128 KiB, at most 8 MiB come out
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT = msgspec.json.Decoder(msgspec.Raw)

ENCODINGS = ("", "identity", "gzip", "x-gzip", "zstd")


class BodyTooLarge(SentinelError):
    """The body is larger than this collector takes."""


class BadBody(SentinelError):
    """The body is not what its headers say."""


def decompressed(body: bytes, encoding: str, *, limit: int) -> bytes:
    """Undo ``Content-Encoding`` (RFC 9110, section 8.4.1; zstd: RFC 8878).

    Stops soon after ``limit`` bytes: a bomb costs little more memory than that. Raises
    BodyTooLarge, BadBody.
    """
    if encoding in ("gzip", "x-gzip"):
        return _gunzip(body, limit)
    if encoding == "zstd":
        return _unzstd(body, limit)
    if len(body) > limit:
        raise _too_large(limit)
    return body


def lines_of(body: bytes, content_type: str) -> list[bytes]:
    """Split a body into lines without their ends.

    A JSON array gives a line an element, a single JSON object (over however many lines) one.
    Whatever is not JSON as a whole is taken line by line, so that one bad line spoils no other.
    """
    if content_type == "application/json":
        stripped = body.lstrip(b" \t\r\n\xef\xbb\xbf")
        try:
            if stripped.startswith(b"["):
                return [bytes(item) for item in _ARRAY.decode(stripped)]
            if stripped.startswith(b"{"):
                return [bytes(_OBJECT.decode(stripped))]
        except (msgspec.DecodeError, RecursionError):
            pass
    lines = body.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    return lines


def _gunzip(body: bytes, limit: int) -> bytes:
    """Decompress every member of a gzip stream (RFC 1952, section 2.2)."""
    out = bytearray()
    rest = body
    while rest:
        unzip = zlib.decompressobj(_GZIP_WINDOW)
        try:
            out += unzip.decompress(rest, limit - len(out) + 1)
        except zlib.error as error:
            raise BadBody("damaged gzip data") from error
        if len(out) > limit:
            raise _too_large(limit)
        if not unzip.eof:
            raise BadBody("the gzip stream ends too early")
        rest = unzip.unused_data
    return bytes(out)


def _unzstd(body: bytes, limit: int) -> bytes:
    """Decompress every frame of a zstd stream (RFC 8878, section 3.1)."""
    out = bytearray()
    rest = body
    try:
        while rest:
            frame = zstandard.get_frame_parameters(rest)
            window = max(limit, _USUAL_WINDOW)
            if frame.window_size > window:
                raise _too_large(limit)
            unzip = zstandard.ZstdDecompressor(max_window_size=window).decompressobj()
            fed = 0
            while not unzip.eof:
                if fed >= len(rest):
                    raise BadBody("the zstd stream ends too early")
                out += unzip.decompress(rest[fed : fed + _BITE])
                fed += _BITE
                if len(out) > limit:
                    raise _too_large(limit)
            rest = unzip.unused_data + rest[fed:]
    except zstandard.ZstdError as error:
        raise BadBody("damaged zstd data") from error
    return bytes(out)


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"more than {limit} bytes after decompression")
