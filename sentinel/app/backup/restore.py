"""Puts a backup back, and takes away again what was taken away since.

Everything is unpacked and checked beside the data directory, the purge ledger and the purge of the
day are applied there, and only then does the folder get its name: nothing is half restored, and
nothing that was erased is ever served.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, closing
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from sentinel.app import elastic_events, erasure, parts
from sentinel.app.backup import ledger
from sentinel.app.backup.snapshot import DUMP, LAST
from sentinel.app.backup.verify import CASES, EVENTS, check_cases, check_events, unpack
from sentinel.app.duties import signer_of
from sentinel.app.handover import OFFSET
from sentinel.app.purge.run import Purger
from sentinel.clock import Clock, isoformat
from sentinel.config import Settings
from sentinel.domain.certificate import Certificate
from sentinel.errors import ConfigError, Refused, StorageError
from sentinel.respond.journal_check import all_lines, check
from sentinel.store.database_copy import copy_rows, is_empty
from sentinel.store.disk import Disk
from sentinel.store.payload import unpack as unpack_events
from sentinel.store.ports import CaseTx, EventStore, Sealer

T = TypeVar("T")
RESTORED = "restore.done"
CONTENT = "restored-content"


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What a restore did.

    ``lost``: lines of the journal that are known to be missing. ``gaps``: entries of the purge
    ledger that were taken away; ``reapplied``: entries that were done again. ``certificate``: of
    the purge. ``content``: where the rules, notifiers and runbooks of the backup lie, if own ones.
    """

    archive: str
    made_at: datetime
    files: int
    lines: int
    events: int
    reapplied: int
    persons: int
    lost: int
    gaps: int
    certificate: Certificate
    content: Path | None


def restore(settings: Settings, archive: Path, clock: Clock, *, by: str) -> Restored:
    """Restore into the data directory of ``settings``, which is empty or not there.

    Raises Refused over data, StorageError where the archive is not whole: then nothing changed.
    """
    key = ledger.backup_key(settings)
    if key is None:
        raise ConfigError("backup.key_file: the key of the backups is needed")
    target = settings.data_dir
    _require_empty(settings)
    work = target.parent / f".restore-{target.name}"
    shutil.rmtree(work, ignore_errors=True)
    try:
        work.mkdir(parents=True, mode=0o700)
        try:
            made = _prepare(settings, archive, key, work, clock, by=by)
            if target.is_dir():
                target.rmdir()
            (work / "data").rename(target)
            Disk().sync_folder(target.parent)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise StorageError(error.strerror or str(error), where=str(target)) from error
    return made


def _prepare(
    settings: Settings, archive: Path, key: bytes, work: Path, clock: Clock, *, by: str
) -> Restored:
    header, _, sizes = unpack(archive, key, work)
    sealer = parts.open_sealer(settings)
    check_cases(work / CASES, sealer)
    check_events(work / EVENTS, sizes, sealer, where=str(archive))
    here = work / "data"
    content = _keep_content(work, here)
    _load(settings, here / DUMP, sealer)
    inside = _inside(settings, here)
    with ExitStack() as opened:
        cases = parts.open_cases(inside, sealer, clock)
        opened.callback(cases.close)
        events = parts.open_events(inside, sealer)
        opened.callback(events.close)
        run = _Runner(cases.begin)
        _require_whole(inside, events, run)
        known = ledger.entries(settings)
        gaps = ledger.gaps(known)
        found = run(lambda tx: ledger.missing(tx, known))
        run(lambda tx: ledger.reapply(tx, found, clock.now()))
        erased = erasure.at_start(inside, sealer, cases, clock.now())
        persons = len(erased.persons) if erased is not None else 0
        certificate = Purger(inside, run, events, signer_of(settings), clock).purge(
            by=by, clock_is_right=True
        )
        last = run(_last)
        lost = max([one.seq for one in found], default=0)

        def tell(tx: CaseTx) -> int:
            tx.journal.append(
                occurred_at=clock.now(),
                actor=by,
                action=RESTORED,
                object_id=f"backup:{header.id}",
                payload={
                    "made_at": isoformat(header.made_at),
                    "reapplied": len(found),
                    "persons": persons,
                    "ledger_gaps": gaps,
                },
            )
            verdict = check(all_lines(tx))
            if not verdict.holds:
                raise StorageError("the restored journal does not hold", where=str(archive))
            return verdict.lines

        lines = run(tell)
        kept = events.count()
    if settings.store.cases.url is not None:  # the last step: what can be undone comes before
        copy_rows(here / parts.CASES, parts.cases_target(settings))
        (here / parts.CASES).unlink()
    return Restored(
        archive=header.id,
        made_at=header.made_at,
        files=len(sizes),
        lines=lines,
        events=kept,
        reapplied=len(found),
        persons=persons,
        lost=max(lost - last, 0),
        gaps=gaps,
        certificate=certificate,
        content=settings.data_dir / CONTENT if content else None,
    )


class _Runner:
    """Runs a function in one transaction."""

    def __init__(self, begin: Callable[[], AbstractContextManager[CaseTx]]) -> None:
        self._begin = begin

    def __call__(self, function: Callable[[CaseTx], T], /) -> T:
        with self._begin() as tx:
            return function(tx)


def _inside(settings: Settings, here: Path) -> Settings:
    """Return the settings with the data in ``here``, the cases too: a database comes last."""
    cases = settings.store.cases.model_copy(update={"url": None})
    store = settings.store.model_copy(update={"cases": cases})
    return settings.model_copy(update={"data_dir": here, "store": store})


def _load(settings: Settings, dump: Path, sealer: Sealer) -> None:
    """Put the events that were on a server back onto the one that is set. Raises Refused."""
    if not dump.is_dir():
        if settings.store.events.kind != "embedded":
            raise Refused(
                "the backup holds embedded events, and store.events names a server",
                hint='restore with kind = "embedded"',
            )
        return
    if settings.store.events.kind == "embedded":
        raise Refused(
            "the backup holds the events of a server, and store.events names none",
            hint="set store.events to an empty server or prefix",
        )
    pieces = sorted(path for path in dump.iterdir() if path.name != LAST)
    last = int((dump / LAST).read_text(encoding="ascii"))
    with closing(elastic_events.open_to_fill(settings, sealer)) as events:
        if events.count() or events.stored_offset() >= 0:
            raise Refused("the server holds events already", hint="set another store.events.prefix")
        for number, path in enumerate(pieces, start=1):
            found = unpack_events(path.read_bytes(), where=path.name)
            events.append(found, last_offset=last - len(pieces) + number)
    shutil.rmtree(dump)


def _require_empty(settings: Settings) -> None:
    target = settings.data_dir
    if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        raise Refused(
            f"{target} is not empty: nothing is restored over anything",
            hint="move it away, or set another data_dir",
        )
    if settings.store.cases.url is not None and not is_empty(parts.cases_target(settings)):
        raise Refused("the database of the cases is not empty", hint="give an empty one")


def _require_whole(settings: Settings, events: EventStore, run: _Runner) -> None:
    """Open the spool, which cuts what was being written; see that the three fit together."""
    committed = run(lambda tx: int(tx.state.get(OFFSET) or b"-1"))

    async def look() -> None:
        spool = parts.open_spool(settings, parts.open_sealer(settings))
        try:
            parts.require_whole(spool, events, committed)
        finally:
            await spool.close()

    asyncio.run(look())


def _keep_content(work: Path, here: Path) -> bool:
    """Put own rules, notifiers and runbooks beside the data: their old place is not ours."""
    source = work / "content"
    if not source.is_dir():
        return False
    here.mkdir(exist_ok=True, mode=0o700)
    shutil.rmtree(here / CONTENT, ignore_errors=True)
    source.rename(here / CONTENT)
    return True


def _last(tx: CaseTx) -> int:
    line = tx.journal.last()
    return line.seq if line is not None else 0
