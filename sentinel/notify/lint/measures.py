"""Measures: what was done, concretely, by whoever answers for the data.

Told as a deed ("we closed the account"), as a state that it brought about ("the list is no longer
online"), or tersely ("12 May: account closed").
"""

from __future__ import annotations

import re

from sentinel.notify.lint.advice import directs
from sentinel.notify.lint.clauses import NEAR, WE, without
from sentinel.notify.lint.letter_text import Said
from sentinel.notify.lint.words import Lexicon

_PASSIVE = re.compile(r"\b(?:was|were|been|is|are|being|ete|est|sont|etait|etaient|fut)\b")
_DESTROYED = re.compile(
    r"\b(?:delet|eras|destroy|lock|encrypt|chang|mov|wip|supprim|effac|detrui|chiffr|verrouill"
    r"|modifi|deplac|bloqu|remov)"
)
_YOU = re.compile(r"\b(?:you|vous)\b")
_CLAUSE = re.compile(r"[,;:.]| and | et | but | mais | which | qui ")
_WHEN = re.compile(r"\W*(?:when|while|as we|lorsque|lorsqu'|quand|alors que) ?")
_HAS = re.compile(
    r"\b(?:knows?|has|have|holds?|possess\w*|sait|savent|connai\w+|dispos\w+|possed\w+|detien\w+"
    r"|a|ont)(?: \w+)? (?:now|desormais|dorenavant|maintenant|a present)\b"
    r"|\bnow (?:knows?|has|have|holds?|possess\w*|in possession)\b"
)
_NO_MORE = re.compile(r"\b(?:plus|nobody|no one|none|longer|more)\b")


def tells_measures(one: Said, words: Lexicon) -> bool:
    """Tell whether the sentence says what was done, concretely."""
    does = words.does
    if directs(one, words) or one.text.endswith(":"):
        return False
    text = without(does["authority_only"], one.text)
    text = without(words.vague.found, text)
    told = does["measure_verb"].search(text) or does["measure_noun"].search(text)
    if told and does["measure_lead"].search(one.lead):
        return not does["negated"].search(one.lead)
    if any(_did(text, match, words) for name in _DEEDS for match in does[name].finditer(text)):
        return True
    if any(_is_now(text, match, words) for match in does["new_state"].finditer(text)):
        return True
    return any(_did(text, match, words) for match in does["terse_deed"].finditer(text))


_DEEDS = ("measure", "rule_now", "own_plan")


def _did(text: str, match: re.Match[str], words: Lexicon) -> bool:
    does = words.does
    if _YOU.search(match[0]) or _HAS.search(match[0]):
        return False
    begins = max((cut.end() for cut in _CLAUSE.finditer(text, 0, match.start() + 1)), default=0)
    clause = text[min(begins, match.start()) : match.end()]
    so_far = text[text.rfind(";", 0, match.start()) + 1 : match.end()]
    ours = WE.search(clause) or re.search(r"\b(?:asked|demande)\b", match[0])
    blamed = does["bad_actor"].search(so_far) or does["mistake"].search(clause)
    if _PASSIVE.search(match[0]) and not _DESTROYED.search(match[0]):
        blamed = None  # what was done to it, not what it did
    denied = (
        does["modal"].search(clause)
        or _WHEN.match(clause)
        or (does["negated"].search(clause) and not does["rule_now"].search(match[0]))
    )
    return not denied and bool(ours or not blamed) and not _victim(text, match, words)


def _is_now(text: str, match: re.Match[str], words: Lexicon) -> bool:
    """Tell whether it is a state that somebody brought about, not what an intruder has now."""
    begins = max((cut.end() for cut in re.finditer("[;:.]", text[: match.start()])), default=0)
    clause = text[begins : match.end()]
    blamed = words.does["bad_actor"].search(clause) or words.does["mistake"].search(clause)
    allowed = words.does["modal"].search(clause) and not _NO_MORE.search(match[0])
    return not (blamed or allowed or _YOU.search(clause) or _HAS.search(clause))


def _victim(text: str, match: re.Match[str], words: Lexicon) -> bool:
    """Tell whether it was done by the intruder, or by mistake: "deleted by mistake"."""
    after = text[match.end() : match.end() + NEAR]
    wrong = words.does["mistake"].search(after) or words.does["bad_actor"].search(after)
    return (
        wrong is not None
        and re.match(r" ?(?:\S+ ){0,3}(?:by|par|a|to|in|en)\b", after) is not None
        and not WE.search(match[0])
    )
