"""Faults in one file of the scope model that its types cannot see, each with its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sentinel.detect.scope.model import ANY, ScopeFile, ScopeModel, Template
from sentinel.errors import ContentError
from sentinel.yaml_file import Place, YamlFile


def check_file(
    source: YamlFile, content: ScopeFile, model: ScopeModel, acts: Mapping[str, Any]
) -> None:
    """Raise ContentError at the first name that is declared nowhere, and at a template in vain."""
    at = _Checker(source, model, acts)
    for name, role in content.roles.items():
        place: Place = ("roles", name)
        at.categories((*place, "categories"), role.categories)
        at.acts((*place, "acts"), role.acts)
        at.known((*place, "populations"), role.populations, model.populations, "population")
        at.known((*place, "purposes"), role.purposes, model.purposes, "purpose")
    for name, team in content.teams.items():
        at.known(("teams", name, "roles"), team.roles, model.roles, "role")
    for name, service in content.services.items():
        at.known(("services", name, "role"), (service.role,), model.roles, "role")
    for index, template in enumerate(content.templates):
        at.template(index, template)
    if content.break_glass is not None:
        at.break_glass(content.break_glass.fact)


class _Checker:
    def __init__(self, source: YamlFile, model: ScopeModel, acts: Mapping[str, Any]) -> None:
        self._source = source
        self._model = model
        self._acts = acts

    def known(
        self, place: Place, names: Iterable[str], declared: Mapping[str, Any], what: str
    ) -> None:
        """Refuse a name that is not declared."""
        for name in names:
            if name not in declared:
                hint = f"declared: {', '.join(sorted(declared)) or 'none'}"
                raise self._fault(place, f"no {what} is called {name}", hint)

    def categories(self, place: Place, names: Iterable[str]) -> None:
        """Refuse a category that is not declared, where any is."""
        if self._model.data_categories:
            named = [name for name in names if name != ANY]
            self.known(place, named, self._model.data_categories, "data category")

    def acts(self, place: Place, patterns: Iterable[str]) -> None:
        """Refuse ``@<id>`` of an act that is not declared."""
        named = [one[1:] for one in patterns if one.startswith("@")]
        self.known(place, named, self._acts, "act")

    def template(self, index: int, template: Template) -> None:
        """Refuse a template that speaks of an unknown role, or of data outside the role."""
        place: Place = ("templates", index)
        named = [name for name in template.roles if name != ANY]
        self.known((*place, "roles"), named, self._model.roles, "role")
        self.categories((*place, "categories"), template.categories)
        self.acts((*place, "acts"), template.acts)
        for name in named:
            for category in template.categories:
                if category != ANY and not self._model.roles[name].covers_categories((category,)):
                    hint = "the role comes first: a template explains only what the role covers"
                    detail = f"the role {name} does not cover {category}"
                    raise self._fault((*place, "categories"), detail, hint)

    def break_glass(self, fact: str) -> None:
        """Refuse an emergency that no template knows, or that would not be said to be one."""
        using = [one for one in self._model.templates if one.fact == fact]
        place: Place = ("break_glass", "fact")
        if not using:
            raise self._fault(place, f"no template explains by the fact {fact}", "")
        if any("break_glass" not in one.weak for one in using):
            hint = "an emergency is always reviewed: list `break_glass` among `weak`"
            raise self._fault(place, f"the template of {fact} does not say that it is one", hint)

    def _fault(self, place: Place, detail: str, hint: str) -> ContentError:
        return ContentError(detail, where=self._source.where(place), hint=hint)
