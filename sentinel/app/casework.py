"""What people do to alerts and cases, by name: the console, the demo and later the API call these.

Every command runs in one transaction with its journal line. Drafting reads the case, counts the
persons affected from the stored events, renders, and files what it rendered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sentinel.app import parts
from sentinel.app.affected_cases import PERSONS_COMMANDS, AffectedCases
from sentinel.app.directory import audience, audience_csv, directory_path, open_directory
from sentinel.clock import Clock
from sentinel.config import Settings
from sentinel.detect.scope.engine import ScopeEngine
from sentinel.domain.affected import Affected
from sentinel.domain.blind import BlindWindow
from sentinel.domain.deadline import Deadline
from sentinel.domain.directory import Audience
from sentinel.domain.incident import Actor, Document, Incident, Role
from sentinel.errors import Refused, UsageError
from sentinel.notify.dossier_build import build_dossier
from sentinel.notify.dossier_pdf import dossier_pdf
from sentinel.notify.dossier_phrases import Phrases, phrases
from sentinel.notify.letters import draft_letter
from sentinel.respond.documents import Draft, file_drafts, read_document
from sentinel.respond.runbook_start import OPENING, start_by_rule
from sentinel.respond.workflow import COMMANDS
from sentinel.store.ports import CaseTx, EventStore

T = TypeVar("T")

LANGUAGES = ("fr", "en")
WRITERS = (Role.COMMANDER, Role.SCRIBE, Role.DPO, Role.LEGAL, Role.COMMS)


class InStore(Protocol):
    """Runs a function in one transaction, off the event loop."""

    async def __call__(self, function: Callable[[CaseTx], T], /) -> T:
        """Return what ``function`` returns; commit, or roll back where it raises."""
        ...


class Casework:
    """Commands and drafts of one service."""

    def __init__(
        self,
        settings: Settings,
        in_store: InStore,
        events: EventStore,
        clock: Clock,
        scope: ScopeEngine,
    ) -> None:
        self._settings = settings
        self._in_store = in_store
        self._clock = clock
        self._sealer = parts.open_sealer(settings)
        self.persons = AffectedCases(in_store, events, clock, scope)

    @property
    def _root(self) -> Path:
        return self._settings.data_dir

    async def command(self, name: str, actor: Actor, **arguments: Any) -> object:
        """Run the command ``name``. Raises UsageError if unknown, Refused, Conflict, NotFound."""
        if name in PERSONS_COMMANDS:  # they count in the stored events first
            return await self.persons.run(name, actor, **arguments)
        command = COMMANDS.get(name)
        if command is None:
            raise UsageError(f"no command is called {name!r}", hint=", ".join(COMMANDS))
        now = self._clock.now()
        if name == "confirm_breach":
            arguments.setdefault("regimes", self._settings.organisation.clocks_beside)

        def work(tx: CaseTx) -> object:
            result = command(tx, actor, now=now, **arguments)
            if name in OPENING and isinstance(result, Incident):
                library = self._settings.runbooks_path
                return start_by_rule(tx, actor, result, library=library, now=now)
            return result

        return await self._in_store(work)

    async def affected(self, incident: Incident) -> Affected | None:
        """Return the persons affected: the frozen set, else what the case asks by itself.

        None where the case names no actor or no window yet.
        """
        if incident.affected is not None:
            return incident.affected
        question = await self.persons.question(incident)
        return await self.persons.count(question) if question is not None else None

    async def draft_dossier(self, actor: Actor, incident_id: str) -> list[Document]:
        """Draft the initial notification to the CNIL: PDF, and the canonical JSON behind it.

        In English beside it: a reading copy, and the sentences that the console shows.
        """
        incident, deadlines = await self._case(actor, incident_id)
        limits = await self._in_store(lambda tx: limits_of(tx, incident))
        counted = await self.affected(incident)

        def render() -> list[Draft]:
            now, notifiers = self._clock.now(), self._settings.notifiers_path
            dossier, english = (
                build_dossier(
                    incident,
                    limits=limits,
                    deadlines=deadlines,
                    affected=counted,
                    organisation=self._settings.organisation,
                    now=now,
                    notifiers=notifiers,
                    language=language,
                )
                for language in LANGUAGES
            )
            told = Phrases(sha256=dossier.sha256, english=phrases(dossier, english))
            pdf = dossier_pdf(dossier, notifiers)
            copy = dossier_pdf(dossier, notifiers, language="en", known=told.english)
            name = f"{incident.reference}-cnil-initial"
            kind = "dossier_initial"
            return [
                _draft(kind, "fr", "application/pdf", f"{name}.pdf", pdf),
                _draft(kind, "fr", "application/json", f"{name}.json", dossier.canonical()),
                _draft(kind, "en", "application/pdf", f"{name}.en.pdf", copy),
                _draft(kind, "en", "application/json", f"{name}.en.json", told.canonical()),
            ]

        return await self._file(actor, incident, await asyncio.to_thread(render))

    async def draft_letters(self, actor: Actor, incident_id: str) -> list[Document]:
        """Draft the letter to the persons in French and English: text, HTML and PDF."""
        incident, _ = await self._case(actor, incident_id)
        counted = await self.affected(incident)
        rules = await self._in_store(lambda tx: rules_of(tx, incident))

        def render() -> list[Draft]:
            return [
                draft
                for language in LANGUAGES
                for draft in self._letter(incident, counted, rules, language)
            ]

        drafts = await asyncio.to_thread(render)
        return await self._file(actor, incident, [*drafts, *await self._audience(actor, incident)])

    async def _audience(self, actor: Actor, incident: Incident) -> list[Draft]:
        """Return the list of whom the letters reach, where a set is frozen and a directory is."""
        if incident.affected is None or not directory_path(self._settings).is_file():
            return []
        now = self._clock.now()

        def look(tx: CaseTx) -> Audience:
            directory = open_directory(self._settings, self._sealer)
            try:
                return audience(tx, directory, incident, by=actor, at=now)
            finally:
                directory.close()

        found = await self._in_store(look)
        name = f"{incident.reference}-audience.csv"
        return [_draft("audience", "", "text/csv", name, audience_csv(found))]

    def _letter(
        self, incident: Incident, counted: Affected | None, rules: list[str], language: str
    ) -> list[Draft]:
        letter = draft_letter(
            incident,
            counted,
            self._settings.organisation,
            language,
            self._clock.now(),
            self._settings.notifiers_path,
            findings=rules,
        )
        name = f"{incident.reference}-letter-{language}"
        text = f"{letter.subject}\n\n{letter.text}".encode()
        return [
            _draft("letter", language, "application/pdf", f"{name}.pdf", letter.pdf),
            _draft("letter", language, "text/html", f"{name}.html", letter.html.encode()),
            _draft("letter", language, "text/plain", f"{name}.txt", text),
        ]

    async def document_bytes(self, document: Document) -> bytes:
        """Return a document as it was filed. Raises StorageError where it was altered."""
        return await asyncio.to_thread(read_document, self._root, document, self._sealer)

    async def _case(self, actor: Actor, incident_id: str) -> tuple[Incident, list[Deadline]]:
        if not actor.has(*WRITERS):
            raise Refused(
                "drafting needs one of the roles " + ", ".join(role.value for role in WRITERS)
            )

        def look(tx: CaseTx) -> tuple[Incident, list[Deadline]]:
            incident = tx.incidents.get(incident_id)
            return incident, tx.incidents.deadlines(incident.id)

        return await self._in_store(look)

    async def _file(self, actor: Actor, incident: Incident, drafts: list[Draft]) -> list[Document]:
        now = self._clock.now()
        return await self._in_store(
            lambda tx: file_drafts(
                tx,
                root=self._root,
                incident=incident,
                drafts=drafts,
                actor=actor,
                now=now,
                sealer=self._sealer,
            )
        )


def rules_of(tx: CaseTx, incident: Incident) -> list[str]:
    """Return the slugs of the rules whose alerts made the case: each may own words of a letter."""
    return [alert.rule.slug for alert in tx.alerts.find(incident_id=incident.id)]


def limits_of(tx: CaseTx, incident: Incident) -> list[BlindWindow]:
    """Return the blind windows that touch the time of a case; none before that time is known."""
    if incident.occurred_from is None:
        return []
    return tx.blind.find(since=incident.occurred_from, until=incident.occurred_to)


def _draft(kind: str, language: str, media_type: str, name: str, content: bytes) -> Draft:
    return Draft(kind=kind, language=language, media_type=media_type, name=name, content=content)
