"""The clocks of a case on paper: what is due when, to be ticked by hand where Sentinel is away."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from sentinel.content import content_dir
from sentinel.notify.pdf import compile_pdf


def clock_sheet_pdf(
    data: Mapping[str, object], *, at: datetime, notifiers: Path | None = None
) -> bytes:
    """Return the sheet as PDF/UA-1. ``data``: every string ready to print.

    Raises ContentError where the template is wrong.
    """
    template = (notifiers or content_dir("notifiers")) / "sheet" / "sheet.typ"
    return compile_pdf(template, data, at=at)
