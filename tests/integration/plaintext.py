"""Looks for words in files as a thief of the disk would: inside whatever can be unpacked."""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import json
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import zstandard
from ahocorasick_rs import BytesAhoCorasick

_MAGIC = re.compile(rb"\x1f\x8b\x08|\x28\xb5\x2f\xfd|stream\r?\n|x[\x01\x5e\x9c\xda]")
_DIGITS = re.compile(rb"[0-9A-Fa-f]{1,8}")  # as C00123: inside a hash it is chance
_DEPTH = 3
_MOST = 1 << 28


def spellings(word: str) -> set[bytes]:
    """Return the ways in which a word may stand in a file."""
    found = {word, json.dumps(word)[1:-1], word.replace("@", "%40"), word.lower(), word.upper()}
    written = {one.encode() for one in found}
    written |= {word.encode("utf-16-le"), word.encode("utf-16-be")}
    written |= {word.encode().hex().encode(), word.encode("latin-1", "replace")}
    for shift in range(3):  # wherever it stands in what was encoded: its inner digits are the same
        digits = base64.b64encode(b"\0" * shift + word.encode())
        inner = digits[(0, 2, 3)[shift] :].rstrip(b"=")[:-1]
        if len(inner) >= 8:
            written.add(inner)
    return written


class Searcher:
    """Finds any of some words."""

    def __init__(self, words: Iterable[str]) -> None:
        self._by_spelling = {one: word for word in words for one in spellings(word)}
        self._spelled = list(self._by_spelling)
        self._machine = BytesAhoCorasick(self._spelled)

    def in_folder(self, folder: Path) -> dict[str, set[str]]:
        """Return what stands in which file, by its path in ``folder``; a name is looked at too."""
        found: dict[str, set[str]] = {}
        for path in sorted(folder.rglob("*")):
            name = str(path.relative_to(folder))
            words = self.in_bytes(name.encode())
            if path.is_file():
                for layer in layers(path):
                    words |= self.in_bytes(layer)
            if words:
                found[name] = words
        return found

    def in_bytes(self, content: bytes) -> set[str]:
        """Return the words that stand in ``content``."""
        return {
            self._by_spelling[self._spelled[one]]
            for one, start, end in self._machine.find_matches_as_indexes(content)
            if not _DIGITS.fullmatch(self._spelled[one])
            or not (content[start - 1 : start].isalnum() or content[end : end + 1].isalnum())
        }


def layers(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes, and what they hold: compressed, in an archive, in a database."""
    content = path.read_bytes()
    yield from _unpacked(content, _DEPTH)
    if content.startswith(b"SQLite format 3\0"):
        for value in _values(path):
            yield from _unpacked(value, _DEPTH - 1)


def _unpacked(content: bytes, depth: int) -> Iterator[bytes]:
    yield content
    if not depth:
        return
    for inner in _inside(content):
        if inner:
            yield from _unpacked(inner, depth - 1)


def _inside(content: bytes) -> Iterator[bytes]:
    broken = contextlib.suppress(zipfile.BadZipFile, ValueError, OSError, EOFError)
    with broken, zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            yield archive.read(name)
    for found in _MAGIC.finditer(content):
        magic, start = found[0], found.start()
        if magic.startswith(b"\x1f"):
            with contextlib.suppress(OSError, EOFError, zlib.error):
                yield gzip.GzipFile(fileobj=io.BytesIO(content[start:])).read(_MOST)
        elif magic.startswith(b"\x28"):
            with contextlib.suppress(zstandard.ZstdError):
                reader = zstandard.ZstdDecompressor().stream_reader(content[start:])
                yield reader.read(_MOST)
        else:
            at = found.end() if magic.startswith(b"s") else start
            with contextlib.suppress(zlib.error):
                yield zlib.decompressobj().decompress(content[at:], _MOST)


def _values(path: Path) -> Iterator[bytes]:
    """Yield every value of every table, for one that is spread over pages."""
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        database.text_factory = bytes
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for row in database.execute(f'SELECT * FROM "{table.decode()}"'):
                for value in row:
                    if isinstance(value, bytes):
                        yield value
    finally:
        database.close()
