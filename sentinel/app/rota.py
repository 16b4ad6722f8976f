"""The routes of alarms as they stand now: by way of the deputy where the officer is away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sentinel.config import Settings
from sentinel.domain.deadline import Deadline
from sentinel.respond.rota import Route, route_to_duty
from sentinel.store.ports import CaseTx


class Alarms(Protocol):
    """What a router says about alarms."""

    def route_alarm(self, deadline: Deadline) -> Sequence[str]:
        """Return the ids of the channels for an alarm."""
        ...

    def escalation(self) -> Sequence[str]:
        """Return the ids of every channel that can send."""
        ...


def duty_route(tx: CaseTx, settings: Settings, router: Alarms, now: datetime) -> Route:
    """Return where alarms go at ``now``."""
    return route_to_duty(
        tx,
        router.route_alarm,
        officer=settings.rota.officer,
        channels=settings.rota.channels,
        live=router.escalation(),
        now=now,
    )
