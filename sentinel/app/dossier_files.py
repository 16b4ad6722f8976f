"""The files of a frozen dossier, as they leave the house to be copied, checked and read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from sentinel.domain.canonical import canonical
from sentinel.domain.frozen_dossier import FrozenDossier
from sentinel.domain.incident import Document
from sentinel.notify.dossier import Dossier
from sentinel.notify.dossier_dpv import json_ld
from sentinel.notify.dossier_edpb import edpb_draft
from sentinel.notify.dossier_pdf import Frozen, dossier_pdf

PARTS = ("json", "sig", "pdf", "dpv", "edpb")
ENGLISH = "pdf-en"
"""The reading copy, which takes a while to render and is made on demand."""


class HandedOut(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a frozen dossier. ``part``: one of `PARTS`, or `ENGLISH`."""

    part: str
    name: str
    media_type: str
    content: bytes


def files_of(
    dossier: Dossier,
    json: tuple[Document, bytes],
    pdf: tuple[Document, bytes],
    signature: bytes,
    notifiers: Path,
) -> list[HandedOut]:
    """Return the JSON and its signature, the French PDF, the same in DPV and in EDPB's draft."""
    stem = json[0].name.removesuffix(".json")
    as_json = "application/json"
    dpv = canonical(json_ld(dossier, notifiers)) + b"\n"
    edpb = canonical(edpb_draft(dossier, notifiers)) + b"\n"
    made = (
        ("json", json[0].name, as_json, json[1]),
        ("sig", f"{stem}.sig.json", as_json, signature),
        ("pdf", pdf[0].name, "application/pdf", pdf[1]),
        ("dpv", f"{stem}.dpv.jsonld", "application/ld+json", dpv),
        ("edpb", f"{stem}.edpb-draft.json", as_json, edpb),
    )
    return [
        HandedOut(part=part, name=name, media_type=media_type, content=content)
        for part, name, media_type, content in made
    ]


def part_of(files: Sequence[HandedOut], part: str) -> HandedOut:
    """Return one file of those handed out."""
    return next(one for one in files if one.part == part)


def reading_copy(
    record: FrozenDossier, files: Sequence[HandedOut], notifiers: Path | None
) -> HandedOut:
    """Return the English PDF of what was handed out: to be read, while French is what is filed."""
    frozen = part_of(files, "json")
    content = dossier_pdf(
        msgspec.json.decode(frozen.content, type=Dossier),
        notifiers,
        Frozen(key_id=record.key_id, signature=record.signature, sha256=record.sha256),
        language="en",
        known=record.english,
    )
    name = f"{frozen.name.removesuffix('.json')}.en.pdf"
    return HandedOut(part=ENGLISH, name=name, media_type="application/pdf", content=content)
