"""The tables of what we could not see: blind windows and dead letters."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text

from sentinel.store.sql_types import LongMark, Mark
from sentinel.store.tables import METADATA

BLIND_WINDOWS = Table(
    "blind_windows",
    METADATA,
    Column("id", Mark(64), primary_key=True),
    Column("cause", Mark(32), nullable=False),
    Column("source", Mark(64), nullable=False),
    Column("begin_us", BigInteger, nullable=False),
    Column("end_us", BigInteger, nullable=True),
    Column("body", Text, nullable=False),
    Index(None, "cause", "source", "begin_us"),
    Index(None, "begin_us"),
    Index(None, "end_us"),
)

DEAD_LETTERS = Table(
    "dead_letters",
    METADATA,
    Column("id", Mark(64), primary_key=True),
    Column("source", Mark(64), nullable=False),
    Column("kind", Mark(16), nullable=False),
    Column("state", Mark(16), nullable=False),
    Column("reason", LongMark, nullable=False),
    Column("received_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("replayed_us", BigInteger, nullable=True),
    Column("event_id", Mark(64), nullable=False),
    Column("context", Mark(128), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "state", "received_us"),
    Index(None, "expires_us"),
)
