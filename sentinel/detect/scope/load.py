"""Read ``rules/scopes/*.yml`` into one model, and refuse what can never explain anything."""

from __future__ import annotations

from pathlib import Path

from sentinel.detect.scope.model import ANY, Role, ScopeFile, ScopeModel, Template
from sentinel.errors import ContentError
from sentinel.yaml_file import YamlFile, read_yaml


def load_scope(directory: Path) -> ScopeModel:
    """Return the roles and templates of every ``*.yml`` in ``directory``, by file name.

    An empty or absent folder is an empty model, which forbids everything. Raises ContentError
    with ``where`` = file:line:column.
    """
    roles: dict[str, Role] = {}
    templates: dict[str, Template] = {}
    read: list[tuple[YamlFile, ScopeFile]] = []
    for path in sorted(directory.glob("*.yml")):
        source = read_yaml(path)
        content = source.validate(ScopeFile)
        read.append((source, content))
        for name, role in content.roles.items():
            if name in roles:
                raise _fault(source, ("roles", name), f"the role {name} is declared twice")
            roles[name] = role
        for index, template in enumerate(content.templates):
            if template.id in templates:
                place = ("templates", index, "id")
                raise _fault(source, place, f"the template {template.id} is declared twice")
            templates[template.id] = template
    for source, content in read:
        for index, template in enumerate(content.templates):
            _check(source, index, template, roles)
    return ScopeModel(roles=roles, templates=tuple(templates.values()))


def _check(source: YamlFile, index: int, template: Template, roles: dict[str, Role]) -> None:
    """Refuse a template that speaks of an unknown role, or of data outside the role."""
    for name in template.roles:
        if name == ANY:
            continue
        if name not in roles:
            place = ("templates", index, "roles")
            hint = f"declared: {', '.join(sorted(roles)) or 'none'}"
            raise _fault(source, place, f"no role is called {name}", hint)
        for category in template.categories:
            if category != ANY and not roles[name].covers_categories((category,)):
                place = ("templates", index, "categories")
                hint = "the role comes first: a template explains only what the role covers"
                raise _fault(source, place, f"the role {name} does not cover {category}", hint)


def _fault(
    source: YamlFile, place: tuple[str | int, ...], detail: str, hint: str = ""
) -> ContentError:
    return ContentError(detail, where=source.where(place), hint=hint)
