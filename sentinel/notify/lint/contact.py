"""Contact: whom to reach, by e-mail or telephone, at the organisation itself."""

from __future__ import annotations

import re

from sentinel.notify.lint.letter_text import LetterText, Said, reached_by
from sentinel.notify.lint.words import Lexicon

_OFFICE = re.compile(r"protection|privacy|dpo|delegue|officer|equipe|team")
_CONTACT_BEFORE = 70


def reachable(letter: LetterText, words: Lexicon) -> bool:
    """Tell whether an address or a number of the organisation itself is given."""
    return any(_reaches_us(one, words) for one in letter.said)


def _reaches_us(one: Said, words: Lexicon) -> bool:
    for match in reached_by(one.text):
        before = one.whole[: len(one.whole) - len(one.text) + match.start()][-_CONTACT_BEFORE:]
        outside = list(words.does["outside"].finditer(before))
        if not outside or _OFFICE.search(before[outside[-1].end() :]):
            return True
    return False
