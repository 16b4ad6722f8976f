"""Which functions a letter fulfils (GDPR art. 34(2) with 33(3)): by what its sentences do.

A heading proves nothing: "What happened" above "an incident occurred" does not say what happened.
Each function looks for one sentence that does its work; what a sentence says of the authority, of
an inquiry, or in general terms, is taken away first.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sentinel.notify.lint.letter_text import LetterText, Said, reached_by
from sentinel.notify.lint.words import Lexicon

FUNCTIONS = ("nature", "data", "consequences", "measures", "advice", "contact")
_NEAR = 40  # characters before a verb in which a "may" makes it a possibility
_PERFECT = re.compile(r"^(?:may|might|could|would) (?:well |also )?(?:not )?have\b")
_BOTH = re.compile(r"\b(?:and|or|et|ou)\b.*\b(?:not|no|ne|pas|non)\b|/")
_AMONG = re.compile(
    r"\b(?:includ\w+|such as|namely|notamment|dont|y compris|s'agit|it (?:is|was) your"
    r"|these (?:are|were))\b"
)
_YOURS = re.compile(r"\b(?:your|votre|vos)(?: \w+)? $")
_PASSIVE = re.compile(r"\b(?:was|were|been|is|are|being|ete|est|sont|etait|etaient|fut)\b")
_DESTROYED = re.compile(
    r"\b(?:delet|eras|destroy|lock|encrypt|chang|mov|wip|supprim|effac|detrui|chiffr|verrouill"
    r"|modifi|deplac|bloqu|remov)"
)
_OURS = re.compile(r"\b(?:our|its|notre|nos|ses) (?:\w+ )?$")
_TO_YOU = re.compile(r"\b(?:you|your|yours|vous|votre|vos)\b")
_YOU = re.compile(r"\b(?:you|vous)\b")
_HAVE = re.compile(r"(?:may|might|could) have\b|\bpu\b|can be|could be")
_WE = re.compile(r"\b(?:we|i|nous|j'ai|avons|on a)\b")
_OFFICE = re.compile(r"protection|privacy|dpo|delegue|officer|equipe|team")
_CLAUSE = re.compile(r"[,;:.]| and | et | but | mais | which | qui ")
_SUBJECT_WITHIN = 90
_CONTACT_BEFORE = 70
_LONGEST_HEADING = 48
_ENUMERATED = 3  # data named in a row without a verb that says what they are


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
    return tuple(found if _reachable(letter, words) else [*found, "contact"])


def _heads(one: Said, words: Lexicon) -> bool:
    """Tell whether this is a heading of the letter, which says nothing by itself."""
    names = ("consequence_lead", "measure_lead", "advice_lead", "data_lead")
    if len(one.text) > _LONGEST_HEADING or one.text.endswith((".", "!", "?", ";", ",")):
        return False
    return not one.sentence.item and any(words.does[name].search(one.text) for name in names)


def tells_nature(one: Said, words: Lexicon) -> bool:
    """Tell whether the sentence says what happened."""
    does = words.does
    if _directs(one, words) or does["consequence_lead"].search(one.lead):
        return False
    text = _without(does["authority_only"], one.text)
    if any(does[name].search(one.lead) for name in ("modal", "negated", "advice_lead")):
        return False
    if any(not _possible(text, match, words) for match in does["strong_event"].finditer(text)):
        return True
    if _first_person(text, words):
        return False
    blamed = does["bad_actor"].search(text) or does["mistake"].search(text)
    event = does["event"] if blamed else does["plain_event"]
    if any(not _possible(text, match, words) for match in event.finditer(text)):
        return True
    return _narrates(one, words)


def _narrates(one: Said, words: Lexicon) -> bool:
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


def tells_data(one: Said, words: Lexicon) -> bool:
    """Tell whether the sentence names the data concerned."""
    does = words.does
    if _directs(one, words) or reached_by(one.text):
        return False
    both = _BOTH.search(one.lead)  # "what was seen and what was not": each sentence says which
    if does["negated"].search(one.lead) and not both:
        return False
    if one.lead.endswith(":") and does["officer"].match(one.lead):
        return False
    if one.text.endswith(":") or (does["modal"].search(one.lead) and not _HAVE.search(one.lead)):
        return False
    clauses = re.split(r"[;]|\b(?:but|mais|however|toutefois)\b", one.text)
    return any(_names_data(clause, one, words) for clause in clauses)


def _names_data(clause: str, one: Said, words: Lexicon) -> bool:
    does = words.does
    nouns = list(does["data"].finditer(clause))
    negation = does["negated"].search(clause)
    if negation is not None:
        nouns = [match for match in nouns if match.end() <= negation.start()]
        if (
            nouns
            and negation.start() - nouns[-1].end() < _NEAR
            and not re.search("[,:]", clause[nouns[-1].end() : negation.start()])
        ):
            return False  # "the titles are not in it"
    nouns = [match for match in nouns if not _OURS.search(clause[: match.start()])]
    if not nouns or does["consequence_lead"].search(one.lead):
        return False
    distinct = len({match[0] for match in nouns})
    modal = does["modal"].search(clause, 0, nouns[0].start())
    if modal and does["third"].match(clause) and not _PERFECT.match(clause[modal.start() :]):
        return False
    if does["data_lead"].search(one.lead):
        return True
    verb = does["data_verb"].search(clause)
    if verb and len(re.findall(r", | and | et | or | ou ", clause)) >= _ENUMERATED:
        distinct += 1
    yours = any(_YOURS.search(clause[: match.start()]) for match in nouns)
    enough = 1 if _AMONG.search(clause) or (verb and yours) else 2 if verb else _ENUMERATED
    if _first_person(one.text, words):
        enough = _ENUMERATED + 1 if verb else len(nouns) + 1
    elif tells_measures(one, words):
        enough = _ENUMERATED
    return distinct >= enough


def tells_consequences(one: Said, words: Lexicon) -> bool:
    """Tell whether the sentence says what it may mean for the person."""
    does = words.does
    if does["advice_lead"].search(one.lead) or reached_by(one.text):
        return False
    leads = one.lead.endswith(":") or does["consequence_lead"].search(one.lead)
    lead = f"{one.lead} " if leads and one.lead else ""
    clauses = [_before_advice(clause, one.lead, words) for clause in one.text.split(";")]
    return any(_harms(lead + clause, clause, words) for clause in clauses if clause)


def _before_advice(clause: str, lead: str, words: Lexicon) -> str:
    """Return what stands before an advice: "you may get false calls, so hang up"."""
    if not _directs_clause(clause, lead, words):
        return clause
    found = [words.does[name].search(clause) for name in ("imperative", "advising")]
    first = min((match.start() for match in found if match is not None), default=0)
    return clause[:first] if first > _NEAR else ""


def _harms(text: str, clause: str, words: Lexicon) -> bool:
    does = words.does
    if does["no_consequence"].search(clause):
        return False
    if does["happened_harm"].search(text) or does["you_may_suffer"].search(text):
        return True
    named = does["consequence_lead"].search(text) or does["risk_noun"].search(text)
    if named and does["harm"].search(clause):
        return True
    return _may_happen(text, words)


def _may_happen(text: str, words: Lexicon) -> bool:
    """Tell whether somebody or something may do harm, or may do anything to the reader."""
    does = words.does
    for modal in does["modal"].finditer(text):
        before = text[max(0, modal.start() - _SUBJECT_WITHIN) : modal.start()]
        if _PERFECT.match(text[modal.start() :]) or not does["third"].search(before):
            continue
        after = text[modal.end() : modal.end() + _SUBJECT_WITHIN]
        if does["negated"].match(after.lstrip()):
            continue
        if does["harm"].search(text) or _TO_YOU.search(text):
            return True
    return False


def tells_measures(one: Said, words: Lexicon) -> bool:
    """Tell whether the sentence says what was done, concretely."""
    does = words.does
    if _directs(one, words) or one.text.endswith(":"):
        return False
    text = _without(does["authority_only"], one.text)
    text = _without(words.vague.found, text)
    told = does["measure_verb"].search(text) or does["measure_noun"].search(text)
    if told and does["measure_lead"].search(one.lead):
        return not does["negated"].search(one.lead)
    for match in (
        *does["measure"].finditer(text),
        *does["rule_now"].finditer(text),
        *does["own_plan"].finditer(text),
    ):
        if _YOU.search(match[0]):
            continue
        begins = max((cut.end() for cut in _CLAUSE.finditer(text, 0, match.start() + 1)), default=0)
        clause = text[min(begins, match.start()) : match.end()]
        so_far = text[text.rfind(";", 0, match.start()) + 1 : match.end()]
        ours = _WE.search(clause) or re.search(r"\b(?:asked|demande)\b", match[0])
        blamed = does["bad_actor"].search(so_far) or does["mistake"].search(clause)
        if _PASSIVE.search(match[0]) and not _DESTROYED.search(match[0]):
            blamed = None  # what was done to it, not what it did
        denied = does["modal"].search(clause) or (
            does["negated"].search(clause) and not does["rule_now"].search(match[0])
        )
        if not denied and (ours or not blamed) and not _victim(text, match, words):
            return True
    return False


def _victim(text: str, match: re.Match[str], words: Lexicon) -> bool:
    """Tell whether it was done by the intruder, or by mistake: "deleted by mistake"."""
    after = text[match.end() : match.end() + _NEAR]
    wrong = words.does["mistake"].search(after) or words.does["bad_actor"].search(after)
    return (
        wrong is not None
        and re.match(r" ?(?:\S+ ){0,3}(?:by|par|a|to|in|en)\b", after) is not None
        and not _WE.search(match[0])
    )


def _first_person(text: str, words: Lexicon) -> bool:
    return any(_WE.search(match[0]) for match in words.does["measure"].finditer(text))


def advises(one: Said, words: Lexicon) -> bool:
    """Tell whether the sentence says what the person can do."""
    if reached_by(one.text):
        return False
    clauses = [clause for clause in one.text.split(";") if clause.strip()]
    return any(
        _directs_clause(clause, one.lead, words) and not _only_courtesy(clause, words)
        for clause in clauses
    )


def _only_courtesy(clause: str, words: Lexicon) -> bool:
    """Tell whether it only thanks, apologises, or shows the way to a complaint or to us."""
    return words.does["no_advice"].search(clause) is not None and len(clause) < 2 * _SUBJECT_WITHIN


def _directs(one: Said, words: Lexicon) -> bool:
    """Tell whether the sentence asks or advises the reader to do something."""
    return _directs_clause(one.text, one.lead, words)


def _directs_clause(text: str, lead: str, words: Lexicon) -> bool:
    does = words.does
    if does["modal"].search(lead) and lead.endswith(":") and not does["advice_lead"].search(lead):
        return False  # "somebody could: - send you a false invoice"
    if does["imperative"].search(text) or does["advising"].search(text):
        return True
    return bool(
        does["advice_lead"].search(lead)
        and does["infinitive"].match(text)
        and words.language == "fr"
    )


def _reachable(letter: LetterText, words: Lexicon) -> bool:
    return any(_reaches_us(one, words) for one in letter.said)


def _reaches_us(one: Said, words: Lexicon) -> bool:
    for match in reached_by(one.text):
        before = one.whole[: len(one.whole) - len(one.text) + match.start()][-_CONTACT_BEFORE:]
        outside = list(words.does["outside"].finditer(before))
        if not outside or _OFFICE.search(before[outside[-1].end() :]):
            return True
    return False


def _possible(text: str, event: re.Match[str], words: Lexicon) -> bool:
    """Tell whether what happened is only said to be possible, or did not happen."""
    before = text[max(0, event.start() - _NEAR) : event.end()]
    if words.does["modal"].search(before):
        return _HAVE.search(before) is None
    return words.does["negated"].search(before[-_NEAR // 2 :]) is not None


def _without(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: " " * len(match[0]), text)
