"""Every text of the console exists in French, and every code of the domain has words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import sentinel.respond
import sentinel.web
from sentinel.domain.alert import AlertState
from sentinel.domain.deadline import Obligation
from sentinel.domain.finding import Level
from sentinel.domain.incident import Authority, FilingKind, Legal, Outcome, Persons, Role, Security
from sentinel.legal import rulesets
from sentinel.web.console.i18n import LOCALE_DIR, Words, load_words
from sentinel.web.console.words import BASES, TABLES, word_for

WEB = Path(sentinel.web.__path__[0])
CATALOG = LOCALE_DIR / "fr" / "LC_MESSAGES" / "console.po"
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
BEFORE_MARK = re.compile(r"[^\u00a0\u202f\d][:;?!»]|«[^\u00a0\u202f]")


def extracted() -> set[str]:
    """Return every msgid (the singular one) named in templates and modules."""
    found: set[str] = set()
    texts = extract_from_dir(
        WEB,
        [("**.py", "python"), ("**/templates/**.html", "jinja2.ext:babel_extract")],
        options_map={"**/templates/**.html": {"trimmed": "true", "silent": "false"}},
        keywords={"mark": None, "_": None, "gettext": None, "ngettext": (1, 2)},
    )
    for _file, _line, message, _comments, _context in texts:
        found.add(message if isinstance(message, str) else message[0])
    return found


def catalog() -> dict[str, tuple[tuple[str, ...], tuple[str, ...], bool]]:
    with CATALOG.open("rb") as file:
        messages = [message for message in read_po(file, locale="fr") if message.id]
    return {
        _forms(message.id)[0]: (_forms(message.id), _forms(message.string), message.fuzzy)
        for message in messages
    }


def _forms(text: str | Iterable[str]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def test_the_extraction_finds_templates_and_modules() -> None:
    assert {"Sign in", "Initial notification to the CNIL"} <= extracted()
    assert len(extracted()) > 150


def test_nothing_is_untranslated_fuzzy_or_left_over() -> None:
    french = catalog()
    assert extracted() - french.keys() == set(), "missing"
    assert french.keys() - extracted() == set(), "left over"
    assert [name for name, (_, told, _) in french.items() if not all(told)] == []
    assert [name for name, (_, _, fuzzy) in french.items() if fuzzy] == []


def test_placeholders_survive_the_translation() -> None:
    for name, (english, french, _) in catalog().items():
        wanted = set(PLACEHOLDER.findall(english[-1]))
        for form in french:
            assert set(PLACEHOLDER.findall(form)) == wanted, name


def test_french_typography() -> None:
    for _, french, _ in catalog().values():
        for form in french:
            assert "'" not in form, "the apostrophe is ’"
            assert not BEFORE_MARK.search(form), f"no-break space before the mark: {form}"


@pytest.mark.parametrize(
    ("table", "codes"),
    [
        ("level", Level),
        ("alert_state", AlertState),
        ("security", Security),
        ("legal", Legal),
        ("outcome", Outcome),
        ("authority", Authority),
        ("persons", Persons),
        ("role", Role),
        ("filing", FilingKind),
    ],
)
def test_every_code_of_the_domain_has_words(table: str, codes: type[StrEnum]) -> None:
    assert {str(code) for code in codes} <= TABLES[table].keys()


def test_every_obligation_has_words() -> None:
    named = {value for name, value in vars(Obligation).items() if name.isupper()}
    assert named
    assert named <= TABLES["obligation"].keys()


def test_every_basis_of_the_rule_sets_has_words() -> None:
    text = (Path(rulesets.__file__).parent / "eu-fr.toml").read_text(encoding="utf-8")
    bases = set(re.findall(r'^basis = "(.+)"$', text, re.MULTILINE))
    assert bases
    assert bases <= BASES.keys()


def test_every_action_of_the_journal_has_words() -> None:
    rooms = [Path(sentinel.respond.__path__[0]), WEB]
    source = "\n".join(p.read_text(encoding="utf-8") for room in rooms for p in room.rglob("*.py"))
    written = set(
        re.findall(r'"((?:incident|alert|account|deadline|document)\.(?!html")[a-z_]+)"', source)
    )
    assert "incident.breach_confirmed" in written
    assert written - TABLES["action"].keys() == set()


def test_a_code_without_words_is_shown_as_it_is() -> None:
    assert word_for("action", "incident.something_new") == "incident.something_new"


@pytest.mark.parametrize(("number", "word"), [(0, "personne"), (1, "personne"), (2, "personnes")])
def test_french_plurals(number: int, word: str) -> None:
    text = load_words("fr").ngettext(
        "%(count)s person, under a pseudonym", "%(count)s persons, under pseudonyms", number
    )
    assert text.split()[1].rstrip(",") == word


def test_english_is_its_own_catalog() -> None:
    words = load_words("en")
    assert words.gettext("Sign in") == "Sign in"
    assert [words.ngettext("one", "many", number) for number in (0, 1, 2)] == [
        "many",
        "one",
        "many",
    ]


def test_a_text_without_translation_falls_back() -> None:
    assert Words("fr").gettext("Sign in") == "Sign in"
