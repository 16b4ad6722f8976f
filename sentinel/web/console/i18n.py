"""English and French: gettext catalogs read from their ``.po`` source at start.

The msgid is the English text, so English needs no catalog. A string that is named in Python and
shown later is marked with `mark`, which the extraction knows.
"""

from __future__ import annotations

from pathlib import Path

from babel.core import negotiate_locale
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

LANGUAGES = ("fr", "en")
LOCALE_DIR = Path(__file__).parent / "locale"


def mark(text: str) -> str:
    """Return ``text``; it is translated where it is shown."""
    return text


class Words:
    """The texts of one language."""

    def __init__(self, language: str, catalog: Catalog | None = None) -> None:
        self.language = language
        self._one: dict[str, str] = {}
        self._many: dict[str, tuple[str, ...]] = {}
        for message in catalog or ():
            if not message.id or message.fuzzy:
                continue
            if isinstance(message.id, str):
                self._one[message.id] = str(message.string)
            else:
                self._many[message.id[0]] = tuple(message.string or ())

    def gettext(self, text: str) -> str:
        """Return ``text`` in this language; the English text where it is not translated."""
        return self._one.get(text) or text

    def ngettext(self, one: str, many: str, number: int) -> str:
        """Return the form for ``number``; in French zero and one are singular."""
        forms = self._many.get(one)
        singular = number < 2 if self.language == "fr" else number == 1  # noqa: PLR2004
        if forms and all(forms):
            return forms[0] if singular else forms[-1]
        return one if singular else many


def load_words(language: str) -> Words:
    """Read the catalog of ``language`` (``fr`` or ``en``)."""
    if language == "en":
        return Words("en")
    path = LOCALE_DIR / language / "LC_MESSAGES" / "console.po"
    with path.open("rb") as file:
        return Words(language, read_po(file, locale=language))


def preferred(accept_language: str, default: str) -> str:
    """Return the best of our languages for an ``Accept-Language`` header (RFC 9110, 12.5.4)."""
    weighted: list[tuple[float, str]] = []
    for item in accept_language.split(","):
        tag, _, parameter = item.strip().partition(";")
        try:
            weight = float(parameter.partition("q=")[2] or 1)
        except ValueError:
            continue
        if tag and weight > 0:
            weighted.append((weight, tag.strip()))
    wanted = [tag for _, tag in sorted(weighted, key=lambda pair: -pair[0])]
    return negotiate_locale(wanted, LANGUAGES, sep="-") or default
