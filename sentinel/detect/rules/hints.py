"""What to do about the commonest mistakes in a rule."""

from __future__ import annotations

import difflib
import re
from typing import Final

from sigma.exceptions import SigmaError, SigmaModifierError, SigmaTypeError
from sigma.modifiers import modifier_mapping

_OBJECT: Final = re.compile(r"<(?:\w+\.)*(?:Sigma)?(\w+) object at 0x[0-9a-f]+>")


def words_of(error: Exception) -> str:
    """Return what an error of pySigma says, without the addresses of its objects."""
    return _OBJECT.sub(lambda found: found[1].lower(), str(error))


def hint_for(error: Exception, key: str) -> str:
    """Return advice on an error of pySigma about the detection key ``key``; empty if none."""
    if isinstance(error, SigmaTypeError):
        if key.rsplit("|", 1)[-1] in {"lt", "lte", "gt", "gte"}:
            return "compare with a number"
        return "quote the value, or change the modifier"
    if isinstance(error, SigmaModifierError):
        return _modifier_hint(key)
    if isinstance(error, SigmaError) and "|re" in key:
        return "patterns are RE2: no look-around, no back-references"
    return ""


def _modifier_hint(key: str) -> str:
    known = [*modifier_mapping, "utf16le"]
    for modifier in key.split("|")[1:]:
        if modifier not in known:
            close = difflib.get_close_matches(modifier, known, n=1)
            return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(known))}"
    return ""
