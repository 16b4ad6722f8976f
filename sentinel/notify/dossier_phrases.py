"""What the record says in a dossier, in English beside the French that is frozen and filed.

The canonical JSON is French and stays so; a reading copy replaces each sentence that Sentinel made
by its English twin. What a person wrote in one language stays as it was written, and is marked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from sentinel.domain.canonical import canonical
from sentinel.legal.forms import Field
from sentinel.notify.dossier import LATE_REASONS, Dossier, is_not_applicable, is_unknown

_WORDED = frozenset(
    {"text", "list", "list_ref", "file", "files", "bool+text", "enum+text", "multi_enum+text"}
)
"""Types of fields whose answers are sentences, not names, numbers or dates."""


class Phrases(msgspec.Struct, frozen=True, kw_only=True):
    """The English of a draft, kept beside it. ``sha256``: of the dossier that it belongs to."""

    sha256: str
    english: dict[str, str]

    def canonical(self) -> bytes:
        """Return it as canonical JSON (RFC 8785)."""
        return canonical(msgspec.to_builtins(self))


def phrases(french: Dossier, english: Dossier) -> dict[str, str]:
    """Return the English of each sentence by its French: the same dossier, built in both."""
    return dict(_pairs(french.answers, english.answers))


def _pairs(french: object, english: object) -> Iterator[tuple[str, str]]:
    if isinstance(french, str) and isinstance(english, str):
        if french != english:
            yield french, english
    elif isinstance(french, Mapping) and isinstance(english, Mapping):
        for key in french:
            yield from _pairs(french[key], english.get(key))
    elif isinstance(french, list) and isinstance(english, list) and len(french) == len(english):
        for one, other in zip(french, english, strict=True):
            yield from _pairs(one, other)


def said(answer: object, known: Mapping[str, str]) -> object:
    """Return an answer with the sentences of ``known`` replaced."""
    if isinstance(answer, str):
        return known.get(answer, answer)
    if isinstance(answer, Mapping):
        return {key: said(value, known) for key, value in answer.items()}
    if isinstance(answer, list):
        return [said(one, known) for one in answer]
    return answer


def as_written(field: Field, answer: object, known: Mapping[str, str]) -> bool:
    """Tell whether an English reading shows words of a person that have no English."""
    if is_unknown(answer) or is_not_applicable(answer) or not _free(field, answer):
        return False
    if field.id == LATE_REASONS:  # the words around it are ours, the reasons are a person's
        return True
    items = answer if isinstance(answer, list) else [answer]
    return any(_only_french(item, known) for item in items)


def _free(field: Field, answer: object) -> bool:
    """Tell whether an answer has words of its own: with options, only where it has a text."""
    if field.options:
        return isinstance(answer, Mapping) and bool(answer.get("text"))
    return field.type in _WORDED and bool(answer)


def _only_french(item: object, known: Mapping[str, str]) -> bool:
    if isinstance(item, str):
        return bool(item) and item not in known
    if not isinstance(item, Mapping) or item.get("en"):
        return False
    words = item.get("text") or item.get("fr")
    return bool(words) and words not in known
