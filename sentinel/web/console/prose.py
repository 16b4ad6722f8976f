"""The little Markdown of runbooks: paragraphs, lists, emphasis, code. All else stays text."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_ITEM = re.compile(r"(?:[-*]|\d+\.) +")
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_STRESS = re.compile(r"(?<!\*)\*([^*\s](?:[^*]*[^*\s])?)\*(?!\*)")
_CODE = re.compile(r"`([^`]+)`")


def prose(markdown: str) -> Markup:
    """Return HTML for ``markdown``; what it holds of HTML is shown as text."""
    blocks = re.split(r"\n\s*\n", markdown.strip())
    return Markup("\n").join(_block(block) for block in blocks if block.strip())


def _block(block: str) -> Markup:
    lines = [line.strip() for line in block.splitlines()]
    if not _ITEM.match(lines[0]):
        return Markup("<p>{}</p>").format(_inline(" ".join(lines)))
    items: list[str] = []
    for line in lines:
        if _ITEM.match(line):
            items.append(_ITEM.sub("", line, count=1))
        else:
            items[-1] += f" {line}"
    listed = Markup("").join(Markup("<li>{}</li>").format(_inline(item)) for item in items)
    tag = "ol" if lines[0][0].isdigit() else "ul"
    return Markup(f"<{tag}>{{}}</{tag}>").format(listed)  # noqa: S704 - tag is one of two words


def _inline(text: str) -> Markup:
    safe = _BOLD.sub(r"<strong>\1</strong>", str(escape(text)))
    safe = _STRESS.sub(r"<em>\1</em>", safe)
    return Markup(_CODE.sub(r"<code>\1</code>", safe))  # noqa: S704 - escaped above
