"""On PostgreSQL: texts without a bound, sorted by code point. Nothing changes on SQLite."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

COLUMNS = {
    "accounts": ("id", "name_folded"),
    "alerts": ("id", "fingerprint", "state", "incident_id"),
    "api_tokens": ("token_hash", "account_id"),
    "blind_windows": ("id", "cause", "source"),
    "body_keys": ("id",),
    "case_records": ("id", "incident_id", "kind"),
    "counters": ("name",),
    "dead_letters": ("id", "source", "kind", "state", "reason", "event_id", "context"),
    "deadlines": ("id", "incident_id"),
    "documents": ("id", "incident_id"),
    "facts": ("kind", "id", "subject", "actor"),
    "findings": ("id", "alert_id"),
    "idempotency": ("key",),
    "incidents": ("id", "reference", "legal"),
    "journal": ("actor", "action", "object", "payload_digest", "prev_hash", "hash"),
    "journal_anchors": ("day",),
    "outbox": ("id", "key", "channel", "kind", "state", "last_error", "receipt"),
    "state": ("name",),
    "web_sessions": ("token_hash", "account_id"),
}


def upgrade() -> None:
    """Change the types of the columns by which rows are found."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, columns in COLUMNS.items():
        for column in columns:
            op.alter_column(
                table, column, type_=postgresql.TEXT(collation="C"), existing_type=sa.String()
            )
