"""The subject directory in use: imported, asked for an audience, opened by two people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path

from sentinel.app import parts
from sentinel.config import Settings
from sentinel.domain.directory import (
    Addressee,
    Audience,
    DirectoryEntry,
    DirectoryVersion,
    reach_of,
)
from sentinel.domain.guards import Attempt, written_reason
from sentinel.domain.incident import Actor, Incident, Role
from sentinel.errors import Refused
from sentinel.respond.directory_rows import Row, read_entries
from sentinel.store.directory import SubjectDirectory
from sentinel.store.ports import CaseTx, Sealer

FILE = "directory.sqlite"
OPENERS = (Role.DPO, Role.LEGAL)
IMPORTERS = (Role.DPO, Role.ADMIN)
LISTERS = (Role.COMMANDER, Role.SCRIBE, Role.DPO, Role.LEGAL, Role.COMMS)
MOST_OPENED = 100
AT_ONCE = 500
IMPORTED = "directory.imported"
OBJECT = "directory"


def directory_path(settings: Settings) -> Path:
    """Return where the directory lies."""
    return settings.data_dir / FILE


def open_directory(settings: Settings, sealer: Sealer) -> SubjectDirectory:
    """Open or make the directory."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    return SubjectDirectory(directory_path(settings), sealer)


def entries_of(
    settings: Settings, rows: Iterable[Row], mapping: Mapping[str, tuple[str, ...]]
) -> Iterator[DirectoryEntry]:
    """Yield the entries of ``rows`` under the pseudonyms that the collector gives identifiers."""
    pseudonymiser = parts.make_pseudonymiser(settings)
    entries = read_entries(rows, mapping, lambda value: pseudonymiser.pseudonym("sub", value))
    while True:
        with pseudonymiser.batch():  # durable together: one wait for the disk, not one a person
            some = list(islice(entries, AT_ONCE))
        if not some:
            return
        yield from some


def import_entries(
    tx: CaseTx,
    directory: SubjectDirectory,
    entries: Iterable[DirectoryEntry],
    *,
    source: str,
    by: Actor,
    at: datetime,
    whole: bool,
) -> DirectoryVersion:
    """Take entries in as the next version of the directory, and journal it.

    Raises ContentError where one is wrong: then the version before stays in force. Raises Refused
    where ``by`` may not import.
    """
    if not by.has(*IMPORTERS):
        raise Refused(f"importing the directory needs one of {_names(IMPORTERS)}")
    journal_missing(tx, directory)
    made = directory.take(entries, at=at, by=by.id, source=source, whole=whole)
    _journal_import(tx, made)
    return made


def journal_missing(tx: CaseTx, directory: SubjectDirectory) -> int:
    """Journal imports whose line was lost; return how many.

    The directory is a database of its own, and is made durable first: a process that dies between
    the two leaves a version without a line. The next use writes it, marked ``recovered``.
    """
    told = set()
    for line in tx.journal.lines(object_id=OBJECT):
        payload = tx.journal.opened(line) if line.action == IMPORTED else None
        if isinstance(payload, dict):
            told.add(payload.get("version"))
    lost = [one for one in directory.versions() if one.version not in told]
    for version in lost:
        _journal_import(tx, version, recovered=True)
    return len(lost)


def _journal_import(tx: CaseTx, made: DirectoryVersion, **marks: bool) -> None:
    tx.journal.append(
        occurred_at=made.at,
        actor=made.by,
        action=IMPORTED,
        object_id=OBJECT,
        payload={
            "version": made.version,
            "source": made.source,
            "whole": made.whole,
            "entries": made.entries,
            "added": made.added,
            "changed": made.changed,
            "gone": made.gone,
            "sha256": made.sha256,
            **marks,
        },
    )


def audience(
    tx: CaseTx, directory: SubjectDirectory, incident: Incident, *, by: Actor, at: datetime
) -> Audience:
    """Return whom the letters of the frozen set go to: a row per person, no name, no address.

    Nothing is opened; the look-up is journalled. Raises Refused where nothing is frozen.
    """
    if not by.has(*LISTERS):
        raise Refused(f"the audience needs one of {_names(LISTERS)}")
    frozen = incident.affected
    if frozen is None:
        raise Refused("the affected persons are not frozen: no audience can be listed")
    journal_missing(tx, directory)
    listed = directory.listed(frozen.subjects)
    versions = directory.versions()
    found = Audience(
        incident=incident.reference,
        affected_sha256=frozen.sha256,
        directory=versions[-1].version if versions else 0,
        rows=tuple(
            Addressee(
                pseudonym=name,
                reach=reach_of(listed.get(name)),
                language=listed[name].language if name in listed else "",
            )
            for name in frozen.subjects
        ),
    )
    tx.journal.append(
        occurred_at=at,
        actor=by.id,
        action="directory.audience",
        object_id=incident.id,
        payload={
            "affected_sha256": frozen.sha256,
            "directory": found.directory,
            **found.counts(),
        },
    )
    return found


def audience_csv(found: Audience) -> bytes:
    """Return the audience as CSV: pseudonym, reach, language; French where none is known."""
    rows = [f"{row.pseudonym},{row.reach.value},{row.language or 'fr'}" for row in found.rows]
    return "\r\n".join(["pseudonym,reach,language", *rows, ""]).encode()


def open_entries(
    tx: CaseTx,
    directory: SubjectDirectory,
    pseudonyms: Sequence[str],
    *,
    by: Actor,
    approved_by: Actor,
    incident: Incident,
    reason: str,
    at: datetime,
) -> dict[str, DirectoryEntry]:
    """Return persons in clear: two people, a case, a reason, a journal line before anything.

    ``pseudonyms``: persons of the case's frozen set, at most a hundred by hand. Raises Refused.
    """
    if not by.has(*OPENERS) or not approved_by.has(*OPENERS):
        raise Refused(f"opening the directory needs two people with one of {_names(OPENERS)}")
    if by.id == approved_by.id:
        raise Refused("opening the directory: the author cannot be the approver")
    attempt = Attempt(actor=by, now=at, incident=incident, deadlines=(), reason=reason)
    if missing := written_reason(attempt):
        raise Refused(f"opening the directory: {missing}")
    frozen = incident.affected
    outside = set(pseudonyms) - set(frozen.subjects if frozen is not None else ())
    if outside:
        raise Refused(f"{len(outside)} of these persons are not in the case's frozen set")
    if len(pseudonyms) > MOST_OPENED:
        raise Refused(f"at most {MOST_OPENED} persons are opened by hand")
    journal_missing(tx, directory)
    tx.journal.append(
        occurred_at=at,
        actor=by.id,
        action="directory.opened",
        object_id=incident.id,
        payload={
            "persons": sorted(pseudonyms),
            "approved_by": approved_by.id,
            "reason": reason,
        },
    )
    return directory.opened(list(pseudonyms))


def _names(roles: Iterable[Role]) -> str:
    return ", ".join(role.value for role in roles)
