"""Typst documents: tagged PDF/UA-1 (ISO 14289-1), with the fonts of the wheel before any other.

Data enters as JSON and is never spliced into markup: a customer's name may contain ``#`` or ``*``.
The same data and instant give the same bytes. PDF/UA-1 refuses a character that no font can draw;
since a symbol pasted at 3 a.m. must not hold up a filing, such a character is looked for among the
machine's own fonts, and else written as its number, ``[U+1F600]``: shown, not dropped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec
import typst

from sentinel.errors import ContentError

_UNDRAWN = re.compile(
    r"PDF/UA-1 error: the text (?:`\"(?P<drawn>.+)\"` could not be displayed"
    r"|contains the disallowed codepoint `\"(?P<code>.+)\"`)"
)
_CONTROL = re.compile(r"\\\\|\\u00[01][0-9a-f]|\x7f|\\[bf]")  # an escaped backslash is kept
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")
_ONE_BY_ONE = 8
_ATTEMPTS = 12


def compile_pdf(template: Path, data: Mapping[str, object], *, at: datetime) -> bytes:
    """Return the PDF of ``template`` with ``data`` (JSON-able); ``at`` becomes its creation date.

    The template reads ``json(bytes(sys.inputs.data))`` and must set the document's title and
    language, without which PDF/UA-1 is refused. Raises ContentError where the template is wrong.
    """
    json = printable(msgspec.json.encode(data).decode())
    reason = ""
    for attempt in range(_ATTEMPTS):
        try:
            return _compile(template, json, at, machine_fonts=attempt > 0)
        except typst.TypstError as error:
            reason = str(error)
        undrawn = _undrawn(reason)
        if not undrawn:
            break
        if attempt > 0:
            # Typst may name the letter in place of the mark upon it, such as a colour of skin.
            marks = undrawn.isascii()
            json = _spelt(json, undrawn, rare=marks or attempt > _ONE_BY_ONE)
    raise ContentError(reason, where=str(template))


def printable(json: str) -> str:
    """Return JSON text without the control characters that no font draws."""
    return _CONTROL.sub(_without_control, json)


def _compile(template: Path, json: str, at: datetime, *, machine_fonts: bool) -> bytes:
    pdf = typst.compile(
        template,
        root=template.parent,
        ignore_system_fonts=not machine_fonts,
        format="pdf",
        sys_inputs={"data": json},
        pdf_standards=["ua-1"],
        timestamp=at.replace(microsecond=0),
    )
    if not isinstance(pdf, bytes):
        raise ContentError("the template gives no PDF", where=str(template))
    return pdf


def _without_control(match: re.Match[str]) -> str:
    return match[0] if match[0] == r"\\" else " "


def _undrawn(reason: str) -> str:
    """Return the characters that no font could draw, from Typst's message; empty if none."""
    found = _UNDRAWN.search(reason)
    if found is None:
        return ""
    named = found["drawn"] or found["code"]
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), named)


def _spelt(json: str, undrawn: str, *, rare: bool) -> str:
    """Write ``undrawn`` by number; ``rare``: and whatever else is outside common scripts.

    ASCII stays: every font draws it, and JSON is made of it.
    """
    undrawn = "".join(one for one in undrawn if not one.isascii())
    outside = "\\u0300-\\u036f\\u0530-\\u1fff\\u2c00-\\ud7ff\\ue000-\\U0010ffff" if rare else ""
    wanted = f"[{re.escape(undrawn)}{outside}]"
    return re.sub(wanted, lambda match: f"[U+{ord(match[0]):04X}]", json)
