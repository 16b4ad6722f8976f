"""How the authority's form names what we know: ``notifiers/cnil/<form>.yml``."""

from __future__ import annotations

from sentinel.notify.content_model import Content


class CategoryCode(Content):
    """How the form names one of our categories of data. ``text``: French; ``text_en``: English."""

    code: str
    text: str = ""
    text_en: str = ""

    def told(self, language: str) -> str:
        """Return what stands beside the code."""
        return self.text_en or self.text if language == "en" else self.text


class FormMapping(Content):
    """``notifiers/cnil/cnil-1.yml``."""

    kinds: dict[str, dict[str, object]]
    data_categories: dict[str, CategoryCode]


def of_kind(mapping: FormMapping, kind: str, language: str) -> dict[str, object]:
    """Return what a kind of incident answers by itself, with its texts in ``fr`` or ``en``."""
    return {
        field: _in(answer, language) if isinstance(answer, dict) else answer
        for field, answer in mapping.kinds.get(kind, {}).items()
    }


def _in(answer: dict[str, object], language: str) -> dict[str, object]:
    found = {key: value for key, value in answer.items() if key != "text_en"}
    if language == "en" and answer.get("text_en"):
        found["text"] = answer["text_en"]
    return found
