"""What of the scope model holds for one access and no other: its day, its team, its persons.

Roles are used by their teams, until their end, for the persons of their populations; a service
identity is one that is declared. What these do not allow is forbidden, like data outside the role.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sentinel.detect.scope.explain import Access
from sentinel.detect.scope.facts import FactIndex
from sentinel.detect.scope.model import Role, ScopeModel
from sentinel.domain.reason import Reason

SERVICE = "service"
PARIS = ZoneInfo("Europe/Paris")  # a last day is a day of the controller


class Partition:
    """Asks the parts of a model that the kind of an access cannot answer."""

    def __init__(self, model: ScopeModel, facts: FactIndex) -> None:
        self._model = model
        self._facts = facts
        self.needed = bool(
            model.teams
            or model.services
            or any(role.until or role.populations for role in model.roles.values())
        )

    def refusal(self, access: Access) -> Reason | None:
        """Return why the access is forbidden; None where nothing here forbids it."""
        if self._model.services and SERVICE in access.roles:
            return self._service(access)
        names = access.roles & self._model.roles.keys()
        if self._model.teams:
            team = self._model.teams.get(access.team)
            if team is None:
                return Reason("scope.unknown_team", {"team": access.team or "-"})
            names &= set(team.roles)
            if not names:
                return Reason("scope.outside_team", {"team": access.team, "role": _held(access)})
        return self._by_role([self._model.roles[name] for name in sorted(names)], access)

    def _by_role(self, roles: list[Role], access: Access) -> Reason | None:
        live = [role for role in roles if not _over(role, access)]
        if not live:
            ends = max((role.until for role in roles if role.until), default="")
            return Reason("scope.role_ended", {"role": _held(access), "date": str(ends)})
        covering = [
            role
            for role in live
            if role.covers_categories(access.categories) and role.covers_act(access.action)
        ]
        if not covering:
            category = ", ".join(access.categories) or "-"
            return Reason("scope.outside_role", {"role": _held(access), "category": category})
        if not any(self._reaches(role, access) for role in covering):
            return Reason("scope.outside_population", {"role": _held(access)})
        return None

    def _service(self, access: Access) -> Reason | None:
        service = self._model.services.get(access.actor)
        if service is None or service.role not in access.roles:
            return Reason("scope.unknown_service")
        if service.until is not None and access.instant.astimezone(PARIS).date() > service.until:
            return Reason("scope.role_ended", {"role": service.role, "date": str(service.until)})
        return None

    def _reaches(self, role: Role, access: Access) -> bool:
        """Tell whether every person of the access belongs to a population of the role."""
        if not role.populations:
            return True
        return bool(access.subjects) and all(
            any(self._belongs(name, subject, access) for name in role.populations)
            for subject in access.subjects
        )

    def _belongs(self, population: str, subject: str, access: Access) -> bool:
        kind = self._model.populations[population].fact
        about = self._facts.about_subject(kind, subject)
        return any(f.category == population and f.holds_at(access.instant) for f in about)


def _over(role: Role, access: Access) -> bool:
    return role.until is not None and access.instant.astimezone(PARIS).date() > role.until


def _held(access: Access) -> str:
    return ", ".join(sorted(access.roles)) or "-"
