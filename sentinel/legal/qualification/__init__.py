"""The twenty questions of the qualification, and the EDPB's cases, as data; a thin loader.

A question is never code: `questions.json` holds its words in French and English and its choices.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

import msgspec

from sentinel.errors import InvalidValue, NotFound

PREFIX = "qual."


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One choice of a question."""

    code: str
    fr: str
    en: str

    def label(self, language: str) -> str:
        """Return the words in ``fr`` or ``en``."""
        return self.fr if language == "fr" else self.en


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``type``: ``one``, ``many``, ``text`` or ``number``. ``basis``: why it is asked."""

    id: str
    type: str
    fr: str
    en: str
    basis: str
    choices: tuple[Choice, ...] = ()

    def label(self, language: str) -> str:
        """Return the question in ``fr`` or ``en``."""
        return self.fr if language == "fr" else self.en

    def say(self, value: object, language: str) -> str:
        """Return an answer in words."""
        known = {choice.code: choice.label(language) for choice in self.choices}
        codes = value if isinstance(value, list | tuple) else [value]
        return ", ".join(known.get(str(code), str(code)) for code in codes)


class EdpbCase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A case of EDPB Guidelines 01/2021. ``facts``: feature -> value, to compare with ours."""

    id: str
    family: str
    fr: str
    en: str
    authority: bool
    individuals: bool
    decisive_fr: str
    decisive_en: str
    facts: dict[str, str]

    def title(self, language: str) -> str:
        """Return the title in ``fr`` or ``en``."""
        return self.fr if language == "fr" else self.en

    def decisive(self, language: str) -> str:
        """Return what decided it, in ``fr`` or ``en``."""
        return self.decisive_fr if language == "fr" else self.decisive_en


@cache
def questions() -> tuple[Question, ...]:
    """Return the twenty questions in their order."""
    raw = (resources.files(__package__) / "questions.json").read_bytes()
    return msgspec.json.decode(raw, type=tuple[Question, ...])


@cache
def edpb_cases() -> tuple[EdpbCase, ...]:
    """Return the eighteen cases in their order."""
    raw = (resources.files(__package__) / "edpb_cases.json").read_bytes()
    return msgspec.json.decode(raw, type=tuple[EdpbCase, ...])


@cache
def _by_id() -> Mapping[str, Question]:
    return {question.id: question for question in questions()}


def question(question_id: str) -> Question:
    """Return a question. Raises NotFound."""
    found = _by_id().get(question_id)
    if found is None:
        raise NotFound(f"question {question_id!r}", hint=", ".join(_by_id()))
    return found


def check_answer(field: str, value: object) -> None:
    """Refuse an answer that a question of the qualification cannot have; other fields pass.

    Raises InvalidValue, NotFound for an unknown question.
    """
    if not field.startswith(PREFIX):
        return
    asked = question(field)
    codes = {choice.code for choice in asked.choices}
    fits = {
        "one": isinstance(value, str) and value in codes,
        "many": isinstance(value, list | tuple) and bool(value) and set(map(str, value)) <= codes,
        "text": isinstance(value, str) and bool(value.strip()),
        "number": isinstance(value, int) and not isinstance(value, bool) and value >= 0,
    }[asked.type]
    if not fits:
        choices = ", ".join(choice.code for choice in asked.choices)
        hint = {"text": "a text", "number": "a whole number from 0 up"}.get(asked.type, choices)
        raise InvalidValue(f"{field} has no such answer", hint=hint)
