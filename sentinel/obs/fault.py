"""An unforeseen exception, told without its words: they may quote what a log said of a person."""

from __future__ import annotations

import traceback
from pathlib import Path


def describe(error: BaseException) -> str:
    """Return the kind of an exception and where in our code it rose: ``KeyError at fold.py:73``."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "sentinel" in Path(frame.filename).parts]
    last = (ours or list(frames))[-1:]
    place = "".join(f" at {Path(frame.filename).name}:{frame.lineno}" for frame in last)
    return f"{type(error).__name__}{place}"
