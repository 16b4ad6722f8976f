"""The body of a request as lines: decompressed within bounds, JSON arrays opened."""

from __future__ import annotations

import zlib

import msgspec
import zstandard

from sentinel.errors import SentinelError

_USUAL_WINDOW = 8 * 1024 * 1024  # RFC 8878, section 3.1.1.1.2: what every decoder should take
_BITE = 256  # compressed bytes a step: at 4 bytes a block of 128 KiB, at most 8 MiB come out
_ZSTD_HEAD = 18  # RFC 8878, section 3.1.1.1: magic number and the longest frame header
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_GZIP_BITE = 64 * 1024  # what follows a member is copied once a bite, not once a member
_MOST_FRAMES = 4096  # bgzip and pigz make one of 64 KiB or more; a body of empty ones is a bomb
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


def lines_of(body: bytes, content_type: str, *, most: int) -> list[bytes]:
    """Split a body into lines without their ends.

    A JSON array gives a line an element, a single JSON object (over however many lines) one.
    Whatever is not JSON as a whole is taken line by line, so that one bad line spoils no other.
    Raises BodyTooLarge above ``most`` lines or elements.
    """
    if content_type == "application/json":
        stripped = body.lstrip(b" \t\r\n\xef\xbb\xbf")
        try:
            if stripped.startswith(b"["):
                elements = _ARRAY.decode(stripped)
                _check_lines(len(elements), most)
                return [bytes(item) for item in elements]
            if stripped.startswith(b"{"):
                return [bytes(_OBJECT.decode(stripped))]
        except (msgspec.DecodeError, RecursionError):
            pass
    _check_lines(body.count(b"\n"), most)
    lines = body.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    return lines


def _gunzip(body: bytes, limit: int) -> bytes:
    """Decompress every member of a gzip stream (RFC 1952, section 2.2)."""
    out = bytearray()
    members, position = 0, 0
    while position < len(body):
        members += 1
        _check_frames(members)
        unzip = zlib.decompressobj(_GZIP_WINDOW)
        while not unzip.eof:
            bite = unzip.unconsumed_tail or body[position : position + _GZIP_BITE]
            if not bite:
                raise BadBody("the gzip stream ends too early")
            position += 0 if unzip.unconsumed_tail else len(bite)
            try:
                out += unzip.decompress(bite, limit - len(out) + 1)
            except zlib.error as error:
                raise BadBody("damaged gzip data") from error
            if len(out) > limit:
                raise _too_large(limit)
        position -= len(unzip.unused_data)
    return bytes(out)


def _unzstd(body: bytes, limit: int) -> bytes:
    """Decompress every frame of a zstd stream (RFC 8878, section 3.1)."""
    out = bytearray()
    frames, position = 0, 0
    window = max(limit, _USUAL_WINDOW)
    try:
        while position < len(body):
            frames += 1
            _check_frames(frames)
            head = body[position : position + _ZSTD_HEAD]
            if zstandard.get_frame_parameters(head).window_size > window:
                raise _too_large(limit)
            unzip = zstandard.ZstdDecompressor(max_window_size=window).decompressobj()
            while not unzip.eof:
                bite = body[position : position + _BITE]
                if not bite:
                    raise BadBody("the zstd stream ends too early")
                out += unzip.decompress(bite)
                position += len(bite)
                if len(out) > limit:
                    raise _too_large(limit)
            position -= len(unzip.unused_data)
    except zstandard.ZstdError as error:
        raise BadBody("damaged zstd data") from error
    return bytes(out)


def _check_lines(count: int, most: int) -> None:
    if count > most:
        raise BodyTooLarge(f"{count} lines where {most} are taken at once; send smaller batches")


def _check_frames(count: int) -> None:
    if count > _MOST_FRAMES:
        raise BadBody(f"more than {_MOST_FRAMES} compressed parts in one body")


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"more than {limit} bytes after decompression")
