"""The second channel: who gets the letter by post, as a list and as one file to print.

The printed letter is the approved PDF, page by page; only a cover page with the address is added.
SMS is no channel: the telephone number serves identity checks only (promise R-07).
"""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
import typst

from sentinel.config import Organisation
from sentinel.errors import ContentError
from sentinel.notify.pdf import printable

_FORMULA = re.compile(r"^[=+\-@\t\r]")
_PAGE = re.compile(rb"/Type\s*/Page(?![a-zA-Z])")


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """A person of the post's list, in clear. ``address``: lines. ``failure``: why by post."""

    number: int
    reference: str
    name: str
    address: tuple[str, ...]
    language: str
    variant: str
    failure: str


def post_csv(persons: Sequence[Posted]) -> bytes:
    """Return the list as CSV (UTF-8 with a mark, as spreadsheets ask for)."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["number", "reference", "name", "address", "language", "why"])
    for one in persons:
        address = "\n".join(one.address)
        row = [one.number, one.reference, one.name, address, one.language, one.failure]
        writer.writerow([_safe(str(cell)) for cell in row])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def post_pdf(
    template: Path,
    persons: Sequence[Posted],
    letters: Mapping[tuple[str, str], bytes],
    sender: Organisation,
    *,
    at: datetime,
) -> bytes:
    """Return the letters to print: cover page, then the approved PDF, for each person.

    ``letters``: PDF by variant and language. Raises ContentError.
    """
    with tempfile.TemporaryDirectory(prefix="sentinel-post-") as folder:
        root = Path(folder)
        (root / "post.typ").write_bytes(template.read_bytes())
        names = {}
        for number, (place, pdf) in enumerate(sorted(letters.items())):
            names[place] = (f"letter-{number}.pdf", len(_PAGE.findall(pdf)))
            (root / names[place][0]).write_bytes(pdf)
        data = {
            "title": "Lettres à poster – Letters for the post",
            "sender": {"name": sender.name, "address": sender.address},
            "letters": [
                {
                    "name": one.name,
                    "address": one.address,
                    "reference": one.reference,
                    "language": one.language,
                    "alt": "Lettre" if one.language == "fr" else "Letter",
                    "file": names[one.variant, one.language][0],
                    "pages": names[one.variant, one.language][1],
                }
                for one in persons
            ],
        }
        try:
            pdf = typst.compile(
                root / "post.typ",
                root=root,
                ignore_system_fonts=True,
                format="pdf",
                sys_inputs={"data": printable(msgspec.json.encode(data).decode())},
                timestamp=at.replace(microsecond=0),
            )
        except typst.TypstError as error:
            raise ContentError(str(error), where=str(template)) from error
    if not isinstance(pdf, bytes):
        raise ContentError("the template gives no PDF", where=str(template))
    return pdf


def _safe(cell: str) -> str:
    """Keep a spreadsheet from running a name as a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell
