"""One letter per set of data: what a person reads names the data of that person and no other.

Persons of one case whose data differ get different letters. There are few such sets, so that the
people who approve read every one; the sets together are one version, with one hash. The times at
which one person was reached are no part of it: `draft_letter` with ``person`` adds them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import msgspec

from sentinel.config import Organisation
from sentinel.domain.affected import Affected
from sentinel.domain.incident import Incident
from sentinel.notify.letters import LANGUAGES, Letter, draft_letter


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """The letters of the persons whose data are the same.

    ``categories``: sorted. ``subjects``: pseudonyms, sorted. ``letters``: by language.
    """

    categories: tuple[str, ...]
    subjects: tuple[str, ...]
    letters: dict[str, Letter]


def draft_variants(
    incident: Incident,
    affected: Affected,
    organisation: Organisation,
    now: datetime,
    notifiers: Path | None = None,
    *,
    findings: Sequence[str] = (),
) -> tuple[Variant, ...]:
    """Draft the letters of every set of data, the most frequent set first.

    A person without any access of her own (put in by hand) is told all categories of the case.
    Raises ContentError where a template is wrong or absent.
    """
    groups = _groups(affected)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(
        Variant(
            categories=categories,
            subjects=tuple(sorted(subjects)),
            letters={
                language: draft_letter(
                    incident,
                    msgspec.structs.replace(affected, categories=dict.fromkeys(categories, 1)),
                    organisation,
                    language,
                    now,
                    notifiers,
                    findings=findings,
                )
                for language in LANGUAGES
            },
        )
        for categories, subjects in ordered
    )


def version_hash(variants: Sequence[Variant]) -> str:
    """Return the hex SHA-256 over every byte that a person may receive, for the approval."""
    digest = sha256()
    for variant in variants:
        for language, letter in sorted(variant.letters.items()):
            parts = [
                ",".join(variant.categories).encode(),
                language.encode(),
                letter.subject.encode(),
                letter.text.encode(),
                letter.html.encode(),
                letter.pdf,
            ]
            for part in parts:
                digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _groups(affected: Affected) -> dict[tuple[str, ...], list[str]]:
    every = tuple(sorted(affected.categories))
    told = {person.subject: tuple(sorted(set(person.categories))) for person in affected.persons}
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for subject in affected.subjects:
        groups[told.get(subject) or every].append(subject)
    return groups
