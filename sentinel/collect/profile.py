"""Source profiles: what the lines of one kind of source mean, as data in ``rules/sources``.

A profile is an allow-list (promise R-01): a field that it does not list is dropped and counted.
It maps the sender's names to ECS, says whose data an access touches and of which category, and
which fields are identifiers that the service replaces by pseudonyms.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import re2
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from sentinel.collect.formats.registry import all_formats
from sentinel.collect.routes import Route, Routes
from sentinel.domain.event import LogSource
from sentinel.errors import ContentError, UnreadableFile
from sentinel.yaml_file import read_yaml

# What an identifier names: a member of staff or a service (usr), a data subject (sub), whichever
# of the two the actor is (actor) or the value equals (party), an address, a session.
Identifier = Literal["usr", "sub", "actor", "party", "ip", "ses"]
FieldType = Literal["any", "text", "int", "float", "bool", "list", "time"]


# What normalising adds without a field being listed.
_DERIVED = frozenset({"sentinel.subject", "sentinel.session"})


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldRule(_Section):
    """One listed field: its ECS name, its type, and how its sender writes "no value"."""

    to: str
    type: FieldType = "any"
    absent: str | None = None


class RouteRule(_Section):
    """One route template: `sentinel.collect.routes` says how it matches.

    ``subject``: the field that names the data subject where the path does not (``user.name`` on
    a customer's own pages).
    """

    path: str = Field(pattern=r"^/")
    category: str = ""
    subject: str = ""
    action: str = ""

    @field_validator("path")
    @classmethod
    def _one_subject(cls, value: str) -> str:
        if value.count("{subject}") > 1:
            raise ValueError("{subject} stands twice")
        return value


class ParameterRule(_Section):
    """A query parameter whose value is the data subject's identifier."""

    name: str = Field(min_length=1)
    category: str = ""


class RelationRule(_Section):
    """A table, or a pattern of tables (``billing.*``), and the category of what it holds.

    A statement names tables as its author wrote them, so ``customers`` and ``public.customers``
    are two names; matching ignores case.
    """

    name: str = Field(min_length=1)
    category: str = Field(min_length=1)

    @field_validator("name")
    @classmethod
    def _lower(cls, value: str) -> str:
        return value.lower()


class Profile(_Section):
    """One source profile.

    ``time``: fields tried in turn for the event's instant; one that ``fields`` lists too is kept.
    ``own_id``: the field with the line's
    own id. ``logsource``: where it is empty, the format says it of each line.
    ``logsource_fields``: fields that name the logsource of a line that has a product.
    ``unlisted``: ``keep_offline`` keeps unlisted fields where nothing is stored.
    ``subject_pattern``: RE2; what it matches in texts is the identifier of a data subject.
    ``subject_from``: fields, kept or not, in which the pattern finds whose data is touched.
    ``texts``: fields beside the usual ones in whose text identifiers may hide.
    ``recognise``: fields by which a file without a declared profile is known to be of this one.
    ``default_for``: formats whose lines get this profile where nothing better is known.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    title: str
    formats: list[str] = Field(min_length=1)
    logsource: dict[Literal["category", "product", "service"], str] = {}
    logsource_fields: dict[Literal["category", "product", "service"], str] = {}
    actor_kind: Literal["", "staff", "customer", "service", "visitor"] = ""
    time: list[str] = []
    own_id: str = ""
    fields: dict[str, FieldRule]
    unlisted: Literal["drop", "keep_offline"] = "drop"
    constants: dict[str, Any] = {}
    routes: list[RouteRule] = []
    parameters: list[ParameterRule] = []
    relations: list[RelationRule] = []
    subject_from: list[str] = []
    texts: list[str] = []
    identifiers: dict[str, Identifier] = {}
    subject_pattern: str = ""
    derive_session: bool = False
    recognise: list[str] = []
    default_for: list[str] = []

    @field_validator("fields", mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        """Read ``name: target`` as ``name: {to: target}``."""
        if not isinstance(value, dict):
            return value
        return {
            name: {"to": rule} if isinstance(rule, str) else rule for name, rule in value.items()
        }

    @field_validator("formats", "default_for")
    @classmethod
    def _known_formats(cls, value: list[str]) -> list[str]:
        known = all_formats()
        for name in value:
            if name not in known:
                raise ValueError(f"no format is called {name!r}; formats: {', '.join(known)}")
        return value

    @field_validator("identifiers")
    @classmethod
    def _listed(cls, value: dict[str, Identifier], info: ValidationInfo) -> dict[str, Identifier]:
        """Refuse an identifier that no field of the profile can be: it would hide nobody."""
        rules: dict[str, FieldRule] = info.data.get("fields") or {}
        known = {rule.to for rule in rules.values()} | _DERIVED
        for name in value:
            if name not in known:
                raise ValueError(f"{name} is no field that this profile lists")
        return value

    @field_validator("subject_pattern")
    @classmethod
    def _linear_pattern(cls, value: str) -> str:
        try:
            re2.compile(value)
        except re2.error as error:
            raise ValueError(f"not an RE2 pattern: {error}") from error
        return value

    @cached_property
    def subject_finder(self) -> Any:
        """The subject pattern, compiled; without one, what never matches."""
        return re2.compile(self.subject_pattern or r"[^\s\S]")

    @cached_property
    def source(self) -> LogSource:
        """The logsource of every line that does not name its own."""
        return LogSource(**self.logsource)

    @cached_property
    def route_table(self) -> Routes:
        """The route templates, compiled."""
        return Routes([Route(**rule.model_dump()) for rule in self.routes])


def load_profiles(directory: Path) -> dict[str, Profile]:
    """Return the profiles of ``directory`` by id; a file is named after its profile.

    Raises ContentError with ``where`` = file:line:column, UnreadableFile.
    """
    if not directory.is_dir():
        raise UnreadableFile("no such folder", where=str(directory))
    profiles: dict[str, Profile] = {}
    defaults: dict[str, str] = {}
    for path in sorted(directory.glob("*.yml")):
        file = read_yaml(path)
        profile = file.validate(Profile)
        if profile.id != path.stem:
            raise ContentError(
                f"the profile calls itself {profile.id}",
                where=file.where(("id",)),
                hint=f"the file of {profile.id} is {profile.id}.yml",
            )
        for name in profile.default_for:
            if name in defaults:
                raise ContentError(
                    f"{defaults[name]} is already the default of {name}",
                    where=file.where(("default_for",)),
                    hint="take it out of one of them; a source may name its profile",
                )
            defaults[name] = profile.id
        profiles[profile.id] = profile
    return profiles
