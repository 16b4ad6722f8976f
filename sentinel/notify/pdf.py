"""Typst documents: tagged PDF/UA-1 (ISO 14289-1), with the fonts of the wheel and no others.

Data enters as JSON and is never spliced into markup: a customer's name may contain ``#`` or ``*``.
The same data and instant give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec
import typst

from sentinel.errors import ContentError


def compile_pdf(template: Path, data: Mapping[str, object], *, at: datetime) -> bytes:
    """Return the PDF of ``template`` with ``data`` (JSON-able); ``at`` becomes its creation date.

    The template reads ``json(bytes(sys.inputs.data))`` and must set the document's title and
    language, without which PDF/UA-1 is refused. Raises ContentError where the template is wrong.
    """
    try:
        pdf = typst.compile(
            template,
            root=template.parent,
            ignore_system_fonts=True,
            format="pdf",
            sys_inputs={"data": msgspec.json.encode(data).decode()},
            pdf_standards=["ua-1"],
            timestamp=at.replace(microsecond=0),
        )
    except (typst.TypstError, RuntimeError) as error:
        raise ContentError(str(error), where=str(template)) from error
    if not isinstance(pdf, bytes):
        raise ContentError("the template gives no PDF", where=str(template))
    return pdf
