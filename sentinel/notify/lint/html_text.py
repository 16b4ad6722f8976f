"""The text that a reader sees of an HTML page, each character with its place in the source."""

from __future__ import annotations

import html
from html.parser import HTMLParser

from sentinel.notify.lint.cells import Cells

_BLOCKS = frozenset(
    {
        "address",
        "article",
        "aside",
        "caption",
        "blockquote",
        "body",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    }
)
_BREAKS = frozenset({"br", "option"})
_UNSEEN = frozenset({"script", "style", "head", "template", "noscript"})


class HtmlText(HTMLParser):
    """Feed it a page once, then read ``text``, ``at``, ``title`` and ``links``.

    ``at``: one offset in the page per character of ``text``. ``cells``: its tables. ``links``: what
    an element points to, with its offset.
    """

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=False)
        self._starts = [0]
        for index, character in enumerate(page):
            if character == "\n":
                self._starts.append(index + 1)
        self.cells = Cells()
        self._unseen: list[str] = []
        self._in_title = False
        self._out: list[str] = []
        self.at: list[int] = []
        self.title = ""
        self.title_at = 0
        self.links: list[tuple[str, int]] = []
        self.feed(page)
        self.close()

    @property
    def text(self) -> str:
        """What is seen; blocks stand apart by an empty line, cells and breaks by a line end."""
        return "".join(self._out)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where an element begins."""
        self.links += [
            (value, self._offset())
            for name, value in attrs
            if value and name in {"href", "src", "action", "background"}
        ]
        self.cells.begin(tag, self._offset())
        if tag == "title":
            self._in_title = True
            self.title_at = self._offset()
        elif tag in _UNSEEN:
            self._unseen.append(tag)
        elif tag == "li":
            self._put("\n- ")
        elif tag in _BLOCKS:
            self._put("\n\n")
        elif tag in _BREAKS:
            self._put("\n")

    def handle_endtag(self, tag: str) -> None:
        """Note where an element ends."""
        self.cells.end(tag)
        if tag == "title":
            self._in_title = False
        elif tag in self._unseen:
            del self._unseen[self._unseen.index(tag) :]
        elif tag in _BLOCKS or tag == "li":
            self._put("\n\n" if tag in _BLOCKS else "\n")

    def handle_data(self, data: str) -> None:
        """Take text; a line end in the source is a space on the page."""
        at = self._offset()
        for index, character in enumerate(data):
            self._seen(" " if character in "\n\t\r" else character, at + index)

    def handle_entityref(self, name: str) -> None:
        """Take ``&eacute;``."""
        self._seen(html.unescape(f"&{name};"), self._offset())

    def handle_charref(self, name: str) -> None:
        """Take ``&#233;``."""
        self._seen(html.unescape(f"&#{name};"), self._offset())

    def _seen(self, text: str, at: int) -> None:
        if self._in_title:
            self.title += text
        elif not self._unseen:
            self.cells.text(text)
            self._put(text, at)

    def _put(self, text: str, at: int | None = None) -> None:
        self._out.append(text)
        self.at += [self._offset() if at is None else at] * len(text)

    def _offset(self) -> int:
        line, column = self.getpos()
        return self._starts[line - 1] + column
