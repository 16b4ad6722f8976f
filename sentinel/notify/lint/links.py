"""Links that hide where they lead: the services that shorten them, and whatever looks like one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from sentinel.notify.lint.letter_text import LetterText
from sentinel.notify.lint.report import Hit
from sentinel.notify.lint.words import Lexicon

_URL = re.compile(
    r"(?:(?:https?|hxxps?)://|(?<![\w@./-])(?:www\.|(?=[\w-]+(?:\.[\w-]+)+/[\w-])))[^\s<>\"'()«»]+",
    re.I,
)
_SHORT_HOST = 8  # "ab12.co" beside "www.example.org"
_CODE = re.compile(r"(?=[^/]*(?:[a-z][^/]*[A-Z]|[A-Z][^/]*[a-z]|\d))[A-Za-z0-9_-]{4,12}")
_WORDY = re.compile(r"[a-z]+(?:-[a-z]+)*(?:-?\d{1,4})?")


def shortened(letter: LetterText, words: Lexicon) -> Iterator[Hit]:
    """Find shortened links in the text and behind its words."""
    source = letter.source
    for match in _URL.finditer(source.text):
        if _shortens(match[0], words):
            yield Hit("shortened_link", source.at[match.start()], match[0].rstrip(".,;"))
    for target, offset in source.links:
        if _shortens(target, words):
            yield Hit("shortened_link", offset, target)


def _shortens(address: str, words: Lexicon) -> bool:
    address = address.strip().rstrip(".,;:!?)")
    if "//" not in address:
        address = f"//{address}"
    try:
        parts = urlsplit(address.replace("hxxp", "http", 1))
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return False
    if host in words.shorteners:
        return True
    path = parts.path.strip("/")
    short = len(host) <= _SHORT_HOST and not host.endswith((".gov", ".gouv.fr"))
    return bool(short and path and _CODE.fullmatch(path) and not _WORDY.fullmatch(path))
