"""Judge a letter: what is missing, what must not stand in it, and whether it may be sent."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from sentinel.errors import InvalidValue
from sentinel.notify.lint import phrases
from sentinel.notify.lint.credentials import credential_requests
from sentinel.notify.lint.fields import empty_fields
from sentinel.notify.lint.functions import missing_functions
from sentinel.notify.lint.language import spoken
from sentinel.notify.lint.letter_text import letter_text
from sentinel.notify.lint.links import shortened
from sentinel.notify.lint.people import third_parties
from sentinel.notify.lint.placeholders import placeholders
from sentinel.notify.lint.report import Hit, LintFinding, LintReport
from sentinel.notify.lint.source import Source, read_source
from sentinel.notify.lint.subject import subject
from sentinel.notify.lint.words import lexicon

_EXCERPT = 120


def lint_letter(
    content: bytes, language: str, *, file: str = "", notifiers: Path | None = None
) -> LintReport:
    """Judge a letter in ``fr`` or ``en``: plain text, HTML or an e-mail.

    Raises InvalidValue where it cannot be read or is in the other language, ContentError where a
    list of words is wrong.
    """
    words = lexicon(language, notifiers)
    source = read_source(content, file)
    letter = letter_text(source)
    other = spoken(letter.folded.text)
    if other and other != language:
        raise InvalidValue(
            f"this letter is in {other!r}, not in {language!r}",
            where=file,
            hint=f"--lang {other}",
        )
    missing = missing_functions(letter, words)
    hits = chain(
        subject(source, words),
        phrases.vague(letter, words) if "measures" in missing else (),
        phrases.minimising(letter, words),
        phrases.jargon(letter, words),
        placeholders(source),
        empty_fields(letter, language),
        phrases.marketing(letter, words),
        third_parties(letter, words),
        credential_requests(letter, words),
        shortened(letter, words),
    )
    reasons = {name: reason.of(language) for name, reason in words.reasons.items()}
    findings = tuple(_finding(source, hit, reasons) for hit in _apart(hits))
    return LintReport(
        file=file,
        language=language,
        sendable=not missing and not findings,
        missing=missing,
        findings=findings,
        reasons={name: reasons[name] for name in missing},
    )


def _apart(hits: chain[Hit]) -> list[Hit]:
    """Sort by place; of hits of one code that overlap, keep the first."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.offset, hit.code)):
        before = next((one for one in reversed(kept) if one.code == hit.code), None)
        if before is None or hit.offset >= before.offset + max(1, len(before.excerpt)):
            kept.append(hit)
    return kept


def _finding(source: Source, hit: Hit, reasons: dict[str, str]) -> LintFinding:
    line, column = source.place(hit.offset)
    excerpt = " ".join(hit.excerpt.split())
    return LintFinding(
        code=hit.code,
        line=line,
        column=column,
        excerpt=excerpt if len(excerpt) <= _EXCERPT else excerpt[: _EXCERPT - 1] + "…",
        reason=reasons[hit.code],
    )
