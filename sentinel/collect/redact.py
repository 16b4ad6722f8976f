"""What must never be stored: card numbers, IBANs, passwords, keys and tokens (R-24, R-38).

It is taken out before the spool, and the event says which kinds were found, so that a rule tells
the team that a system writes them into its log. The rest of the line stays as it was.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from sentinel.collect.bank_numbers import card_spans, iban_spans
from sentinel.collect.key_shapes import KEY_HINT, KEYS
from sentinel.domain.event import REDACTED, Value

CARD, IBAN, SECRET = "card_number", "iban", "secret"

_LONG_NAMES = (
    r"password|passwd|passphrase|passwort|mot_?de_?passe|secret|api[_-]?key|access[_-]?key"
    r"|private[_-]?key|token|authorization|signature|jsessionid|phpsessid|sessionid|jwt"
)
# Only as a whole word: `bypass=1` stays; so does `PWD=/home`, a folder.
_SHORT_NAMES = r"pass|pwd(?!=/)|mdp|otp|pin|cvv|cvc"
SECRET_WORDS = rf"{_LONG_NAMES}|{_SHORT_NAMES.replace('(?!=/)', '')}"
"""Each secret that is known by its name has one of these before it."""
# `chpasswd[1234]:` is a program and its process, which say nothing.
_NAME = (
    rf"(?<![\w.-])(?![\w.-]{{0,64}}\[\d{{1,10}}\]:)(?:[\w.-]{{0,64}}?(?:{_LONG_NAMES})"
    rf"|(?:[\w.-]{{0,64}}?[_.-])?(?:{_SHORT_NAMES}))"
)
_INDEX = r"(?:\[\w{0,32}\]|%5B\w{0,32}%5D|\]|%5D)?"  # user[password], password[0]
_QUOTE = r"(?:\\?[\"']|%22|%27)?"
_BLANK = r"(?:[ \t+]|%20){0,4}"
# A bare colon inside a word is none: `pam_unix(chpasswd:chauthtok)` hides nothing.
_COLON = r"(?:(?<=[\"'\s]):|:(?=[\"'\s\\])|%3A)"
_ASSIGN = rf"{_INDEX}{_QUOTE}{_BLANK}(?:=|%3D|{_COLON}){_BLANK}{_QUOTE}"
_SCHEME = rf"(?:(?:bearer|basic|digest|token){_BLANK})?"
_VALUE = r"(?!\[redacted:|(?:true|false|null|none)\b)(?:(?!%22|%26|%27)[^\s&\"'<>;,\\])+"
_ARGUMENT = r"(?!\[redacted:|-)[^\s\"'\\|;&]{1,256}"
_SECRETS = (
    re.compile(rf"({_NAME}{_ASSIGN}{_SCHEME}){_VALUE}", re.IGNORECASE | re.ASCII),
    re.compile(r"(\bbearer(?:[ \t+]|%20)+)[\w.~+/=-]{16,}", re.IGNORECASE | re.ASCII),
    re.compile(r"((?<![\w-]))eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*", re.ASCII),
    re.compile(r"(://[^/\s:@?#]{0,64}:)(?!\[redacted:)[^/\s@?#]{1,128}(?=@)", re.ASCII),
)
# A program's arguments: `--password x`, `sshpass -p x`, `curl -u name:x`, `mysql -u name -px`.
_ARGUMENTS = (
    re.compile(
        rf"((?<!\S)--?(?:[\w-]{{0,32}}-)?(?:{_LONG_NAMES}|{_SHORT_NAMES})[ \t]{{1,4}}{_QUOTE})"
        rf"{_ARGUMENT}",
        re.IGNORECASE | re.ASCII,
    ),
    re.compile(rf"(\bsshpass[ \t]{{1,4}}-p[ \t]{{0,4}}{_QUOTE}){_ARGUMENT}", re.ASCII),
    re.compile(
        rf"(\bcurl\b[^\n|;]{{0,512}}?[ \t](?:-u|--user)[ \t]{{1,4}}{_QUOTE}[^\s:]{{1,64}}:)"
        rf"{_ARGUMENT}",
        re.ASCII,
    ),
    re.compile(rf"(\bmysql(?:dump|admin)?\b[^\n|;]{{0,512}}?[ \t]-p){_ARGUMENT}", re.ASCII),
)
_HINT = re.compile(
    r"pass|pwd|mdp|otp|pin|cv[vc]|secret|key|token|auth|signature|sess|jwt|bearer|eyJ|://[^/]*@|curl|mysql",
    re.IGNORECASE,
)
_SECRET_NAME = re.compile(
    rf"(?:.*[_.-])?(?:{_LONG_NAMES}|{_SHORT_NAMES})|[^.]*(?:{_LONG_NAMES})", re.IGNORECASE
)
_SHORTEST = 5  # `pin=1` is the shortest text that can hold anything to hide
_REMEMBERED = 512  # characters; longer texts rarely repeat


class Redactor:
    """Takes secrets and bank details out of text and of fields."""

    def __init__(self) -> None:
        self._known = lru_cache(maxsize=8192)(_redact)

    def redact(self, text: str) -> tuple[str, tuple[str, ...]]:
        """Return the text with ``[redacted:<kind>]`` marks, and the kinds found, sorted."""
        if len(text) < _SHORTEST:
            return text, ()
        return self._known(text) if len(text) <= _REMEMBERED else _redact(text)

    def redact_fields(self, fields: dict[str, Value]) -> None:
        """Redact every text in ``fields`` in place and list the kinds in ``REDACTED``."""
        kinds: set[str] = set()
        for name, value in fields.items():
            if isinstance(value, str):
                if is_secret_name(name) and value and not value.startswith("[redacted:"):
                    fields[name] = f"[redacted:{SECRET}]"
                    kinds.add(SECRET)
                    continue
                clean, found = self.redact(value)
                if found:
                    fields[name] = clean
                    kinds.update(found)
            elif isinstance(value, list | dict):
                fields[name] = self._nested(value, kinds)
            elif isinstance(value, int) and not isinstance(value, bool):
                clean, found = self.redact(str(value))
                if found:
                    fields[name] = clean
                    kinds.update(found)
        if kinds:
            fields[REDACTED] = sorted(kinds)

    def _nested(self, value: Any, kinds: set[str]) -> Any:
        if isinstance(value, str):
            clean, found = self.redact(value)
            kinds.update(found)
            return clean
        if isinstance(value, list):
            return [self._nested(item, kinds) for item in value]
        if isinstance(value, dict):
            inner = dict(value)
            self.redact_fields(inner)
            kinds.update(inner.pop(REDACTED, ()))
            return inner
        return value


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Tell whether a field of this name holds nothing but a secret."""
    return _SECRET_NAME.fullmatch(name) is not None


def _redact(text: str) -> tuple[str, tuple[str, ...]]:
    kinds: set[str] = set()
    if KEY_HINT.search(text):
        for kind, key in KEYS:
            text, count = key.subn(f"[redacted:{kind}]", text)
            if count:
                kinds.add(kind)
    if _HINT.search(text):
        for pattern in (*_SECRETS, *_ARGUMENTS):
            text, count = pattern.subn(rf"\1[redacted:{SECRET}]", text)
            if count:
                kinds.add(SECRET)
    for kind, find in ((IBAN, iban_spans), (CARD, card_spans)):
        spans = list(find(text))
        for start, end in reversed(spans):
            text = f"{text[:start]}[redacted:{kind}]{text[end:]}"
        if spans:
            kinds.add(kind)
    return text, tuple(sorted(kinds))
