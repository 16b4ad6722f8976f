"""Which functions a letter fulfils (GDPR art. 34(2) with 33(3)): by what its sentences do.

A heading proves nothing: "What happened" above "an incident occurred" does not say what happened.
Each function looks for one sentence that does its work; what a sentence says of the authority, of
an inquiry, or in general terms, is taken away first.
"""

from __future__ import annotations

from collections.abc import Callable

from sentinel.notify.lint.advice import advises
from sentinel.notify.lint.consequences import tells_consequences
from sentinel.notify.lint.contact import reachable
from sentinel.notify.lint.data import tells_data
from sentinel.notify.lint.letter_text import LetterText, Said
from sentinel.notify.lint.measures import tells_measures
from sentinel.notify.lint.nature import tells_nature
from sentinel.notify.lint.order import acts_later, explains_between
from sentinel.notify.lint.words import Lexicon

FUNCTIONS = ("nature", "data", "consequences", "measures", "advice", "contact")
_LONGEST_HEADING = 48


def missing_functions(letter: LetterText, words: Lexicon) -> tuple[str, ...]:
    """Return the functions that no sentence fulfils, in the order of `FUNCTIONS`."""
    judges: dict[str, Callable[[Said, Lexicon], bool]] = {
        "nature": tells_nature,
        "data": tells_data,
        "consequences": tells_consequences,
        "measures": tells_measures,
        "advice": advises,
    }
    said = [one for one in letter.said if not _heads(one, words)]
    found = [name for name in judges if not any(judges[name](one, words) for one in said)]
    for name, told in (("measures", acts_later), ("consequences", explains_between)):
        if name in found and told(said, words):
            found.remove(name)
    return tuple(found if reachable(letter, words) else [*found, "contact"])


def _heads(one: Said, words: Lexicon) -> bool:
    """Tell whether this is a heading of the letter, which says nothing by itself."""
    names = ("consequence_lead", "measure_lead", "advice_lead", "data_lead")
    if len(one.text) > _LONGEST_HEADING or one.text.endswith((".", "!", "?", ";", ",")):
        return False
    return not one.sentence.item and any(words.does[name].search(one.text) for name in names)
