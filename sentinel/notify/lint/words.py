"""The words of the rules, from ``notifiers/letters/lint``: content, with the reason for each rule.

Patterns are regular expressions on folded text (`sentinel.notify.lint.fold`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import msgspec

from sentinel.content import content_dir
from sentinel.errors import ContentError
from sentinel.notify.content_model import Content
from sentinel.notify.letter_fragments import Words
from sentinel.yaml_file import read_yaml

_NOTHING = re.compile(r"(?!)")


class Things(Content):
    """Words by language."""

    en: tuple[str, ...]
    fr: tuple[str, ...]

    def of(self, language: str) -> tuple[str, ...]:
        """Return the words in ``fr`` or ``en``."""
        return self.fr if language == "fr" else self.en


class PhraseFile(Content):
    """A rule that looks for phrases. ``unless``: a sentence with this is innocent.

    ``things``: words that are a fault unless their sentence tells what became of them
    (``narrates``) and offers nothing (``offers``).
    """

    reason: Words
    unless: Words | None = None
    things: Things | None = None
    narrates: Words | None = None
    offers: Words | None = None
    en: tuple[str, ...]
    fr: tuple[str, ...]


class JargonFile(Content):
    """Terms of the trade. ``acronyms`` are read in capitals, in the text as it was written."""

    reason: Words
    strong: tuple[str, ...]
    acronyms: tuple[str, ...]
    weak: tuple[str, ...]


class WordFile(Content):
    """Lists of words and patterns, by language and name."""

    en: Mapping[str, str | tuple[str, ...]]
    fr: Mapping[str, str | tuple[str, ...]]

    def of(self, language: str) -> Mapping[str, str | tuple[str, ...]]:
        """Return the entries in ``fr`` or ``en``."""
        return self.fr if language == "fr" else self.en


class FunctionFile(WordFile):
    """What a sentence does, by language and name; ``reason`` by what is missing."""

    reason: Mapping[str, Words]


class PersonFile(Content):
    """Words beside a name, in both languages."""

    role: tuple[str, ...]
    rank: tuple[str, ...]
    official: tuple[str, ...]
    signed: tuple[str, ...]


class ReasonFile(Content):
    """Why the rules that need no words of their own exist."""

    reasons: Mapping[str, Words]


class Phrases(msgspec.Struct, frozen=True):
    """The patterns of one rule in one language, as one. Absent patterns find nothing."""

    found: re.Pattern[str]
    unless: re.Pattern[str]
    things: re.Pattern[str]
    narrates: re.Pattern[str]
    offers: re.Pattern[str]

    def faults(self, text: str) -> Iterator[re.Match[str]]:
        """Find what is at fault in a sentence."""
        if self.unless.search(text):
            return
        yield from self.found.finditer(text)
        if self.offers.search(text) or not self.narrates.search(text):
            yield from self.things.finditer(text)


class Lexicon(msgspec.Struct, frozen=True, kw_only=True):
    """All words in one language. ``reasons``: by code, and by what is missing.

    ``does``: what a sentence does; ``requests``, ``subject``, ``persons``: patterns by the names in
    their files. ``no_names``: capitalised words that are no person's name.
    """

    language: str
    minimising: Phrases
    vague: Phrases
    marketing: Phrases
    strong_jargon: re.Pattern[str]
    weak_jargon: re.Pattern[str]
    acronyms: re.Pattern[str]
    does: Mapping[str, re.Pattern[str]]
    requests: Mapping[str, re.Pattern[str]]
    subject: Mapping[str, re.Pattern[str]]
    persons: Mapping[str, re.Pattern[str]]
    shorteners: frozenset[str]
    no_names: frozenset[str]
    first_names: frozenset[str]
    reasons: Mapping[str, Words]


def lexicon(language: str, notifiers: Path | None = None) -> Lexicon:
    """Return the words in ``fr`` or ``en``. Raises ContentError."""
    return _lexicon(language, (notifiers or content_dir("notifiers")) / "letters" / "lint")


@cache
def _lexicon(language: str, folder: Path) -> Lexicon:
    phrases = {
        name: read_yaml(folder / f"{name}.yml").validate(PhraseFile)
        for name in ("minimising_language", "vague_measures", "marketing_content")
    }
    jargon = read_yaml(folder / "jargon.yml").validate(JargonFile)
    does = read_yaml(folder / "functions.yml").validate(FunctionFile)
    turns = read_yaml(folder / "turns.yml").validate(WordFile)
    others = read_yaml(folder / "reasons.yml").validate(ReasonFile)
    requests = read_yaml(folder / "requests.yml").validate(WordFile)
    subject = read_yaml(folder / "subject.yml").validate(WordFile)
    persons = read_yaml(folder / "persons.yml").validate(PersonFile)
    return Lexicon(
        language=language,
        minimising=_phrases(phrases["minimising_language"], language, folder),
        vague=_phrases(phrases["vague_measures"], language, folder),
        marketing=_phrases(phrases["marketing_content"], language, folder),
        strong_jargon=_joined(jargon.strong, folder),
        weak_jargon=_joined(jargon.weak, folder),
        acronyms=_joined(tuple(map(re.escape, jargon.acronyms)), folder),
        does=_doings(_both(does.of(language), turns.of(language)), folder),
        requests=_doings(requests.of(language), folder),
        subject=_doings(subject.of(language), folder),
        persons=_doings(persons.model_dump(), folder),
        shorteners=_lines(folder / "shorteners.txt"),
        no_names=_lines(folder / "no_names.txt"),
        first_names=_lines(folder / "first_names.txt"),
        reasons={
            **others.reasons,
            **does.reason,
            **{name: one.reason for name, one in phrases.items()},
            "jargon": jargon.reason,
        },
    )


def _lines(path: Path) -> frozenset[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def _phrases(rule: PhraseFile, language: str, folder: Path) -> Phrases:
    def pattern(words: Words | None) -> re.Pattern[str]:
        return _pattern(words.of(language), folder) if words else _NOTHING

    return Phrases(
        found=_joined(rule.fr if language == "fr" else rule.en, folder),
        unless=pattern(rule.unless),
        things=_joined(rule.things.of(language), folder) if rule.things else _NOTHING,
        narrates=pattern(rule.narrates),
        offers=pattern(rule.offers),
    )


def _both(
    entries: Mapping[str, str | tuple[str, ...]], more: Mapping[str, str | tuple[str, ...]]
) -> dict[str, str | tuple[str, ...]]:
    """Add the entries of ``more``: to a list its items, to a pattern another way to say it."""
    merged = dict(entries)
    for name, added in more.items():
        known = merged.get(name)
        if known is None:
            merged[name] = added
        elif isinstance(known, str) or isinstance(added, str):
            merged[name] = "|".join(map(_pattern_of, (known, added)))
        else:
            merged[name] = (*known, *added)
    return merged


def _pattern_of(entry: str | tuple[str, ...]) -> str:
    return entry if isinstance(entry, str) else rf"\b(?:{'|'.join(entry)})\b"


def _doings(
    entries: Mapping[str, str | tuple[str, ...]], folder: Path
) -> dict[str, re.Pattern[str]]:
    """Compile each entry: a pattern, or a list of whole words; ``<name>`` stands for a list."""
    lists = {name: "|".join(one) for name, one in entries.items() if not isinstance(one, str)}

    def text(one: str | tuple[str, ...]) -> str:
        return re.sub(r"<(\w+)>", lambda match: rf"(?:{lists[match[1]]})", _pattern_of(one))

    return {name: _pattern(text(one), folder) for name, one in entries.items()}


def _joined(patterns: tuple[str, ...], folder: Path) -> re.Pattern[str]:
    return _pattern("|".join(rf"(?:(?<!\w)(?:{one})(?!\w))" for one in patterns), folder)


def _pattern(text: str, folder: Path) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise ContentError(f"{error} in the pattern {text[:60]!r}", where=str(folder)) from error
