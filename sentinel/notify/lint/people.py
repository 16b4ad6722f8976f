"""Data of other persons in a letter: a culprit, another person affected, an account number.

No list of names is complete. A name is suspected by its shape (a title or a known first name before
a capital) and judged by its sentence: the officer, whoever signs, and whoever is to be called stand
in the letter by right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sentinel.notify.lint.fold import plain
from sentinel.notify.lint.letter_text import LetterText, Said, reached_by
from sentinel.notify.lint.report import Hit
from sentinel.notify.lint.words import Lexicon

_CAP = r"[A-ZÀ-ÖØ-Þ][\w’'-]+"
_PARTICLE = (
    r"(?:(?:d[eu]|des|de la|d[’']|le|la|van|von|der|den|al|el|ben|bin|o[’']|mc|mac|di|da) ?)?"
)
_TITLED = re.compile(
    rf"\b(?:Mr|Mrs|Ms|Miss|Mister|Dr|Prof|Professor|Sir|Lady|M|Mme|Mlle|MM|Mmes|Monsieur|Madame"
    rf"|Mademoiselle|Me|Docteur|Maître|Pr)\.?[ \u00a0\u202f]+((?:{_CAP}"
    rf"|[A-Z]\.)(?:[ \u00a0-]{_PARTICLE}{_CAP}){{0,3}})"
)
_NAMED = re.compile(
    rf"(?<![\w-])({_CAP})[ \u00a0]+({_PARTICLE}{_CAP})(?:[ \u00a0]+{_PARTICLE}{_CAP})?"
)
_INITIAL = re.compile(rf"\b({_CAP})[ \u00a0]+([A-Z])\.(?=[\s,;)])")
_SHORT = re.compile(rf"(?<![\w.])([A-Z])\.[ \u00a0]?({_CAP})")  # "J. Smith", beside a role alone
_ADDRESSED = re.compile(r"\W*(?:dear|cher|chere|chers|cheres|madame|monsieur|hello|hi|bonjour)\b")
_ORGANISED = re.compile(r"\s*(?:&|and sons|et fils|ltd|limited|plc|sas?\b|sarl|inc)")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ \u00a0]?[A-Z0-9]{4}){3,7}(?:[ \u00a0]?[A-Z0-9]{1,4})?\b")
_CARD = re.compile(r"\b\d{4}(?:[ -]\d{4}){3}\b")
_NIR = re.compile(r"\b[12] ?\d{2} ?(?:0[1-9]|1[0-2]) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3}(?: ?\d{2})?\b")
_NINO = re.compile(r"\b[A-CEGHJ-PR-TW-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b")
_UNFILLED = re.compile(r"X{2,}.*")  # a field of the template: another fault
_PLACE = re.compile(
    r"\b(?:salle|rue|place|avenue|boulevard|quai|lycee|college|ecole|hopital|pavillon|batiment"
    r"|stade|gymnase|theatre|square|residence|centre|espace|fondation|prix|clinique|gare|pont"
    r"|mediatheque|bibliotheque|collegiale|cabinet|immeuble|tour|hotel|complexe) (?:d[eu] |des )?$"
)
_LONGEST_SIGNATURE = 90
_BESIDE = 60  # characters
_CLOSE = 3  # characters: ", "
_LAST = 8  # units at the end among which a signature stands


def third_parties(letter: LetterText, words: Lexicon) -> Iterator[Hit]:
    """Find names and numbers of persons who are neither the officer nor the signatory."""
    told: set[str] = set()
    for index, one in enumerate(letter.said):
        written = _written(letter, one)
        for name, start in _names(written, words):
            if plain(name) in told or _by_right(letter.said, index, name, words):
                continue
            told.add(plain(name))
            yield Hit("third_party_personal_data", _offset(letter, one, start), name)
        for pattern in (_IBAN, _CARD, _NIR, _NINO):
            for match in pattern.finditer(written):
                yield Hit(
                    "third_party_personal_data", _offset(letter, one, match.start()), match[0]
                )


def _written(letter: LetterText, one: Said) -> str:
    """Return a sentence as it was written, one character for each of the folded letter's text."""
    text = letter.source.text
    start = letter.folded.at[one.sentence.start]
    end = letter.folded.at[min(one.sentence.end, len(letter.folded.at) - 1)]
    return re.sub(r"\s", " ", text[start:end])


def _offset(letter: LetterText, one: Said, start: int) -> int:
    return letter.source.at[letter.folded.at[one.sentence.start] + start]


def _names(written: str, words: Lexicon) -> Iterator[tuple[str, int]]:
    taken: list[tuple[int, int]] = []
    for match in _TITLED.finditer(written):
        taken.append(match.span())
        if not _UNFILLED.fullmatch(match[1]):
            yield match[0], match.start()
    for match in (*_pairs(written), *_INITIAL.finditer(written), *_SHORT.finditer(written)):
        if any(begin <= match.start() < end for begin, end in taken) or _house(match[0], words):
            continue
        if _PLACE.search(plain(written[max(0, match.start() - _BESIDE) : match.start()])):
            continue
        if _known(match[1], words) or _beside_a_role(written, match, words):
            taken.append(match.span())
            yield match[0], match.start()


def _pairs(written: str) -> Iterator[re.Match[str]]:
    """Find capitals in a row from every word on: "Yesterday Ann Lee" holds "Ann Lee"."""
    start = 0
    while match := _NAMED.search(written, start):
        yield match
        start = match.end(1)


def _known(name: str, words: Lexicon) -> bool:
    first = plain(name)
    return first in words.first_names or first.split("-")[0] in words.first_names


def _beside_a_role(written: str, match: re.Match[str], words: Lexicon) -> bool:
    """Tell whether a name follows closely on a role: "our nurse, X Y"."""
    before = plain(written[max(0, match.start() - _BESIDE) : match.start()])
    if _ORGANISED.match(plain(written[match.end() : match.end() + _BESIDE])):
        return False
    roles = list(words.persons["role"].finditer(before))
    return bool(roles) and re.fullmatch(r"[^.;:]{0,25},? ?", before[roles[-1].end() :]) is not None


def _house(name: str, words: Lexicon) -> bool:
    parts = re.split(r"[ \u00a0-]", name)
    return any(part.lower().strip("’'") in words.no_names for part in parts)


def _by_right(said: Sequence[Said], index: int, name: str, words: Lexicon) -> bool:
    """Tell whether this is the officer, the signatory, the person addressed or whom to call."""
    one, persons = said[index], words.persons
    near = said[max(0, index - 2) : index + 3]
    at = one.text.find(plain(name))
    before = one.text[: max(at, 0)]
    ranks = list(persons["rank"].finditer(before))
    ranked = ranks and len(before) - ranks[-1].end() <= _CLOSE
    if ranked or (reached_by(one.text) and not persons["role"].search(before[-25:])):
        return True
    if persons["official"].search(one.text) or persons["official"].search(one.lead):
        return True
    if _ADDRESSED.match(one.text):
        return index < _LAST
    if len(one.text) > _LONGEST_SIGNATURE:
        return False
    if any(reached_by(other.text) or persons["official"].search(other.text) for other in near):
        return True
    last = index >= len(said) - _LAST
    return last and (not one.text.endswith(".") or persons["signed"].search(one.text) is not None)
