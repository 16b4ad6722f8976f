"""What the people of a drill do: the commands of the product, and what they do outside it.

A command that is refused is a step missed, with the reason; the drill goes on, as a crisis would.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from sentinel.app import parts
from sentinel.app.drill.sandbox import Outbox, Person
from sentinel.app.service import Sentinel
from sentinel.domain.alert import Alert
from sentinel.domain.incident import Actor, Document, Incident, Role
from sentinel.domain.scenario import Act, Scenario
from sentinel.errors import Refused, UsageError
from sentinel.respond.runbooks import read_runbook
from sentinel.respond.workflow import COMMANDS
from sentinel.respond.workflow.catalogue import SPECS
from sentinel.respond.workflow.change import Case
from sentinel.respond.workflow.spec import read_arguments
from sentinel.store.ports import CaseTx

NOW = "now"
PORTAL = "portail@drill.invalid"


def player(role: Role) -> Actor:
    """Return the invented person who holds one role."""
    return Actor(f"drill:{role}", frozenset({role}))


class Players:
    """Plays the steps of one scenario on one service."""

    def __init__(
        self,
        service: Sentinel,
        scenario: Scenario,
        alert: Alert,
        persons: Mapping[str, Person],
        outbox: Outbox,
    ) -> None:
        """``persons``: by pseudonym."""
        self._service = service
        self._scenario = scenario
        self._alert = alert
        self._persons = persons
        self._outbox = outbox
        self._filings = 0
        self.incident_id = ""
        self.unreached: list[str] = []
        self._own: dict[str, Callable[[Act, Actor], Awaitable[object]]] = {
            "promote": self._promote,
            "start_runbook": self._runbook,
            "complete_step": self._step,
            "draft_dossier": self._draft,
            "draft_letters": self._draft,
            "record_filing": self._file,
            "send_letters": self._send,
            "close": self._close,
        }

    @property
    def _now(self) -> datetime:
        return self._service.clock.now()

    async def do(self, act: Act) -> None:
        """Do one step. Raises what the product raises: Refused, Conflict, NotFound..."""
        actor = player(act.by)
        own = self._own.get(act.do)
        if own is not None:
            await own(act, actor)
            return
        if act.do == "freeze_affected":
            await self._service.command(act.do, actor, incident_id=self.incident_id)
            return
        spec = SPECS.get(act.do)
        if spec is None:
            raise UsageError(f"a drill knows no {act.do!r}", hint=", ".join([*self._own, *SPECS]))
        arguments = read_arguments(spec, self._given(act), zone="")
        subject = (
            {"alert_id": self._alert.id}
            if spec.subject == "alert"
            else {"incident_id": self.incident_id}
        )
        await self._service.command(act.do, actor, **subject, **arguments)

    def _given(self, act: Act) -> dict[str, Any]:
        moment = self._now.isoformat()
        return {name: moment if value == NOW else value for name, value in act.given.items()}

    async def _promote(self, act: Act, actor: Actor) -> None:
        del act
        scenario = self._scenario
        now = self._now

        def open_case(tx: CaseTx) -> Incident:
            found = COMMANDS["promote"](
                tx, actor, alert_ids=[self._alert.id], title=scenario.title.fr,
                kind=scenario.kind, runbook=scenario.runbook, now=now,
            )  # fmt: skip
            assert isinstance(found, Incident)  # noqa: S101 - what the command returns
            case = Case(tx, actor, found.id, now)
            return case.save("incident.marked_drill", {"scenario": scenario.id}, drill=True)

        self.incident_id = (await self._service.in_store(open_case)).id

    async def _runbook(self, act: Act, actor: Actor) -> None:
        folder = self._service.settings.runbooks_path / self._scenario.runbook
        book = read_runbook(folder / "runbook.fr.md")
        await self._service.command(act.do, actor, incident_id=self.incident_id, runbook=book)

    async def _step(self, act: Act, actor: Actor) -> None:
        await self._service.command(
            act.do,
            actor,
            incident_id=self.incident_id,
            step_id=str(act.given.get("step_id", "")),
            evidence=str(act.given.get("evidence", "")),
        )

    async def _draft(self, act: Act, actor: Actor) -> list[Document]:
        if act.do == "draft_dossier":
            return await self._service.draft_dossier(actor, self.incident_id)
        return await self._service.draft_letters(actor, self.incident_id)

    async def _file(self, act: Act, actor: Actor) -> None:
        self._filings += 1
        number = f"EXERCICE-{self._filings:03d}"
        kind = str(act.given.get("kind", "initial"))
        text = f"Dépôt d’exercice, {kind}, {number}. Rien n’a été transmis à la CNIL.\n"
        self._outbox.write("cnil", PORTAL, f"[EXERCICE] {number}", text, key=number)
        await self._service.command(
            "record_filing", actor, incident_id=self.incident_id, kind=kind, number=number,
            filed_at=self._now,
        )  # fmt: skip

    async def _send(self, act: Act, actor: Actor) -> None:
        del act, actor
        incident, documents = await self._service.in_store(
            lambda tx: (
                tx.incidents.get(self.incident_id),
                tx.incidents.documents(self.incident_id),
            )
        )
        letters = {
            one.language: (await self._service.document_bytes(one)).decode()
            for one in documents
            if one.kind == "letter" and one.media_type == "text/plain"
        }
        if not letters:
            raise Refused("send_letters: no letter was drafted")
        if incident.affected is None:
            raise Refused("send_letters: the persons affected are not frozen")
        for subject in incident.affected.subjects:
            person = self._persons.get(subject)
            if person is None:
                self.unreached.append(subject)
                continue
            letter = letters.get(person.language) or letters["fr"]
            title, _, body = letter.partition("\n\n")
            self._outbox.write("letters", person.email, title, body, key=subject)

    async def _close(self, act: Act, actor: Actor) -> None:
        second = player(act.approved_by) if act.approved_by else None
        await self._service.command(
            "close", actor, incident_id=self.incident_id, approved_by=second, **self._given(act)
        )


def by_pseudonym(service: Sentinel, persons: list[Person]) -> dict[str, Person]:
    """Return the invented persons under the names that events give them."""
    pseudonym = parts.make_pseudonymiser(service.settings).pseudonym
    return {pseudonym("sub", one.id): one for one in persons}


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """A step that was played. ``refused``: why it was missed; empty: done."""

    id: str
    at: datetime
    by: str
    act: str
    refused: str = ""
