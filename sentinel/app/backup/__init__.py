"""Backup and restore of everything, encrypted, verified, and forgotten in time (promise R-54)."""
