"""Nature: what happened. A heading proves nothing, nor does "an incident occurred"."""

from __future__ import annotations

import re

from sentinel.notify.lint.advice import directs
from sentinel.notify.lint.clauses import HAVE, NEAR, first_person, without
from sentinel.notify.lint.credentials import asks_secret
from sentinel.notify.lint.data import tells_data
from sentinel.notify.lint.letter_text import Said, reached_by
from sentinel.notify.lint.measures import tells_measures
from sentinel.notify.lint.words import Lexicon


def tells_nature(one: Said, words: Lexicon) -> bool:
    """Tell whether the sentence says what happened."""
    does = words.does
    if asks_secret(one, words) or directs(one, words) or _introduced_otherwise(one, words):
        return False
    text = without(does["idle"], without(does["authority_only"], one.text))
    if _happened("strong_event", text, words):
        return True
    if first_person(text, words):
        return False
    blamed = does["bad_actor"].search(text) or does["mistake"].search(text)
    if (blamed and _happened("event", text, words)) or _happened("plain_event", text, words):
        return True
    return narrates(one, words)


def _introduced_otherwise(one: Said, words: Lexicon) -> bool:
    """Tell whether what introduces it announces consequences, advice or a list of data."""
    does = words.does
    others = ("consequence_lead", "modal", "negated", "advice_lead")
    if any(does[name].search(one.lead) for name in others):
        return True
    lists = one.lead.endswith(":") and does["data_lead"].search(one.lead)
    return bool(lists) and tells_data(one, words)


def _happened(name: str, text: str, words: Lexicon) -> bool:
    found = words.does[name].finditer(text)
    return any(not _possible(text, match, words) for match in found)


def narrates(one: Said, words: Lexicon) -> bool:
    """Tell whether the sentence tells a deed of any kind, beyond "an incident occurred"."""
    does = words.does
    past = does["told_past"].search(one.written)
    if past is None or one.text.endswith(":") or reached_by(one.text):
        return False
    if any(
        does[name].search(one.text) for name in ("authority_only", "modal", "negated", "no_advice")
    ):
        return False
    if does["generic_event"].search(one.text) or does["inquiry"].search(one.text):
        return False
    return not (tells_measures(one, words) or words.vague.found.search(one.text))


def _possible(text: str, event: re.Match[str], words: Lexicon) -> bool:
    """Tell whether what happened is only said to be possible, or did not happen."""
    before = text[max(0, event.start() - NEAR) : event.end()]
    if words.does["modal"].search(before):
        return HAVE.search(before) is None
    return words.does["negated"].search(before[-NEAR // 2 :]) is not None
