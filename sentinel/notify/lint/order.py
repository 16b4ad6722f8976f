"""What the order of a letter tells, where no word does.

Letters tell what happened, which data, what it means, what was done, what to do. A deed told
below what it means is a measure; a statement between data and measures that does nothing else says
what it means. Asked only where no sentence says it in known words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sentinel.notify.lint.advice import advises, directs
from sentinel.notify.lint.consequences import tells_consequences
from sentinel.notify.lint.data import tells_data
from sentinel.notify.lint.letter_text import Said, reached_by
from sentinel.notify.lint.measures import tells_measures
from sentinel.notify.lint.nature import narrates, tells_nature
from sentinel.notify.lint.words import Lexicon

_OURSELVES = re.compile(r"\W*(?:our|notre|nos|we|nous)\b")  # "our monitoring reported it"
_SHORTEST = 40  # characters of a statement
_SAYS_NOTHING = ("no_consequence", "no_advice", "authority_only", "negated", "inquiry")


def acts_later(said: Sequence[Said], words: Lexicon) -> bool:
    """Tell whether a deed is told below what it means for the person."""
    meant = [one.sentence.paragraph for one in said if tells_consequences(one, words)]
    return bool(meant) and any(
        one.sentence.paragraph > min(meant) and _acts(one, words) for one in said
    )


def _acts(one: Said, words: Lexicon) -> bool:
    does = words.does
    if does["bad_actor"].search(one.text) or does["mistake"].search(one.text):
        return False
    others = directs(one, words) or tells_data(one, words) or tells_consequences(one, words)
    return narrates(one, words) and not others


def explains_between(said: Sequence[Said], words: Lexicon) -> bool:
    """Tell whether something is stated between the data and the measures or the advice."""
    data = [one.sentence.paragraph for one in said if tells_data(one, words)]
    after = [one.sentence.paragraph for one in said if _closes(one, words)]
    return bool(data and after) and any(
        min(data) < one.sentence.paragraph < max(after) and _states(one, words) for one in said
    )


def _closes(one: Said, words: Lexicon) -> bool:
    return tells_measures(one, words) or advises(one, words)


def _states(one: Said, words: Lexicon) -> bool:
    """Tell whether it is a statement that no other function takes, and no empty phrase."""
    text = one.text
    short = len(text) < _SHORTEST or text.endswith(":") or one.sentence.item
    if (
        short
        or _OURSELVES.match(text)
        or reached_by(text)
        or words.does["advice_lead"].search(one.lead)
    ):
        return False
    if any(words.does[name].search(text) for name in _SAYS_NOTHING):
        return False
    if any(empty.found.search(text) for empty in (words.vague, words.minimising, words.marketing)):
        return False
    others = directs(one, words) or _closes(one, words)
    return not (others or tells_nature(one, words) or tells_data(one, words))
