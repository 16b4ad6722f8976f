"""The little Markdown of runbooks becomes HTML; nothing else does."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.web.console.prose import prose


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("One\nline.\n\nTwo.", "<p>One line.</p>\n<p>Two.</p>"),
        ("Do **this** now", "<p>Do <strong>this</strong> now</p>"),
        ("Of type *bulk export* now", "<p>Of type <em>bulk export</em> now</p>"),
        ("2 * 3 * 4", "<p>2 * 3 * 4</p>"),
        ("Run `x < y`", "<p>Run <code>x &lt; y</code></p>"),
        ("* a\n* b\n  more", "<ul><li>a</li><li>b more</li></ul>"),
        ("1. a\n2. b", "<ol><li>a</li><li>b</li></ol>"),
        ("<script>x</script>", "<p>&lt;script&gt;x&lt;/script&gt;</p>"),
        ("{0} {x} %s", "<p>{0} {x} %s</p>"),
        ("", ""),
    ],
)
def test_blocks(source: str, shown: str) -> None:
    assert prose(source) == shown


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_no_tag_but_ours_and_no_word_lost(source: str) -> None:
    shown = str(prose(source))
    assert set(re.findall(r"</?([a-z]+)", shown)) <= {"p", "ul", "ol", "li", "strong", "em", "code"}
    told = html.unescape(re.sub(r"<[^>]+>", "", shown))
    letters = re.findall(r"[^\W\d_]", source)
    assert re.findall(r"[^\W\d_]", told) == letters
