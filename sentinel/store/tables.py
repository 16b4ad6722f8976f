"""The tables of the case store, once, for every database.

What is asked for stands in a column; the record itself is one body. A body that may hold personal
data or a secret is sealed. Instants are microseconds since 1970 in UTC: they sort, and no database
can read a zone into them. Nothing here is particular to SQLite.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

from sentinel.store.sql_types import LongMark, Mark

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ALERTS = Table(
    "alerts",
    METADATA,
    Column("id", Mark(64), primary_key=True),
    Column("fingerprint", Mark(64), nullable=False),
    Column("state", Mark(16), nullable=False),
    Column("incident_id", Mark(64), nullable=False),
    Column("first_us", BigInteger, nullable=False),
    Column("last_us", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "fingerprint", "state"),
    Index(None, "state", "last_us"),
    Index(None, "incident_id"),
)

FINDINGS = Table(
    "findings",
    METADATA,
    Column("id", Mark(64), primary_key=True),
    Column("alert_id", Mark(64), ForeignKey("alerts.id"), nullable=False),
    Column("time_us", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "alert_id"),
)

COUNTERS = Table(
    "counters",
    METADATA,
    Column("name", Mark(64), primary_key=True),
    Column("value", Integer, nullable=False),
)

INCIDENTS = Table(
    "incidents",
    METADATA,
    Column("id", Mark(64), primary_key=True),
    Column("reference", Mark(32), nullable=False, unique=True),
    Column("legal", Mark(32), nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "legal", "created_us"),
)

# ``incident_id`` holds an alert's id where the clock is an acknowledgement: no foreign key.
DEADLINES = Table(
    "deadlines",
    METADATA,
    Column("id", Mark(64), primary_key=True),
    Column("incident_id", Mark(64), nullable=False),
    Column("is_open", Integer, nullable=False),
    Column("due_us", BigInteger, nullable=False),
    Column("next_alarm_us", BigInteger, nullable=True),
    Column("version", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "incident_id"),
    Index(None, "is_open", "next_alarm_us"),
)

DOCUMENTS = Table(
    "documents",
    METADATA,
    Column("id", Mark(64), primary_key=True),
    Column("incident_id", Mark(64), ForeignKey("incidents.id"), nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "incident_id", "created_us"),
)

JOURNAL = Table(
    "journal",
    METADATA,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("occurred_us", BigInteger, nullable=False),
    Column("recorded_us", BigInteger, nullable=False),
    Column("actor", Mark(128), nullable=False),
    Column("action", Mark(64), nullable=False),
    Column("object", Mark(128), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("payload_digest", Mark(64), nullable=False),
    Column("prev_hash", Mark(64), nullable=False),
    Column("hash", Mark(64), nullable=False),
    Index(None, "object", "seq"),
)

OUTBOX = Table(
    "outbox",
    METADATA,
    Column("id", Mark(64), primary_key=True),
    Column("key", Mark(256), nullable=False, unique=True),
    Column("channel", Mark(64), nullable=False),
    Column("kind", Mark(64), nullable=False),
    Column("context", Text, nullable=False),
    Column("state", Mark(16), nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("next_attempt_us", BigInteger, nullable=False),
    Column("claimed_us", BigInteger, nullable=True),
    Column("sent_us", BigInteger, nullable=True),
    Column("attempts", Integer, nullable=False),
    Column("last_error", LongMark, nullable=False),
    Column("receipt", LongMark, nullable=False),
    Index(None, "state", "next_attempt_us"),
)

FACTS = Table(
    "facts",
    METADATA,
    Column("kind", Mark(32), primary_key=True),
    Column("id", Mark(128), primary_key=True),
    Column("subject", Mark(128), primary_key=True),
    Column("actor", Mark(128), primary_key=True),
    Column("body", Text, nullable=False),
)

ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("id", Mark(64), primary_key=True),
    Column("name_folded", Mark(128), nullable=False, unique=True),
    Column("body", LargeBinary, nullable=False),
)

WEB_SESSIONS = Table(
    "web_sessions",
    METADATA,
    Column("token_hash", Mark(64), primary_key=True),
    Column("account_id", Mark(64), ForeignKey("accounts.id"), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "account_id"),
)

STATE = Table(
    "state",
    METADATA,
    Column("name", Mark(128), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

# Tasks, evidence, notes, answers, proposals, merges of a case: see `domain.record`.
CASE_RECORDS = Table(
    "case_records",
    METADATA,
    Column("id", Mark(64), primary_key=True),
    Column("incident_id", Mark(64), nullable=False),
    Column("kind", Mark(32), nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "incident_id", "kind", "created_us"),
)

API_TOKENS = Table(
    "api_tokens",
    METADATA,
    Column("token_hash", Mark(64), primary_key=True),
    Column("account_id", Mark(64), ForeignKey("accounts.id"), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "account_id"),
)

# Answers already given to a command of the API (``Idempotency-Key``).
IDEMPOTENCY = Table(
    "idempotency",
    METADATA,
    Column("key", Mark(64), primary_key=True),
    Column("created_us", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "created_us"),
)

# Anchors hold no personal data and are meant to be read by others: not sealed.
JOURNAL_ANCHORS = Table(
    "journal_anchors",
    METADATA,
    Column("last_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Mark(10), nullable=False),
    Column("body", Text, nullable=False),
)

# One data key per object of the journal, wrapped: destroying it erases what the lines say.
BODY_KEYS = Table(
    "body_keys",
    METADATA,
    Column("id", Mark(128), primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
)
