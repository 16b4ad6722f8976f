"""Durations as the law's data and runbooks write them: ISO 8601 (``PT72H``, ``PT15M``, ``P3D``).

A day is 24 elapsed hours. Months and years are refused: they are no fixed number of hours.
"""

from __future__ import annotations

import re
from datetime import timedelta

_FORM = re.compile(
    r"P(?:(?P<days>\d{1,4})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,5})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<seconds>\d{1,7})S)?)?"
)


def parse_duration(text: str) -> timedelta:
    """Return the duration. Raises ValueError where it is none, or is not longer than zero."""
    found = _FORM.fullmatch(text)
    parts = {k: int(v) for k, v in found.groupdict().items() if v} if found else {}
    duration = timedelta(**parts)
    if not duration:
        raise ValueError(f"{text!r} is not a duration such as PT15M, PT72H or P3D")
    return duration
