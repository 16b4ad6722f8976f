"""Migrations of the case store. ``alembic`` runs them when a store is opened; none is edited."""
