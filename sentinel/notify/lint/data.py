"""Data: which data of the person are concerned."""

from __future__ import annotations

import re
from typing import TypeAlias

from sentinel.notify.lint.advice import directs
from sentinel.notify.lint.clauses import COULD_SEE, HAVE, NEAR, PERFECT, first_person, without
from sentinel.notify.lint.letter_text import Said, reached_by
from sentinel.notify.lint.measures import tells_measures
from sentinel.notify.lint.words import Lexicon

_BOTH = re.compile(r"\b(?:and|or|et|ou)\b.*\b(?:not|no|ne|pas|non)\b|/")
_AMONG = re.compile(
    r"\b(?:includ\w+|such as|namely|notamment|dont|y compris|s'agi\w+|it (?:is|was) your"
    r"|these (?:are|were))\b"
)
_KEPT = re.compile(r"\W*(?:we (?:hold|keep|store|process)|nous (?:conserv|trait|deten|gard)\w+)\b")
_YOURS = re.compile(r"\b(?:your|votre|vos)(?: \w+)? $")
_YOU = re.compile(r"\b(?:you|vous)\b")
_OURS = re.compile(r"\b(?:our|its|notre|nos|ses) (?:\w+ )?$")
_HOLDS = re.compile(
    r"(?:may|might|could|peu\w+|pourrai\w+) (?:\w+ )?"
    r"(?:contain|include|hold|show|concern|conten|compren|figur)\w*"
    r"|(?:peu\w+|pourrai\w+) (?:\w+ )?etre (?:concern|touch|impliqu|compris|expos|en cause)\w*"
)
_BESIDE = re.compile(
    r"\b(?:sans|without) (?:an? |any |le |la |aucun\w* )?\w+"  # "it had no lock: name, address"
    r"|\b(?:a|en|sous) (?:votre|notre) nom\b|\bin (?:your|our) (?:own )?name\b"
)
_Noun: TypeAlias = re.Match[str]
_ENUMERATED = 3  # data named in a row without a verb that says what they are


def tells_data(one: Said, words: Lexicon) -> bool:
    """Tell whether the sentence names the data concerned."""
    does = words.does
    if directs(one, words) or reached_by(one.text) or _KEPT.match(one.text):
        return False
    both = _BOTH.search(one.lead)  # "what was seen and what was not": each sentence says which
    if does["negated"].search(without(_BESIDE, one.lead)) and not both:
        return False
    if one.lead.endswith(":") and does["officer"].match(one.lead):
        return False
    if one.text.endswith(":") or (does["modal"].search(one.lead) and not HAVE.search(one.lead)):
        return False
    clauses = re.split(r"[;]|\b(?:but|mais|however|toutefois)\b", one.text)
    return any(_names_data(clause, one, words) for clause in clauses)


def _names_data(clause: str, one: Said, words: Lexicon) -> bool:
    does = words.does
    clause = without(_BESIDE, clause)
    nouns = _not_denied(list(does["data"].finditer(clause)), clause, words)
    nouns = [match for match in nouns if not _OURS.search(clause[: match.start()])]
    if not nouns or does["consequence_lead"].search(one.lead):
        return False
    nouns = _not_only_possible(nouns, clause, words)
    return bool(nouns) and (
        does["data_lead"].search(one.lead) is not None or _enough(nouns, clause, one, words)
    )


def _not_denied(nouns: list[_Noun], clause: str, words: Lexicon) -> list[_Noun]:
    """Keep what stands before a negation; nothing of "the titles are not in it"."""
    negation = words.does["negated"].search(clause)
    if negation is None:
        return nouns
    nouns = [match for match in nouns if match.end() <= negation.start()]
    if nouns and negation.start() - nouns[-1].end() < NEAR:
        between = clause[nouns[-1].end() : negation.start()]
        return nouns if re.search("[,:]", between) else []
    return nouns


def _not_only_possible(nouns: list[_Noun], clause: str, words: Lexicon) -> list[_Noun]:
    """Leave out what is not told as exposed, but as what may be done with it."""
    does = words.does
    harms = does["worst_harm"].search(clause) or does["knows_now"].search(clause)
    for modal in does["modal"].finditer(clause):
        rest = clause[modal.start() :]
        if PERFECT.match(rest) or COULD_SEE.match(rest) or _HOLDS.match(rest):
            continue
        if modal.start() < nouns[0].start() and does["third"].match(clause):
            return []
        if harms:  # "... and could telephone you"
            return [match for match in nouns if match.end() <= modal.start()]
    return nouns


def _enough(nouns: list[_Noun], clause: str, one: Said, words: Lexicon) -> bool:
    """Tell whether so many data are named that the sentence is about them."""
    verb = words.does["data_verb"].search(clause)
    distinct = len({match[0] for match in nouns})
    if verb and len(re.findall(r", | and | et | or | ou ", clause)) >= _ENUMERATED:
        distinct += 1
    yours = any(_YOURS.search(clause[: match.start()]) or _YOU.search(match[0]) for match in nouns)
    enough = 1 if _AMONG.search(clause) or (verb and yours) else 2 if verb else _ENUMERATED
    if first_person(one.text, words):
        enough = _ENUMERATED + 1 if verb else len(nouns) + 1
    elif tells_measures(one, words):
        enough = _ENUMERATED
    return distinct >= enough
