"""What was handed in, text, HTML or e-mail, as one text with the places of the original."""

from __future__ import annotations

import email.message
import email.parser
import email.policy
import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from sentinel.errors import InvalidValue
from sentinel.notify.lint.fold import plain
from sentinel.notify.lint.html_text import HtmlText

MAX_BYTES = 1_000_000  # a letter has a few thousand characters
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_HTML = re.compile(
    r"\s*(?:<!--.*?-->\s*)*<(?:!doctype html|html|head|body|div|p|table)\b", re.I | re.S
)
_HEADERS = re.compile(r"(?:[A-Za-z][A-Za-z0-9-]{0,40}:[^\n]*\n(?:[ \t][^\n]*\n)*){2,}\r?\n")
_SUBJECT = re.compile(r"^[\s*_#>-]*(?:objet|object|subject|sujet|re)\s*:", re.I)
_SALUTATION = re.compile(
    r"^\W*(?:dear|hello|hi|good (?:morning|afternoon|evening)|to (?:whom|our|all)|cher|chere|chers"
    r"|cheres|madame|monsieur|mesdames|messieurs|mademoiselle|bonjour|bonsoir|mme|mr|mrs|ms|m\.)\b"
)
_SUBJECT_WITHIN = 12  # lines
_LONGEST_SUBJECT = 160


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """``text``: what a reader sees, ``at`` its offsets in ``raw`` (one more at the end).

    ``subject``: the words after "Objet :" or of the header, "" where there is none; it begins at
    ``subject_at`` of ``raw``. ``body_from``: where in ``text`` the letter begins, after its
    subject. ``links``: targets of links with their offsets in ``raw``. ``hollow``:
    labels of a page beside an empty cell, likewise. ``page``: it was HTML, where every line end in
    ``text`` is meant.
    """

    raw: str
    text: str
    at: Sequence[int]
    subject: str
    subject_at: int
    body_from: int
    links: tuple[tuple[str, int], ...] = ()
    hollow: tuple[tuple[str, int], ...] = ()
    page: bool = False

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column, from 1, of an offset in ``raw``."""
        starts = _line_starts(self.raw)
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1


def read_source(content: bytes, name: str = "") -> Source:
    """Return what a letter says. Raises InvalidValue: empty, too long, binary, not text."""
    if len(content) > MAX_BYTES:
        raise InvalidValue(
            f"{len(content):,} bytes are too long for a letter",
            where=name,
            hint=f"at most {MAX_BYTES:,}",
        )
    raw = _decoded(content, name)
    if _HEADERS.match(raw.replace("\r\n", "\n")):
        return _from_mail(content, raw, name)
    return _from_page(raw, name) if _HTML.match(raw) else _from_text(raw, name)


def _decoded(content: bytes, name: str) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            raw = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if _CONTROL.search(raw):
            break
        return raw
    raise InvalidValue(
        "this is no text", where=name, hint="hand in plain text, HTML or an e-mail (.eml)"
    )


def _from_mail(content: bytes, raw: str, name: str) -> Source:
    parser = email.parser.BytesParser(email.message.EmailMessage, policy=email.policy.default)
    message = parser.parsebytes(content)
    try:
        part = message.get_body(("plain", "html"))
        body = part.get_content() if part is not None else ""
        subject = str(message.get("Subject", "")).strip()
    except (LookupError, ValueError, KeyError) as error:
        raise InvalidValue(f"the e-mail cannot be read: {error}", where=name) from error
    if part is None or not isinstance(body, str) or not body.strip():
        raise InvalidValue("the e-mail holds no text", where=name)
    inner = _from_page(body, name) if part.get_content_subtype() == "html" else None
    header = re.search(r"^Subject:[ \t]*", raw, re.I | re.M)
    shown = body.replace("\r\n", "\n").strip("\n")
    flat = raw.replace("\r\n", "\n")
    begins = flat.find(shown[:200]) if "\r\n" not in raw else -1
    if begins >= 0:  # the body stands in the file as it is read: places are the file's
        lead = len(body) - len(body.lstrip("\n"))
        inner = inner or _from_text(body, name)
        return msgspec.structs.replace(
            inner,
            raw=raw,
            at=[min(begins - lead + offset, len(raw)) for offset in inner.at],
            subject=subject or inner.subject,
            subject_at=header.end() if header else 0,
            links=tuple((target, begins - lead + offset) for target, offset in inner.links),
            hollow=tuple((label, begins - lead + offset) for label, offset in inner.hollow),
        )
    inner = inner or _from_text(body, name)
    return msgspec.structs.replace(
        inner, subject=subject or inner.subject, subject_at=0 if subject else inner.subject_at
    )


def _from_page(raw: str, name: str) -> Source:
    page = HtmlText(raw)
    text = page.text
    if not text.strip():
        raise InvalidValue("the page holds no text", where=name)
    found = _subject(text)
    if found is None and page.title.strip():
        subject, at, body = page.title.strip(), page.title_at, 0
    elif found is None:
        subject, at, body = "", 0, 0
    else:
        begin, end = found
        subject, at, body = text[begin:end].strip(), page.at[begin], end
    return Source(
        raw=raw,
        text=text,
        at=[*page.at, len(raw)],
        subject=" ".join(subject.split()),
        subject_at=at,
        body_from=body,
        links=tuple(page.links),
        hollow=tuple(page.cells.hollow()),
        page=True,
    )


def _from_text(raw: str, name: str) -> Source:
    if not raw.strip():
        raise InvalidValue("the letter is empty", where=name)
    found = _subject(raw) or _first_line(raw)
    begin, end = found or (0, 0)
    return Source(
        raw=raw,
        text=raw,
        at=range(len(raw) + 1),
        subject=" ".join(raw[begin:end].split()),
        subject_at=begin,
        body_from=end,
    )


def _subject(text: str) -> tuple[int, int] | None:
    """Return where the words after "Objet :" begin and end; they may go on in the next line."""
    begin = seen = 0
    for line in text.splitlines(keepends=True):
        seen += bool(line.strip())
        found = _SUBJECT.match(line)
        if found:
            end = begin + len(line.rstrip())
            more = re.match(r"\n([^\n\S]*\S[^\n]*)\n[^\S\n]*\n", text[end : end + 200])
            if more and not _SALUTATION.match(plain(more[1]).lstrip()):
                end += more.end(1)
            start = begin + found.end()
            return start + len(text[start:end]) - len(text[start:end].lstrip()), end
        if seen > _SUBJECT_WITHIN:
            break
        begin += len(line)
    return None


def _first_line(text: str) -> tuple[int, int] | None:
    """Take a title that stands alone before the salutation for the subject."""
    found = re.match(r"\s*(\S[^\n]*)\n[^\S\n]*\n", text)
    if found is None or len(found[1]) > _LONGEST_SUBJECT:
        return None
    folded = plain(found[1])
    if _SALUTATION.match(folded) or folded.rstrip().endswith((",", ".", ":")):
        return None
    return found.span(1)


@lru_cache(maxsize=2)
def _line_starts(raw: str) -> tuple[int, ...]:
    return (0, *(match.end() for match in re.finditer("\n", raw)))
