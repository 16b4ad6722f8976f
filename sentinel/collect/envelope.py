"""Documents that hold many records: taken apart, so that each is a line of its own.

CloudTrail writes ``{"Records": [...]}`` to a file, Azure ``{"records": [...]}``, Kubernetes an
``EventList`` and Google Workspace ``{"items": [...]}``; downloads from a console are one JSON
array, often indented over many lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain

import msgspec

from sentinel.collect.batch import Item
from sentinel.collect.files import Line
from sentinel.ids import digest_id

LARGEST_DOCUMENT = 64 * 1024 * 1024  # characters of an indented document
_MEMBERS = ("Records", "records", "items")
_BESIDE = frozenset({"kind", "apiVersion", "metadata", "etag", "nextPageToken"})
# Nothing else before `Records`; before `items`, a kind that says that it is a list.
_START = re.compile(
    r'\s*\{\s*(?:"[Rr]ecords"|"kind"\s*:\s*"(?:EventList|admin#reports#activities)"\s*,'
    r'(?:\s*"\w{1,32}"\s*:\s*(?:"[^"]{0,256}"|\{[^{}]{0,256}\})\s*,){0,6}\s*"items")\s*:\s*\['
)
_INDENTED = re.compile(r'\s*(?:[\[{]\s*|\[\s*\{.*|\{\s*"[^"]{1,64}"\s*:\s*[\[{]\s*)', re.DOTALL)
_DOCUMENT = msgspec.json.Decoder()
_RAW = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])


def records(line: str) -> list[str] | None:
    """Return the records that the line holds, each as JSON; None where it is a record itself."""
    if not line.startswith(("{", "[", " ", "\t")):
        return None
    try:
        if line.lstrip()[:1] == "[":
            items = _LIST.decode(line)
        elif _START.match(line):
            document = _RAW.decode(line)
            name = next(name for name in _MEMBERS if name in document)
            if not document.keys() <= {name, *_BESIDE}:
                return None  # a record that has a list of that name, not a list of records
            items = _LIST.decode(document[name])
        else:
            return None
    except (msgspec.DecodeError, RecursionError, StopIteration):
        return None
    texts = [bytes(item).decode() for item in items]
    return texts if all(text.startswith("{") for text in texts) else None


def numbered(lines: Iterable[bytes | Item], batch_id: str) -> Iterator[tuple[int, Item]]:
    """Yield a batch's lines numbered from 1, each record of a document under its line's number.

    A record without an id of its own is known by the batch, the line and its place in it.
    """
    for number, line in enumerate(lines, start=1):
        item = line if isinstance(line, Item) else Item(line)
        found = _records_in(item.raw)
        if found is None:
            yield number, item
            continue
        whole = item.own_id or digest_id("document", batch_id, str(number))
        for index, text in enumerate(found, start=1):
            own_id, ref = f"{whole}/{index}", item.ref and f"{item.ref}/{index}"
            yield number, msgspec.structs.replace(item, raw=text.encode(), own_id=own_id, ref=ref)


def _records_in(raw: bytes) -> list[str] | None:
    if not raw.startswith((b"{", b"[", b" ")):
        return None
    try:
        return records(raw.decode())
    except UnicodeDecodeError:
        return None


def unwrapped(lines: Iterable[Line]) -> Iterator[Line]:
    """Yield one file's lines; the records of a line or of an indented document as lines.

    They keep the number of the line where the document stands. What cannot be taken apart comes
    as it is, so that each of its lines is named unparsed.
    """
    rest = iter(lines)
    first = next(rest, None)
    if first is None:
        return
    if first.cut or not _INDENTED.fullmatch(first.text) or _whole(first.text):
        for line in chain([first], rest):
            yield from _apart(line)
        return
    held, size = [first], len(first.text)
    for line in rest:
        held.append(line)
        size += len(line.text)
        if size > LARGEST_DOCUMENT:
            break
    else:
        found = records_of("\n".join(line.text for line in held))
        if found is not None:
            for text in found:
                yield msgspec.structs.replace(held[-1], number=first.number, text=text)
            return
    yield from chain(held, rest)


def records_of(document: str) -> list[str] | None:
    """Return the records of an indented document; one object that wraps none is one record."""
    found = records(document)
    if found is None and _whole(document) and document.lstrip()[:1] == "{":
        found = [document]
    if found is None:
        return None
    return [" ".join(text.split("\n")) for text in found]


def _apart(line: Line) -> Iterator[Line]:
    found = None if line.cut else records(line.text)
    if found is None:
        yield line
        return
    for text in found:
        yield msgspec.structs.replace(line, text=text)


def _whole(text: str) -> bool:
    try:
        _DOCUMENT.decode(text)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return False
    return True
