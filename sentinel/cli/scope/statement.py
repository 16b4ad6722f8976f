"""A verdict on an access, written for the person who made it, in French or English."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from sentinel.detect.scope.for_staff import Considered, Statement

WORDS = {
    "title": {"en": "Your access of {time}", "fr": "Votre consultation du {time}"},
    "what": {
        "en": "Act: {action}; data: {categories}; persons concerned: {persons}",
        "fr": "Acte\u00a0: {action}\u00a0; données\u00a0: {categories}\u00a0; "
        "personnes concernées\u00a0: {persons}",
    },
    "verdict": {"en": "Verdict: {verdict}", "fr": "Appréciation\u00a0: {verdict}"},
    "asked": {
        "en": "What could have explained it:",
        "fr": "Ce qui aurait pu l’expliquer\u00a0:",
    },
    "facts": {
        "en": "Facts that name you or your team, and were considered:",
        "fr": "Faits pris en compte qui vous désignent, vous ou votre équipe\u00a0:",
    },
    "none": {"en": "  none", "fr": "  aucun"},
    "held": {"en": "in force then", "fr": "en vigueur alors"},
    "not_held": {"en": "not in force then", "fr": "pas en vigueur alors"},
    "others": {
        "en": "Other facts about the person concerned, which name others: {count}",
        "fr": "Autres faits concernant la personne, qui désignent d’autres agents\u00a0: {count}",
    },
    "answer": {
        "en": "You may answer: your answer is kept beside this verdict. The verdict is a question, "
        "and no measure is taken on it alone.",
        "fr": "Vous pouvez répondre\u00a0: votre réponse est conservée à côté de cette "
        "appréciation. Celle-ci est une question, et aucune mesure n’est prise sur sa seule foi.",
    },
}


def statement_lines(told: Statement, zone: str) -> Iterator[str]:
    """Yield the lines of a statement; instants in ``zone``."""
    say = {name: words[told.language] for name, words in WORDS.items()}
    yield say["title"].format(time=_local(told.time, zone))
    categories = ", ".join(told.categories) or "-"
    yield say["what"].format(action=told.action or "-", categories=categories, persons=told.persons)
    yield say["verdict"].format(verdict=told.verdict)
    yield from (f"  - {reason}" for reason in told.reasons)
    yield say["asked"]
    yield from (f"  - {title}" for title in told.asked)
    if not told.asked:
        yield say["none"]
    yield say["facts"]
    yield from (f"  - {_fact(fact, say, zone)}" for fact in told.facts)
    if not told.facts:
        yield say["none"]
    if told.others:
        yield say["others"].format(count=told.others)
    yield say["answer"]


def _fact(fact: Considered, say: dict[str, str], zone: str) -> str:
    held = say["held"] if fact.held else say["not_held"]
    span = " - ".join(_local(at, zone) if at else "…" for at in (fact.valid_from, fact.valid_to))
    return f"{fact.kind} {fact.id}, {span}, {held}"


def _local(instant: datetime, zone: str) -> str:
    return instant.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
