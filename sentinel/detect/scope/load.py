"""Read ``rules/scopes/*.yml`` into one model, and refuse what can never explain anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from sentinel.detect.scope.lint import check_file
from sentinel.detect.scope.model import Act, BreakGlass, Role, ScopeFile, ScopeModel, Template
from sentinel.errors import ContentError
from sentinel.yaml_file import YamlFile, read_yaml

T = TypeVar("T", Role, Template)

NAMED = ("data_categories", "acts", "purposes", "populations", "teams", "roles", "services")
WORDS = {
    "data_categories": "data category",
    "acts": "act",
    "purposes": "purpose",
    "populations": "population",
    "teams": "team",
    "roles": "role",
    "services": "service identity",
}


def load_scope(directory: Path) -> ScopeModel:
    """Return the roles and templates of every ``*.yml`` in ``directory``, by file name.

    An empty or absent folder is an empty model, which forbids everything. Raises ContentError
    with ``where`` = file:line:column.
    """
    read: list[tuple[YamlFile, ScopeFile]] = []
    for path in sorted(directory.glob("*.yml")):
        source = read_yaml(path)
        read.append((source, source.validate(ScopeFile)))
    parts: dict[str, dict[str, Any]] = {name: _united(read, name) for name in NAMED}
    templates = _templates(read)
    model = ScopeModel(
        **{name: found for name, found in parts.items() if name not in ("acts", "roles")},
        roles=parts["roles"],
        break_glass=_break_glass(read),
        templates=tuple(templates.values()),
    )
    for source, content in read:
        check_file(source, content, model, parts["acts"])
    acts: dict[str, Act] = parts["acts"]
    return model.model_copy(
        update={
            "roles": {name: _spelt_out(role, acts) for name, role in model.roles.items()},
            "templates": tuple(
                _spelt_out(_with_reasons(one, model.break_glass), acts) for one in model.templates
            ),
        }
    )


def _united(read: list[tuple[YamlFile, ScopeFile]], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for source, content in read:
        for name, item in getattr(content, kind).items():
            if name in found:
                detail = f"the {WORDS[kind]} {name} is declared twice"
                raise ContentError(detail, where=source.where((kind, name)))
            found[name] = item
    return found


def _templates(read: list[tuple[YamlFile, ScopeFile]]) -> dict[str, Template]:
    templates: dict[str, Template] = {}
    for source, content in read:
        for index, template in enumerate(content.templates):
            if template.id in templates:
                place = ("templates", index, "id")
                detail = f"the template {template.id} is declared twice"
                raise ContentError(detail, where=source.where(place))
            templates[template.id] = template
    return templates


def _break_glass(read: list[tuple[YamlFile, ScopeFile]]) -> BreakGlass | None:
    found: BreakGlass | None = None
    for source, content in read:
        if content.break_glass is not None and found is not None:
            raise ContentError(
                "break_glass is declared twice", where=source.where(("break_glass",))
            )
        found = content.break_glass or found
    return found


def _with_reasons(template: Template, emergency: BreakGlass | None) -> Template:
    """Return the template of an emergency with the reasons that its fact must give."""
    if emergency is None or template.fact != emergency.fact or not emergency.reasons:
        return template
    return template.model_copy(update={"about": tuple(emergency.reasons)})


def _spelt_out(item: T, acts: dict[str, Act]) -> T:
    """Return a role or template with the patterns of the acts that it names as ``@<id>``."""
    patterns: list[str] = []
    for act in item.acts:
        patterns += acts[act[1:]].patterns if act.startswith("@") else [act]
    return item.model_copy(update={"acts": tuple(patterns)})
