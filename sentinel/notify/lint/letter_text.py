"""A letter ready to be judged: its sentences, what introduces each, where addresses stand."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import msgspec

from sentinel.notify.lint.fold import Folded, fold
from sentinel.notify.lint.sentences import Sentence, split
from sentinel.notify.lint.source import Source

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<![\w/.,-])(?:\+|\(?0|1[ -]?8\d\d)[\d .()/-]{6,20}\d(?![\w/]|[.,]\d)")
_DATE = re.compile(r"^\(?\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}\b")
_NO_REPLY = re.compile(r"no-?.?reply|ne-?pas-?repondre|do-?not-?reply|nepasrepondre|donotreply")
_LABEL = re.compile(r"\W*[a-z][\w' ,/-]{1,48}? ?: (?=.{8})")
_HEADING = re.compile(r"[^.;!?]{3,70}(?<![:,])")
_INTRODUCES = re.compile(
    r"\b(?:what|which|how|why|your?|we|our|data|information|risks?|consequences?|measures?|actions?"
    r"|steps|advice|happened|shown|seen|affected|concerned|involved|not|possible|likely|done"
    r"|to do|facts"
    r"|ce que?|quelles?|comment|pourquoi|vos|votre|vous|nous|nos|donnees|informations|risques?"
    r"|mesures?"
    r"|conseils?|faits|concern\w+|touch\w+|pas|fait|faire|que faire|precautions?|contact"
    r"|questions?|news"
    r"|rights|droits|suivre|joindre|reach|following|situation)\b"
)
_FEWEST, _MOST = 8, 15  # digits of a telephone number


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence. ``lead``: what introduces it: a label, a heading, the line before its list.

    ``written``: as it was written, in lower case.
    """

    sentence: Sentence
    lead: str
    written: str

    @property
    def text(self) -> str:
        """The sentence alone, folded."""
        return self.sentence.text

    @property
    def whole(self) -> str:
        """The sentence after what introduces it."""
        return f"{self.lead} {self.text}" if self.lead else self.text


class LetterText(msgspec.Struct, frozen=True, kw_only=True):
    """``folded``: the whole text; ``said``: the sentences of the body, in order."""

    source: Source
    folded: Folded
    said: Sequence[Said]

    def offset(self, index: int) -> int:
        """Return the offset in ``source.raw`` of an index of the folded text."""
        return self.source.at[self.folded.at[index]]

    def in_sentence(self, said: Said, start: int) -> int:
        """Return the offset in ``source.raw`` of an index of the text of a sentence."""
        return self.offset(said.sentence.shift[min(start, len(said.sentence.shift) - 1)])


def letter_text(source: Source) -> LetterText:
    """Return the letter of ``source`` cut into sentences."""
    folded = fold(source.text)
    body = next((i for i, at in enumerate(folded.at) if at >= source.body_from), 0)
    said: list[Said] = []
    heading = lead = ""
    after_heading = False
    for sentence in split(folded, source.text, body, wrapped=not source.page):
        if not sentence.item:
            lead = ""
        said.append(_said(sentence, lead or heading, _written(sentence, folded, source)))
        if _HEADING.fullmatch(sentence.text) and not sentence.item:
            # Two in a row are the head of a table: neither introduces what follows.
            heading = (
                "" if after_heading or not _INTRODUCES.search(sentence.text) else sentence.text
            )
            after_heading = True
        else:
            after_heading = False
        if sentence.text.endswith(":"):
            lead = sentence.text
    return LetterText(source=source, folded=folded, said=said)


def _written(sentence: Sentence, folded: Folded, source: Source) -> str:
    text = source.text[folded.at[sentence.start] : folded.at[sentence.end]]
    return unicodedata.normalize("NFC", text).lower()


def _said(sentence: Sentence, lead: str, written: str) -> Said:
    """Take a label before the sentence ("What we did: ...") for what introduces it."""
    label = _LABEL.match(sentence.text)
    if label is None:
        return Said(sentence=sentence, lead=lead, written=written)
    at = label.end()
    rest = msgspec.structs.replace(sentence, text=sentence.text[at:], shift=sentence.shift[at:])
    return Said(sentence=rest, lead=label[0].strip(), written=written)


def phones(text: str) -> list[re.Match[str]]:
    """Return the telephone numbers in a text."""
    return [
        match
        for match in _PHONE.finditer(text)
        if _FEWEST <= sum(c.isdigit() for c in match[0]) <= _MOST and not _DATE.match(match[0])
    ]


def emails(text: str) -> list[re.Match[str]]:
    """Return the e-mail addresses in a text that somebody reads."""
    return [match for match in EMAIL.finditer(text) if not _NO_REPLY.search(match[0])]


def reached_by(text: str) -> list[re.Match[str]]:
    """Return the addresses and numbers in a text."""
    return [*emails(text), *phones(text)]
