"""Which channels hear of which alert: ``notifiers/routes.yml``, first match decides."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from sentinel.domain.alert import Alert
from sentinel.domain.deadline import Deadline
from sentinel.domain.finding import Level
from sentinel.errors import ContentError
from sentinel.notify.content_model import Content
from sentinel.yaml_file import Place, read_yaml


class Route(Content):
    """One line of the table. An empty condition holds for everything."""

    levels: tuple[Level, ...] = ()
    rules: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    channels: tuple[str, ...]

    def takes(self, alert: Alert) -> bool:
        """Tell whether every condition holds for ``alert``."""
        return (
            (not self.levels or alert.rule.level in self.levels)
            and (not self.rules or alert.rule.slug in self.rules)
            and (not self.categories or not set(self.categories).isdisjoint(alert.categories))
        )


class AlarmRoutes(Content):
    """Channels for the alarms of the clocks."""

    hard: tuple[str, ...] = ()
    soft: tuple[str, ...] = ()
    escalation: tuple[str, ...] = ()


class RouteFile(Content):
    """``routes.yml``."""

    routes: tuple[Route, ...] = ()
    default: tuple[str, ...]
    alarms: AlarmRoutes = AlarmRoutes()


class Router:
    """Chooses channels; one that cannot send now (``live`` lacks it) is passed over."""

    def __init__(self, table: RouteFile, live: Collection[str]) -> None:
        self._table = table
        self._live = frozenset(live)

    def route(self, alert: Alert) -> list[str]:
        """Return the ids of the channels for ``alert``."""
        for route in self._table.routes:
            if route.takes(alert):
                return self._sendable(route.channels)
        return self._sendable(self._table.default)

    def route_alarm(self, deadline: Deadline) -> list[str]:
        """Return the ids of the channels for an alarm of ``deadline``."""
        alarms = self._table.alarms
        return self._sendable(alarms.hard if deadline.hard else alarms.soft)

    def escalation(self) -> list[str]:
        """Return the ids of the channels that stand in where an alarm does not arrive.

        First those that the table names for it, then every other one that can send.
        """
        return self._sendable((*self._table.alarms.escalation, *sorted(self._live)))

    def _sendable(self, channels: tuple[str, ...]) -> list[str]:
        return [channel for channel in dict.fromkeys(channels) if channel in self._live]


def load_router(path: Path, *, known: Collection[str], live: Collection[str]) -> Router:
    """Read the table. ``known``: every declared channel. Raises ContentError (file:line)."""
    file = read_yaml(path)
    table = file.validate(RouteFile)
    for place, name in _named(table):
        if name not in known:
            raise ContentError(
                f"no channel is called {name!r}",
                where=file.where(place),
                hint=f"declared: {', '.join(sorted(known)) or 'none'}",
            )
    return Router(table, live)


def _named(table: RouteFile) -> Iterator[tuple[Place, str]]:
    """Yield every channel that the table names, with its place in the file."""
    lists: list[tuple[Place, tuple[str, ...]]] = [
        (("routes", index, "channels"), route.channels) for index, route in enumerate(table.routes)
    ]
    lists.append((("default",), table.default))
    lists += [
        (("alarms", name), getattr(table.alarms, name)) for name in ("hard", "soft", "escalation")
    ]
    for place, names in lists:
        for index, name in enumerate(names):
            yield (*place, index), name
