"""Forms of the authorities, as dated data: `cnil-1.json` and a thin loader.

A form is never code: the CNIL changes its own without notice (the source of each field is named
beside it), so that a new form is a new file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache
from importlib import resources

import msgspec

from sentinel.errors import NotFound

_CONDITION = re.compile(r"(?P<field>[a-z._]+) (?P<op>in|=|!=) (?P<codes>.+)")


class Option(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One choice of an enumeration; ``code`` is ours, the labels are the form's."""

    code: str
    label_fr: str
    label_en: str

    def label(self, language: str) -> str:
        """Return the label in ``fr`` or ``en``."""
        return self.label_fr if language == "fr" else self.label_en


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the form. ``owner``: role that finds what is unknown in it."""

    id: str
    label_fr: str
    label_en: str
    owner: str
    unknown_allowed: bool

    def label(self, language: str) -> str:
        """Return the title in ``fr`` or ``en``."""
        return self.label_fr if language == "fr" else self.label_en


class Condition(msgspec.Struct, frozen=True):
    """When a field is asked: ``field`` holds (or, negated, does not hold) one of ``codes``."""

    field: str
    codes: frozenset[str]
    negated: bool

    def holds(self, selected: Mapping[str, Collection[str]]) -> bool | None:
        """Judge on the codes selected per field; None while ``field`` has no answer."""
        codes = selected.get(self.field)
        if not codes:
            return None
        return self.codes.isdisjoint(codes) is self.negated


class Field(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question. ``gdpr``: the provisions that it serves, such as ``33(3)(a), 4(12)``."""

    id: str
    section: str
    label_fr: str
    label_en: str
    type: str
    required_initial: bool
    required_complete: bool
    gdpr: str
    sources: tuple[str, ...]
    options: tuple[Option, ...] = ()
    condition: str = ""
    edpb_template_2026_draft: str = ""
    note: str = ""

    def label(self, language: str) -> str:
        """Return the question in ``fr`` or ``en``."""
        return self.label_fr if language == "fr" else self.label_en

    def option(self, code: str) -> Option | None:
        """Return the choice with this code."""
        return next((option for option in self.options if option.code == code), None)

    @property
    def asked_when(self) -> Condition | None:
        """The condition, parsed; None where the field is always asked."""
        found = _CONDITION.fullmatch(self.condition)
        if found is None:
            return None
        codes = frozenset(found["codes"].strip("{}").split(", "))
        return Condition(found["field"], codes, negated=found["op"] == "!=")

    @property
    def paragraph(self) -> str:
        """The paragraph of art. 33(3) that the field serves, such as ``33(3)(a)``, or empty."""
        found = re.search(r"33\(3\)\([a-d]\)", self.gdpr)
        return found[0] if found else ""


class Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A form: sections and fields in its order."""

    id: str
    schema: str
    authority: str
    portal: str
    valid_from: str
    note: str
    unknown_rule: str
    source_legend: dict[str, str]
    sections: tuple[Section, ...]
    fields: tuple[Field, ...]

    def field(self, field_id: str) -> Field:
        """Return a field. Raises NotFound."""
        for field in self.fields:
            if field.id == field_id:
                return field
        raise NotFound(f"field {field_id!r} of the form {self.id}")

    def section(self, section_id: str) -> Section:
        """Return a section. Raises NotFound."""
        for section in self.sections:
            if section.id == section_id:
                return section
        raise NotFound(f"section {section_id!r} of the form {self.id}")

    def fields_of(self, section: Section) -> tuple[Field, ...]:
        """Return the fields of a section, in order."""
        return tuple(field for field in self.fields if field.section == section.id)


@cache
def load_form(form_id: str = "cnil-1") -> Form:
    """Return a shipped form. Raises NotFound."""
    source = resources.files(__package__) / f"{form_id}.json"
    if not source.is_file():
        raise NotFound(f"form {form_id!r}")
    return msgspec.json.decode(source.read_bytes(), type=Form)
