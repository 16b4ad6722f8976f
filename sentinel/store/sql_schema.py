"""The schema of a database and its migrations, which are shipped in the package.

A change of the schema is first an addition that the version before can live with (expand), and
only a version later a removal (contract). So this code runs on every schema from `OLDEST` on, and a
database is migrated when its keeper says so: `sentinel migrate`. A new database gets the newest
schema at once.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from sentinel.errors import StorageError, UsageError

MIGRATIONS = Path(__file__).parent / "migrations"
OLDEST = "0003"
"""The oldest schema on which this code runs."""


class Step(msgspec.Struct, frozen=True):
    """A migration: its revision, and what it does in a sentence."""

    revision: str
    does: str


class Schema(msgspec.Struct, frozen=True, kw_only=True):
    """Where a database stands. ``current``: empty where there is no schema yet."""

    current: str
    newest: str
    missing: tuple[Step, ...]


def prepare(engine: Engine) -> Schema:
    """Make the schema of a new database; see that an existing one can be worked with.

    Raises StorageError where the database is older than `OLDEST`, or newer than this version.
    """
    with engine.begin() as connection:  # under the write lock: one of two processes makes it
        schema = _schema(connection)
        if not schema.current:
            _upgrade(connection, "head")
            return _schema(connection)
    if schema.current < OLDEST:
        raise StorageError(
            f"the database has schema {schema.current}, this version needs {OLDEST} at least",
            hint="stop every Sentinel on it, back it up, and run `sentinel migrate`",
        )
    return schema


def look(engine: Engine) -> Schema:
    """Return where the database stands; nothing changes. Raises StorageError on a newer one."""
    with engine.begin() as connection:
        return _schema(connection)


def migrate(engine: Engine, to: str = "") -> tuple[Schema, Schema]:
    """Apply what is missing up to revision ``to`` in one transaction; return before and after.

    A second process waits and finds nothing to do. Raises UsageError on an unknown or an earlier
    revision: data that a newer schema took in has no place in an older one.
    """
    with engine.begin() as connection:
        before = _schema(connection)
        target = to or before.newest
        known = {script.revision for script in _scripts().walk_revisions()}
        if target not in known:
            raise UsageError(f"no revision is called {target!r}", hint=", ".join(sorted(known)))
        if target < before.current:
            raise UsageError(
                f"the database has schema {before.current}: it does not go back to {target}",
                hint="restore a backup of before",
            )
        if target != before.current:
            _upgrade(connection, target)
        return before, _schema(connection)


def _schema(connection: Connection) -> Schema:
    scripts = _scripts()
    known = {script.revision: script for script in scripts.walk_revisions()}
    current = MigrationContext.configure(connection).get_current_revision() or ""
    if current and current not in known:
        raise StorageError(
            f"the database has schema {current}, which this version does not know",
            hint="it was written by a newer version of Sentinel: run that one",
        )
    missing = sorted(revision for revision in known if revision > current)
    return Schema(
        current=current,
        newest=max(known),
        missing=tuple(Step(name, (known[name].doc or "").split("\n")[0]) for name in missing),
    )


def _upgrade(connection: Connection, target: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, target)


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
