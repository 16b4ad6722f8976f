"""A request for a password, a code, a card number or an identity document.

"We will never ask for your password", "choose a new password" and "if somebody asks for your code"
are no requests: who is asked, for what, and whether it is denied, decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sentinel.notify.lint.letter_text import LetterText, Said
from sentinel.notify.lint.report import Hit
from sentinel.notify.lint.words import Lexicon

_COMMAND = {
    "en": re.compile(
        r"(?:^\W*(?:\d{1,2}[.)] )?|[.;:,] |\band |\bthen |\bor )(?:please |then |simply |just "
        r"|first |now )*$"
    ),
    "fr": re.compile(
        r"(?:^\W*(?:\d{1,2}[.)] )?|[.;:,] ?|\bet |\bpuis |\bou )(?:nous |ensuite |simplement "
        r"|alors )*$"
    ),
}
_FORGET = re.compile(
    r"n'(?:oubliez|hesitez|omettez) pas|ne manquez pas|(?:do not|don't) (?:forget|hesitate|omit)"
)
_ASKED = {"en": "please", "fr": "veuillez"}
_NOT_TO = re.compile(r"\b(?:ne |n'|do not |don't |never |not to |not )(?:\w+ ){0,2}$")
_NEW = re.compile(
    r"\b(?:new|nouveau|nouvel|nouvelle|strong|another|different|autre|fresh|chang(?:e|ing|ez"
    r"|er)|reset\w*"
    r"|reinitialis\w+|modifi\w+|choos(?:e|ing)|pick|choisi\w+|renouvel\w+|update your password"
    r"|replace"
    r"|remplac\w+|set (?:a|your))\b"
)
_ELSEWHERE = re.compile(
    r"\b(?:(?:tell|ask|call|contact|give|inform|warn|with|to) (?:your|the) bank|the police"
    r"|la police"
    r"|(?:demand\w+|appel\w+|aupres de|contact\w+|inform\w+|a|prevenez|dites a) (?:votre|la) banque"
    r"|gendarmerie|credit reference|passport office|prefecture)\b"
)
_WRITES = re.compile(
    r"\b(?:write|reply|answer|respond|contact|call|ring|phone|e-?mail|text|send)\b[^.;:]*[, ]$"
)
_CLAUSE_BETWEEN = re.compile(  # "type the address yourself before you enter your password"
    r";|\b(?:before (?:you|enter|typ|\w+ing)|if (?:you|some|any)|when(?:ever)?"
    r"|avant (?:de\b|d'|que)"
    r"|si (?:vous|l'on|on|quelqu)|lorsqu\w*|quand|where no|ou aucun)|"
    r"\b(?:no|nor|ni|aucune?|sans|without) (?:\w+ ){0,3}$"
)
_LISTED = re.compile(r"\)|,(?! (?:avec|with|accompagn|en|ainsi|along|together|by|par|dans)\b)")
_WITHOUT = re.compile(r"\b(?:without|sans)\b[^,;:.]*,")
_NOUN_BEFORE = re.compile(r"\b(?:your|the|an|this|that|new|each|votre|vos|un|une)\s$")
_UNLESS = re.compile(r"\b(?:si|tant que|a moins que|avant que) vous ne (\w+ez)(?: pas)?")
_OURS = re.compile(r"\b(?:our|notre|nos) (?:\w+ )?$")
_REACH = 110
_NEW_WITHIN = 60


def credential_requests(letter: LetterText, words: Lexicon) -> Iterator[Hit]:
    """Find sentences in which the reader is asked to hand over a secret."""
    before: Said | None = None
    for one in letter.said:
        found = asks_secret(one, words) or _asks_for_it(one, before, words)
        if found is not None:
            start, end = found
            yield Hit("asks_for_credentials", letter.in_sentence(one, start), one.text[start:end])
        before = one


def _asks_for_it(one: Said, before: Said | None, words: Lexicon) -> tuple[int, int] | None:
    """Return where the reader is asked for what the sentence before speaks of.

    "You will be texted a code. Please send it to us."
    """
    asks = words.requests
    found = asks["hand_it"].search(one.text)
    if found is None or before is None or asks["denied"].search(f"{before.text} {one.text}"):
        return None
    if not (asks["secret"].search(before.text) and asks["arrives"].search(before.text)):
        return None
    start = one.text[: found.start()]
    if not (asks["asked"].search(start) or _COMMAND[words.language].search(start)):
        return None
    return found.span()


def asks_secret(one: Said, words: Lexicon) -> tuple[int, int] | None:
    """Return where in the sentence the reader is asked for a secret, if it asks."""
    language, asks = words.language, words.requests
    text = _FORGET.sub(lambda match: _ASKED[language].ljust(len(match[0])), one.text)
    text = _UNLESS.sub(lambda match: f"veuillez {match[1]}".ljust(len(match[0])), text)
    for verb in asks["give"].finditer(text):
        secret = asks["secret"].search(text, verb.end(), min(len(text), verb.end() + _REACH))
        if secret is None or _ELSEWHERE.search(text):
            continue
        before = text[: verb.start()]
        if _LISTED.match(text, verb.end()) or _NOUN_BEFORE.search(before):
            continue  # "name, e-mail, card number": a noun
        if _CLAUSE_BETWEEN.search(text[verb.end() : secret.start()]):
            continue
        asked = asks["asked"].search(text[: verb.end()]) or asks["asked"].search(one.lead)
        commands = _commands(verb[0], language) and _COMMAND[language].search(before)
        clause = _WITHOUT.sub(",", before[-_REACH:] + verb[0])
        between = text[verb.end() : secret.end()]
        denied = _NOT_TO.search(before) or any(
            asks["denied"].search(part) for part in (clause, between)
        )
        ours = _OURS.search(between[: len(between) - len(secret[0])])
        new = _NEW.search(re.split(r"[,;:.]", clause[-_NEW_WITHIN:])[-1] + between)
        if (asked or commands or _joins(before, verb[0])) and not (denied or ours or new):
            return verb.start(), secret.end()
    return None


def _joins(before: str, verb: str) -> bool:
    """Tell whether the secret is to come along: "write to us, giving the old password"."""
    return verb.split(" ", 1)[0].endswith("ing") and _WRITES.search(before) is not None


def _commands(verb: str, language: str) -> bool:
    first = verb.split(" ", 1)[0]
    return first.endswith("ez") if language == "fr" else not first.endswith(("ing", "ed", "ation"))
