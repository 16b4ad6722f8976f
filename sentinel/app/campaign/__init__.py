"""Campaigns of letters put together: prepared, approved, sent in rounds, proved."""
