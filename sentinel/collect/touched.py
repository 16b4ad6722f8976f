"""Whose data of which kind an event touches: by path, by query parameter, by table, by text."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from urllib.parse import parse_qsl

from sentinel.collect.profile import Profile
from sentinel.domain.event import CATEGORY, SUBJECT, Value

RELATION = "sentinel.relation"  # tables that a statement touches, list
_PARAMETERS = 256  # of one query
_SUBJECTS = 100  # of one text


Touch = Callable[[Profile, dict[str, Value], dict[str, Value]], None]


def touch(profile: Profile, fields: dict[str, Value], raw: dict[str, Value]) -> None:
    """Add subject, category and action where the line does not name them itself.

    ``raw``: every field that was parsed, since a statement may name a person and not be kept.
    """
    for step in touches(profile):
        step(profile, fields, raw)


def touches(profile: Profile) -> tuple[Touch, ...]:
    """Return the steps of `touch` that can add anything, in their order."""
    steps: tuple[tuple[Touch, object], ...] = (
        (_by_route, profile.routes),
        (_by_parameter, profile.parameters),
        (_by_relation, profile.relations),
        (_by_text, profile.subject_from),
    )
    return tuple(step for step, needed in steps if needed)


def _by_route(profile: Profile, fields: dict[str, Value], _: dict[str, Value]) -> None:
    path = fields.get("url.path")
    if not isinstance(path, str):
        return
    touched = profile.route_table.match(path)
    if touched is None:
        return
    subject = touched.subject or str(fields.get(touched.route.subject) or "")
    if subject:
        fields.setdefault(SUBJECT, [subject])
    if touched.route.category:
        fields.setdefault(CATEGORY, touched.route.category)
    if touched.route.action:
        fields.setdefault("event.action", touched.route.action)


def _by_parameter(profile: Profile, fields: dict[str, Value], _: dict[str, Value]) -> None:
    query = fields.get("url.query")
    if not isinstance(query, str):
        return
    try:
        pairs = parse_qsl(query, max_num_fields=_PARAMETERS, errors="backslashreplace")
    except ValueError:  # more fields than any page of ours sends
        return
    for parameter in profile.parameters:
        values = [value for name, value in pairs if name == parameter.name]
        if values:
            fields.setdefault(SUBJECT, values)
            if parameter.category:
                fields.setdefault(CATEGORY, parameter.category)


def _by_relation(profile: Profile, fields: dict[str, Value], _: dict[str, Value]) -> None:
    """Name the category of the first table that the profile knows, in the profile's order."""
    touched = fields.get(RELATION)
    if touched is None:
        return
    names = [str(name).lower() for name in (touched if isinstance(touched, list) else [touched])]
    for rule in profile.relations:
        if any(fnmatchcase(name, rule.name) for name in names):
            fields.setdefault(CATEGORY, rule.category)
            return


def _by_text(profile: Profile, fields: dict[str, Value], raw: dict[str, Value]) -> None:
    if SUBJECT in fields:
        return
    found: dict[str, None] = {}
    for name in profile.subject_from:
        for match in profile.subject_finder.finditer(str(raw.get(name) or "")):
            found.setdefault(match.group(0))
            if len(found) == _SUBJECTS:
                break
    if found:
        fields[SUBJECT] = list(found)
