"""Log files as lines: plain or gzip, one file, a folder or standard input.

What can be read is delivered; only then is told what cannot.
"""

from __future__ import annotations

import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, cast

import msgspec

from sentinel.errors import UnreadableFile

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

STDIN = "-"
LONGEST_LINE = 1024 * 1024  # bytes
_GZIP_MAGIC = b"\x1f\x8b"
_AT_ONCE = 256 * 1024  # bytes


class Line(msgspec.Struct, frozen=True):
    r"""One line without its end.

    ``number`` from 1. ``byte_offset``: how far the file on disk was read (of a gzip file, its
    compressed bytes), for a progress bar. ``bad_utf8``: some bytes stand as ``\xHH``.
    ``cut``: the line was longer than `LONGEST_LINE`; this is its start.
    """

    path: str
    number: int
    text: str
    byte_offset: int
    bad_utf8: bool = False
    cut: bool = False


def find_files(paths: Sequence[Path]) -> list[Path]:
    """Return the files, folders walked in order of name. Raises UnreadableFile for a bad path."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found.extend(_walk(path))
        elif str(path) == STDIN or path.exists():
            found.append(path)
        else:
            raise UnreadableFile("no such file", where=str(path))
    return found


def total_size(files: Sequence[Path]) -> int:
    """Return the size of ``files`` on disk in bytes; what has no size counts as 0."""
    return sum(path.stat().st_size for path in files if path.is_file())


def read_lines(paths: Sequence[Path], stdin: BinaryIO | None = None) -> Iterator[Line]:
    """Yield the lines of ``paths`` (``-``: standard input), folders walked in order.

    Every file is read as far as it goes; after the last one, UnreadableFile is raised for the
    first that could not be read, or was cut short.
    """
    problems: list[UnreadableFile] = []
    for path in find_files(paths):
        try:
            yield from read_file(path, stdin)
        except UnreadableFile as problem:
            problems.append(problem)
    if problems:
        raise worst_of(problems)


def read_file(path: Path, stdin: BinaryIO | None = None) -> Iterator[Line]:
    """Yield the lines of one file. Raises UnreadableFile, after what could be read."""
    name = name_of(path)
    for number, (line, cut, raw) in enumerate(_raw(path, stdin), start=1):
        yield _line(name, number, line, offset=_position(raw), cut=cut)


def read_raw(path: Path, stdin: BinaryIO | None = None) -> Iterator[tuple[bytes, bool]]:
    """Yield the lines of one file as they stand, without their ends, and whether each was cut.

    Raises UnreadableFile, after what could be read.
    """
    for line, cut, _raw_file in _raw(path, stdin):
        yield line, cut


def name_of(path: Path) -> str:
    """Return what a file is called in a reference."""
    return "<stdin>" if str(path) == STDIN else _printable(path)


def worst_of(problems: Sequence[UnreadableFile]) -> UnreadableFile:
    """Return the first problem, saying how many there are."""
    first, more = problems[0], len(problems) - 1
    if not more:
        return first
    hint = f"{first.hint}; " if first.hint else ""
    return UnreadableFile(
        first.detail, where=first.where, hint=f"{hint}and {more} more cannot be read"
    )


class _Plain(io.RawIOBase):
    """Lends a stream without closing it, so that standard input stays open."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer)
        data = self._raw.read(len(view))
        view[: len(data)] = data
        return len(data)


class _Standard:
    """Standard input as something to open and leave open."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def __enter__(self) -> BinaryIO:
        return self._stream

    def __exit__(self, *_: object) -> None:
        return None


def _raw(path: Path, stdin: BinaryIO | None) -> Iterator[tuple[bytes, bool, BinaryIO]]:
    number = 0
    try:
        with _opened(path, stdin) as raw:
            stream = io.BufferedReader(_Plain(raw), _AT_ONCE)
            if stream.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC):
                unzipped = gzip.GzipFile(fileobj=stream)
                source: IO[bytes] = cast("IO[bytes]", io.BufferedReader(unzipped))
            else:
                source = cast("IO[bytes]", stream)
            for line, cut in _split(source):
                number += 1
                yield line, cut, raw
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(name_of(path), number, error) from error


def _opened(path: Path, stdin: BinaryIO | None) -> BinaryIO | _Standard:
    if str(path) == STDIN:
        return _Standard(stdin or sys.stdin.buffer)
    return path.open("rb", buffering=0)


def _walk(folder: Path) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        raise UnreadableFile(error.strerror or "", where=str(error.filename)) from error

    for root, folders, names in os.walk(folder, onerror=fail):
        folders.sort()
        for name in sorted(names):
            path = Path(root) / name
            if path.is_file():
                yield path


def _split(source: IO[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield lines of at most `LONGEST_LINE` bytes, and whether the line was longer."""
    while line := source.readline(LONGEST_LINE + 1):
        cut = len(line) > LONGEST_LINE and not line.endswith(b"\n")
        if cut:
            rest = line
            while rest and not rest.endswith(b"\n"):
                rest = source.readline(LONGEST_LINE)
        yield line.rstrip(b"\n"), cut


def _line(name: str, number: int, raw: bytes, *, offset: int, cut: bool) -> Line:
    bad = False
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text, bad = raw.decode("utf-8", "backslashreplace"), True
    if number == 1:
        text = text.removeprefix("\ufeff")
    return Line(name, number, text.removesuffix("\r"), offset, bad, cut)


def _position(raw: BinaryIO) -> int:
    try:
        return raw.tell()
    except (OSError, ValueError):
        return 0  # a pipe has no position


def _printable(path: Path) -> str:
    """Return the path as text that can be written: a file's name need not be UTF-8."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _unreadable(name: str, read: int, error: Exception) -> UnreadableFile:
    if isinstance(error, EOFError):
        detail = "the gzip stream ends too early"
    elif isinstance(error, gzip.BadGzipFile | zlib.error):
        detail = "damaged gzip data"
    else:
        detail = str(getattr(error, "strerror", None) or error)
    hint = f"{read} lines before it were read" if read else ""
    return UnreadableFile(detail, where=name, hint=hint)
