"""Payment card numbers and IBANs in running text (promise R-24), with few false alarms.

A number counts as a card only with an issuer's prefix and length *and* a right check digit
(ISO/IEC 7812-1, annex B); as an IBAN only with its country's length and a right remainder
(ISO 13616-1, ISO/IEC 7064 mod 97-10). Order numbers, telephone numbers, instants and UUIDs stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Not in the middle of a word or a decimal number; right after a percent-encoded byte is fine.
_START = r"(?:(?<=%[0-9A-Fa-f]{2})|(?<![0-9A-Za-z%])(?<!\d\.))"
_GAP = r"(?:[ +-]|%20|%2[Dd])"
_CARD = re.compile(rf"{_START}\d(?:{_GAP}?\d){{12,30}}(?![0-9A-Za-z])(?!\.\d)", re.ASCII)
_IBAN = re.compile(rf"{_START}[A-Za-z]{{2}}\d\d(?:{_GAP}?[0-9A-Za-z]){{11,30}}", re.ASCII)
_GAPS = re.compile(_GAP)
_UUID = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")

# Prefix ranges and lengths that issuers use, longest prefix first does not matter: any may fit.
_ISSUERS: tuple[tuple[int, int, frozenset[int]], ...] = (
    (4, 4, frozenset({13, 16, 19})),
    (51, 55, frozenset({16})),
    (2221, 2720, frozenset({16})),
    (34, 34, frozenset({15})),
    (37, 37, frozenset({15})),
    (300, 305, frozenset({14})),
    (36, 36, frozenset({14})),
    (38, 39, frozenset({14})),
    (3528, 3589, frozenset(range(16, 20))),
    (50, 50, frozenset(range(13, 20))),
    (56, 58, frozenset(range(13, 20))),
    (6011, 6011, frozenset(range(16, 20))),
    (62, 62, frozenset(range(16, 20))),
    (63, 65, frozenset(range(16, 20))),
    (67, 67, frozenset(range(13, 20))),
)
_CARD_DIGITS = range(13, 20)

# Length of an IBAN by country (SWIFT IBAN registry).
_IBAN_LENGTH = {
    **dict.fromkeys(("NO",), 15),
    **dict.fromkeys(("BE",), 16),
    **dict.fromkeys(("DK", "FI", "FO", "GL", "NL"), 18),
    **dict.fromkeys(("MK", "SI"), 19),
    **dict.fromkeys(("AT", "BA", "EE", "KZ", "LT", "LU", "XK"), 20),
    **dict.fromkeys(("CH", "HR", "LI", "LV"), 21),
    **dict.fromkeys(("BG", "BH", "CR", "DE", "GB", "GE", "IE", "ME", "RS", "VA"), 22),
    **dict.fromkeys(("AE", "GI", "IL", "IQ", "TL"), 23),
    **dict.fromkeys(("AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"), 24),
    **dict.fromkeys(("LY", "PT", "ST"), 25),
    **dict.fromkeys(("IS", "TR"), 26),
    **dict.fromkeys(("FR", "GR", "IT", "MC", "MR", "SM"), 27),
    **dict.fromkeys(("AL", "AZ", "BY", "CY", "DO", "GT", "HU", "LB", "PL", "SV"), 28),
    **dict.fromkeys(("BR", "EG", "PS", "QA", "UA"), 29),
    **dict.fromkeys(("JO", "KW", "MU"), 30),
    **dict.fromkeys(("MT", "SC"), 31),
}

IBAN_COUNTRIES = frozenset(_IBAN_LENGTH)

Span = tuple[int, int]


def card_spans(text: str) -> Iterator[Span]:
    """Yield where card numbers stand, left to right."""
    uuids: list[Span] | None = None
    for match in _CARD.finditer(text):
        span = _card_within(match)
        if span is None:
            continue
        if uuids is None:
            uuids = [found.span() for found in _UUID.finditer(text)]
        if not any(start <= span[0] and span[1] <= end for start, end in uuids):
            yield span


def iban_spans(text: str) -> Iterator[Span]:
    """Yield where IBANs stand, left to right."""
    for match in _IBAN.finditer(text):
        length = _IBAN_LENGTH.get(match[0][:2].upper())
        if length is None:
            continue
        end = _end_of(match[0], length)
        if end is None or match[0][end : end + 1].isalnum():
            continue
        if _mod_97(_GAPS.sub("", match[0][:end])):
            yield match.start(), match.start() + end


def is_card(digits: str) -> bool:
    """Tell whether 13 to 19 digits are a card number by prefix, length and check digit."""
    fits = any(
        low <= int(digits[: len(str(low))]) <= high and len(digits) in lengths
        for low, high, lengths in _ISSUERS
    )
    return fits and _luhn(digits)


def _card_within(match: re.Match[str]) -> Span | None:
    """Find a card in a run of digit groups: the whole run, or groups beside other numbers."""
    groups = _groups(match[0])
    for first, (start, _) in enumerate(groups):
        digits = ""
        for begin, end in groups[first:]:
            digits += match[0][begin:end]
            if len(digits) in _CARD_DIGITS and is_card(digits):
                return match.start() + start, match.start() + end
    return None


def _groups(run: str) -> list[Span]:
    groups: list[Span] = []
    start = 0
    for gap in _GAPS.finditer(run):
        groups.append((start, gap.start()))
        start = gap.end()
    groups.append((start, len(run)))
    return groups


def _end_of(run: str, length: int) -> int | None:
    """Return the index after the ``length``-th character that is no gap."""
    position = seen = 0
    while position < len(run):
        gap = _GAPS.match(run, position)
        if gap:
            position = gap.end()
            continue
        position += 1
        seen += 1
        if seen == length:
            return position
    return None


def _luhn(digits: str) -> bool:
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + index % 2)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - the digit sum of 10 to 18
    return total % 10 == 0


def _mod_97(iban: str) -> bool:
    turned = iban[4:] + iban[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1
