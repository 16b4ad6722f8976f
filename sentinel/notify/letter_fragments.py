"""What each owner adds to a letter: its kind of incident, its findings, its categories of data.

So a letter about connection data that somebody read differs from one about stolen passwords,
although both have the same blocks. The words are content under ``notifiers/letters``:
``<kind>/fragment.yml``, ``findings.yml``, ``categories.yml``; what they share in ``phrases.yml``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from sentinel.errors import ContentError
from sentinel.notify.content_model import Content
from sentinel.yaml_file import read_yaml

LAST = 70  # the rank of an advice that says none: before "go to the police", after the rest


class Words(Content):
    """A phrase in both languages."""

    fr: str
    en: str

    def of(self, language: str) -> str:
        """Return the phrase in ``fr`` or ``en``."""
        return self.fr if language == "fr" else self.en


class Advice(Words):
    """``rank``: the lower, the sooner it is to be done."""

    rank: int = LAST


Phrase = TypeVar("Phrase", bound=Words)


class Phrases(Content):
    """``phrases.yml``."""

    misuse: dict[str, Words]
    advice: dict[str, Advice]


class Fragment(Content):
    """What one owner adds. A text names a phrase of ``phrases.yml``.

    ``data``: categories that it touches by its nature.
    ``facts``: what the case must say, and how a draft asks for it. ``effects``: sentences.
    ``lead``: what stands before the list of misuses, without its colon. ``unless``: facts whose
    value takes that list away. ``alone``: no misuse of another owner is listed beside these.
    ``child``: the data are a child's, and the letter goes to the parents.
    """

    data: tuple[str, ...] = ()
    facts: Mapping[str, Words] = {}
    effects: tuple[Words, ...] = ()
    lead: Words | None = None
    unless: Mapping[str, str] = {}
    misuse: tuple[str | Words, ...] = ()
    advice: tuple[str | Advice, ...] = ()
    alone: bool = False
    child: bool = False


class Category(Words):
    """A category of data. ``usual``: held of everybody, so also told where it is not concerned."""

    usual: bool = False
    child: Words | None = None
    misuse: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()

    def told(self, language: str, *, child: bool) -> str:
        """Return its words, to the person or to the parents of a child."""
        return (self.child if child and self.child else self).of(language)


class CategoryFile(Content):
    """``categories.yml``."""

    categories: dict[str, Category]


class FindingFile(Content):
    """``findings.yml``: by the slug of the rule."""

    findings: dict[str, Fragment]


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """What all owners of one letter say together, in one language, each thing once."""

    effects: tuple[str, ...]
    lead: str
    misuse: tuple[str, ...]
    advice: tuple[str, ...]


def read_categories(letters: Path) -> dict[str, Category]:
    """Return the categories of data by name. Raises ContentError."""
    return read_yaml(letters / "categories.yml").validate(CategoryFile).categories


def read_fragment(letters: Path, kind: str) -> Fragment:
    """Return the fragment of a kind of incident, else the generic one. Raises ContentError."""
    own = letters / kind / "fragment.yml"
    path = own if own.is_file() else letters / "generic" / "fragment.yml"
    return read_yaml(path).validate(Fragment)


def read_findings(letters: Path, slugs: Iterable[str]) -> list[Fragment]:
    """Return the fragments of the rules named by ``slugs``; most rules have none.

    Raises ContentError.
    """
    table = read_yaml(letters / "findings.yml").validate(FindingFile).findings
    return [table[slug] for slug in dict.fromkeys(slugs) if slug in table]


def gather(
    letters: Path,
    kind: Fragment,
    findings: Sequence[Fragment],
    touched: Sequence[Category],
    facts: Mapping[str, str],
    language: str,
) -> Gathered:
    """Put together what the kind, its findings and the data ``touched`` add.

    Raises ContentError where a fragment names a phrase that nobody wrote.
    """
    phrases = read_yaml(letters / "phrases.yml").validate(Phrases)
    owners = [kind, *findings]
    misuse: list[str | Words] = [one for owner in owners for one in owner.misuse]
    advice: list[str | Advice] = [one for owner in owners for one in owner.advice]
    advice += [one for category in touched for one in category.advice]
    if not kind.alone:
        misuse += [one for category in touched for one in category.misuse]
    if any(facts.get(name) == value for name, value in kind.unless.items()):
        misuse = []
    lead = kind.lead or read_fragment(letters, "generic").lead
    ranked = sorted(
        (_phrase(phrases.advice, one, letters) for one in advice), key=lambda one: one.rank
    )
    return Gathered(
        effects=_once(one.of(language) for owner in owners for one in owner.effects),
        lead=lead.of(language) if lead else "",
        misuse=_once(_phrase(phrases.misuse, one, letters).of(language) for one in misuse),
        advice=_once(one.of(language) for one in ranked),
    )


def _phrase(table: Mapping[str, Phrase], one: str | Phrase, letters: Path) -> Phrase:
    if not isinstance(one, str):
        return one
    if one not in table:
        raise ContentError(
            f"no phrase is called {one!r}",
            where=str(letters / "phrases.yml"),
            hint=", ".join(table),
        )
    return table[one]


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
