"""Rules that look for phrases: minimising, vague, marketing, jargon."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sentinel.notify.lint.letter_text import LetterText, Said
from sentinel.notify.lint.report import Hit
from sentinel.notify.lint.words import Lexicon, Phrases

_TWO = 2
_EXPLAINED_AFTER = re.compile(
    r"^[\"')\]]*\s*(?:\([^()]{12,}\)|,? ?-? ?(?:that is|which is|which means|meaning|i\.e\."
    r"|in other"
    r" words|in plain|also called|a way (?:of|to)|an? \w+ (?:that|which|who|where|used)"
    r"|an? (?:program|"
    r"technique|trick|method|tool|piece|kind|sort|list|key|code|system)|c'est-a-dire|soit"
    r"|autrement dit"
    r"|ce qui (?:veut dire|signifie)|en clair|qui (?:consiste|permet|sert|est)|un (?:logiciel"
    r"|programme"
    r"|outil|procede|systeme|code|message)|une (?:technique|methode|attaque|forme|cle|suite|copie)"
    r"|des (?:messages|logiciels|programmes))\b|[\"']? ?(?:is|are|means|est|sont|signifie"
    r"|designe) an?\b)"
)
_NAMED_BEFORE = re.compile(
    r"(?:call(?:ed|s)?(?: this| it| these)?|known as|named|termed|so-called|referred to as"
    r"|appel\w+|nomm\w+"
    r"|dite?s?|parle(?:nt)? d[e']?|parler d[e']?|baptis\w+|qualifi\w+ d[e']?"
    r"|designe sous le nom d[e']?"
    r"|nom d[e']?)\s*[\"'(]?(?:an? |une? |le |la |l'|d'|de )?(?:\" ?(?:[\w-]+ ){0,2}|[\"'])?$"
)
_BRACKETED = re.compile(r"\w[^()]{8,}\([^()]{0,30}$")


def minimising(letter: LetterText, words: Lexicon) -> Iterator[Hit]:
    """Find words that play the breach down."""
    yield from _phrases(letter, words.minimising, "minimising_language")


def vague(letter: LetterText, words: Lexicon) -> Iterator[Hit]:
    """Find measures in general terms."""
    yield from _phrases(letter, words.vague, "vague_measures")


def marketing(letter: LetterText, words: Lexicon) -> Iterator[Hit]:
    """Find advertising and commercial gestures."""
    yield from _phrases(letter, words.marketing, "marketing_content")


def jargon(letter: LetterText, words: Lexicon) -> Iterator[Hit]:
    """Find terms of the trade that the letter does not explain."""
    strong = list(_unexplained(letter, words.strong_jargon))
    strong += list(_acronyms(letter, words.acronyms))
    weak = list(_unexplained(letter, words.weak_jargon))
    if strong or len({term[:6] for term, _ in weak}) >= _TWO:
        yield from (hit for _, hit in [*strong, *weak])


def _phrases(letter: LetterText, phrases: Phrases, code: str) -> Iterator[Hit]:
    for one in letter.said:
        for match in phrases.faults(one.text):
            yield _hit(letter, one, match, code)


def _hit(letter: LetterText, one: Said, match: re.Match[str], code: str) -> Hit:
    return Hit(code, letter.in_sentence(one, match.start()), match[0])


def _unexplained(letter: LetterText, pattern: re.Pattern[str]) -> Iterator[tuple[str, Hit]]:
    text = re.sub(r"\s", " ", letter.folded.text)
    found = list(pattern.finditer(text))
    explained = {match[0] for match in found if _explained(text, match.start(), match.end())}
    for match in found:
        if not any(_same(match[0], term) for term in explained):
            yield match[0], Hit("jargon", letter.offset(match.start()), match[0])


def _acronyms(letter: LetterText, pattern: re.Pattern[str]) -> Iterator[tuple[str, Hit]]:
    written = letter.source.text
    text = re.sub(r"\s", " ", letter.folded.text)
    at = {original: index for index, original in reversed(list(enumerate(letter.folded.at)))}
    shouted = sum(c.isupper() for c in written) > sum(c.islower() for c in written)
    for match in pattern.finditer(written):
        start = at.get(match.start())
        if start is None or shouted or _explained(text, start, start + len(match[0])):
            continue
        yield match[0], Hit("jargon", letter.source.at[match.start()], match[0])


def _same(term: str, other: str) -> bool:
    return term == other or term.rstrip("s") == other.rstrip("s")


def _explained(text: str, start: int, end: int) -> bool:
    before = text[max(0, start - 80) : start]
    if _EXPLAINED_AFTER.match(text[end : end + 140]):
        return True
    return bool(_NAMED_BEFORE.search(before) or _BRACKETED.search(before))
