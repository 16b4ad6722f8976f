"""A dossier in the sections of the EDPB's draft common template: to see what would be asked."""

from __future__ import annotations

from pathlib import Path

from sentinel.content import content_dir
from sentinel.legal.forms import load_form
from sentinel.notify.content_model import Content
from sentinel.notify.dossier import Dossier
from sentinel.notify.dossier_words import show
from sentinel.yaml_file import read_yaml


class Section(Content):
    """A section of the template: our fields that answer it, in order."""

    title: str
    fields: list[str]


class Mapping(Content):
    """``notifiers/cnil/edpb-2026-draft.yml``. ``sourced``: numbers that public sources name."""

    template: str
    status: str
    sections: dict[str, Section]
    sourced: list[str]
    beside: list[str]


def load_mapping(notifiers: Path | None = None) -> Mapping:
    """Return the mapping in force. Raises ContentError."""
    path = (notifiers or content_dir("notifiers")) / "cnil" / "edpb-2026-draft.yml"
    return read_yaml(path).validate(Mapping)


def edpb_draft(dossier: Dossier, notifiers: Path | None = None) -> dict[str, object]:
    """Return the answers by section of the template, in English words and as data."""
    mapping, form = load_mapping(notifiers), load_form(dossier.form)

    def row(field_id: str) -> dict[str, object]:
        field, answer = form.field(field_id), dossier.answers.get(field_id)
        shown = show(field, answer, "en")
        return {
            "field": field_id,
            "question": field.label_en,
            "state": shown.state,
            "answer": list(shown.lines),
            "value": answer,
        }

    return {
        "template": mapping.template,
        "status": mapping.status,
        "reference": dossier.reference,
        "dossier_sha256": dossier.sha256,
        "sections": [
            {
                "number": number,
                "number_is_sourced": number in mapping.sourced,
                "title": section.title,
                "answers": [row(field_id) for field_id in section.fields],
            }
            for number, section in mapping.sections.items()
        ],
        "beside": [row(field_id) for field_id in mapping.beside],
    }
