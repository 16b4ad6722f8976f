"""A second factor at the act itself, for whoever is signed in."""

from __future__ import annotations

from sentinel.domain.incident import Actor
from sentinel.errors import Refused
from sentinel.respond.second_factor import Factor, prove
from sentinel.web.service import Service


async def proved(service: Service, actor: Actor, code: str) -> Factor:
    """Return the proof that ``code`` is right now. Raises Refused; a wrong one is counted."""
    now = service.clock.now()
    found = await service.in_store(lambda tx: prove(tx, service.sealer, actor.id, code, now=now))
    if found is None:
        raise Refused("the code is wrong, was used, or the account is locked")
    return found
