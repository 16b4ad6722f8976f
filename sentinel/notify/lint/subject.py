"""The subject must say that the person's data were breached: "Important notice" does not."""

from __future__ import annotations

from collections.abc import Iterator

from sentinel.notify.lint.fold import plain
from sentinel.notify.lint.report import Hit
from sentinel.notify.lint.source import Source
from sentinel.notify.lint.words import Lexicon


def subject(source: Source, words: Lexicon) -> Iterator[Hit]:
    """Find fault with a subject that hides the breach, or with none."""
    folded = plain(source.subject)
    if not (words.subject["event"].search(folded) and words.subject["object"].search(folded)):
        yield Hit("subject_not_explicit", source.subject_at, source.subject)
