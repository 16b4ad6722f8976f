"""Consequences: what it may mean for the person.

Said as a possibility ("somebody could ..."), as what another now knows, as what the data give away,
as a service that fails, or by naming the harm.
"""

from __future__ import annotations

import re

from sentinel.notify.lint.advice import directs_clause
from sentinel.notify.lint.clauses import COULD_SEE, NEAR, PERFECT, SUBJECT_WITHIN, WE
from sentinel.notify.lint.letter_text import Said, reached_by
from sentinel.notify.lint.measures import tells_measures
from sentinel.notify.lint.words import Lexicon

_TO_YOU = re.compile(r"\b(?:you|your|yours|vous|votre|vos)\b")
_WISH = re.compile(r"would (?:like|prefer|rather)\b")
_NOT = re.compile(r"\b(?:not|no|never|ne|n'\w+|aucun\w*|pas|sans|without)\b[^,;:]{0,40}$")
_DO_NOT = re.compile(r"\b(?:not|never|do|does|let|ne|n')\b")
_SAID = ("gives_away", "knows_now", "held_up")


def tells_consequences(one: Said, words: Lexicon) -> bool:
    """Tell whether the sentence says what it may mean for the person."""
    does = words.does
    if does["advice_lead"].search(one.lead) or reached_by(one.text):
        return False
    leads = one.lead.endswith(":") or does["consequence_lead"].search(one.lead)
    lead = f"{one.lead} " if leads and one.lead else ""
    clauses = [_before_advice(clause, one.lead, words) for clause in one.text.split(";")]
    if any(_suffers(lead + clause, clause, words) for clause in clauses if clause):
        return True
    if tells_measures(one, words):
        return False
    if any(_threatens(lead + clause, clause, words) for clause in clauses if clause):
        return True
    past = does["told_past"].search(one.written)
    return past is None and any(_names_harm(clause, words) for clause in clauses)


def _before_advice(clause: str, lead: str, words: Lexicon) -> str:
    """Return what stands before an advice: "you may get false calls, so hang up"."""
    if not directs_clause(clause, lead, words):
        return clause
    found = [words.does[name].search(clause) for name in ("imperative", "advising")]
    first = min((match.start() for match in found if match is not None), default=0)
    return clause[:first] if first > NEAR else ""


def _suffers(text: str, clause: str, words: Lexicon) -> bool:
    """Tell whether the harm itself is told, to the reader or to what is the reader's."""
    does = words.does
    if does["no_consequence"].search(clause):
        return False
    if does["happened_harm"].search(text) or does["you_may_suffer"].search(text):
        return True
    found = [match for name in _SAID for match in does[name].finditer(clause)]
    return any(not _denied(clause, match, words) for match in found)


def _denied(clause: str, said: re.Match[str], words: Lexicon) -> bool:
    """Tell whether it is denied, or said of ourselves: "we know where your file is"."""
    subject = re.split(r"[,;:]", clause[max(0, said.start() - NEAR) : said.start()])[-1]
    if WE.search(subject) or words.does["negated"].search(subject):
        return True
    fails = words.does["held_up"].fullmatch(said[0])  # there the negation is what is said
    return fails is None and _DO_NOT.search(said[0]) is not None


def _threatens(text: str, clause: str, words: Lexicon) -> bool:
    does = words.does
    if does["no_consequence"].search(clause):
        return False
    named = does["consequence_lead"].search(text) or does["risk_noun"].search(text)
    if named and does["harm"].search(clause):
        return True
    return _may_happen(text, words)


def _may_happen(text: str, words: Lexicon) -> bool:
    """Tell whether somebody or something may do harm, or may do anything to the reader."""
    does = words.does
    for modal in does["modal"].finditer(text):
        before = text[max(0, modal.start() - SUBJECT_WITHIN) : modal.start()]
        rest = text[modal.start() :]
        after = rest[len(modal[0]) : len(modal[0]) + SUBJECT_WITHIN]
        past = PERFECT.match(rest) or COULD_SEE.match(rest)
        if (past and not does["posing"].search(after)) or _WISH.match(rest):
            continue
        if not does["third"].search(before):
            continue
        if does["negated"].match(after.lstrip()):
            continue
        if does["harm"].search(text) or _TO_YOU.search(text):
            return True
    return False


def _names_harm(clause: str, words: Lexicon) -> bool:
    """Tell whether a harm is named, by nobody in particular: "false invoices are common then"."""
    found = words.does["worst_harm"].search(clause)
    if found is None or WE.search(clause) or words.does["no_consequence"].search(clause):
        return False
    return _NOT.search(clause[: found.start()]) is None
