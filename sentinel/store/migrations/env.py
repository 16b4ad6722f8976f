"""What alembic runs: the migrations on the connection that `sql_schema.upgrade` hands over."""

from __future__ import annotations

from alembic import context

from sentinel.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    # SQLite can roll a table back too, since our engine opens the transaction itself.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
