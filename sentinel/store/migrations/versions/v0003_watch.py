"""Blind windows, and dead letters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables."""
    _blind_windows()
    _dead_letters()


def _blind_windows() -> None:
    op.create_table(
        "blind_windows",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("begin_us", sa.BigInteger(), nullable=False),
        sa.Column("end_us", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blind_windows")),
    )
    op.create_index(
        op.f("ix_blind_windows_cause_source_begin_us"),
        "blind_windows",
        ["cause", "source", "begin_us"],
        unique=False,
    )
    for column in ("begin_us", "end_us"):
        op.create_index(op.f(f"ix_blind_windows_{column}"), "blind_windows", [column], unique=False)


def _dead_letters() -> None:
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("received_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("replayed_us", sa.BigInteger(), nullable=True),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("context", sa.String(length=128), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letters")),
    )
    op.create_index(
        op.f("ix_dead_letters_state_received_us"),
        "dead_letters",
        ["state", "received_us"],
        unique=False,
    )
    op.create_index(
        op.f("ix_dead_letters_expires_us"), "dead_letters", ["expires_us"], unique=False
    )
