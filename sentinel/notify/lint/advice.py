"""Advice: what the person can do."""

from __future__ import annotations

from sentinel.notify.lint.clauses import SUBJECT_WITHIN
from sentinel.notify.lint.credentials import asks_secret
from sentinel.notify.lint.letter_text import Said, reached_by
from sentinel.notify.lint.words import Lexicon


def advises(one: Said, words: Lexicon) -> bool:
    """Tell whether the sentence says what the person can do."""
    if reached_by(one.text):
        return False
    asked = asks_secret(one, words)
    if asked is not None and len(one.text) < 2 * SUBJECT_WITHIN:
        return False  # to hand over a password is no advice
    clauses = [clause for clause in one.text.split(";") if clause.strip()]
    return any(
        directs_clause(clause, one.lead, words) and not _only_courtesy(clause, words)
        for clause in clauses
    )


def _only_courtesy(clause: str, words: Lexicon) -> bool:
    """Tell whether it only thanks, apologises, or shows the way to a complaint or to us."""
    return words.does["no_advice"].search(clause) is not None and len(clause) < 2 * SUBJECT_WITHIN


def directs(one: Said, words: Lexicon) -> bool:
    """Tell whether the sentence asks or advises the reader to do something."""
    return directs_clause(one.text, one.lead, words)


def directs_clause(text: str, lead: str, words: Lexicon) -> bool:
    """Tell it of a part of a sentence; ``lead``: what introduces the whole."""
    does = words.does
    if does["modal"].search(lead) and lead.endswith(":") and not does["advice_lead"].search(lead):
        return False  # "somebody could: - send you a false invoice"
    if lead.endswith(":") and does["suggests"].search(lead):
        return True
    if does["imperative"].search(text) or does["advising"].search(text):
        return True
    return bool(
        does["advice_lead"].search(lead)
        and does["infinitive"].match(text)
        and words.language == "fr"
    )
