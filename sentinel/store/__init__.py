"""Ports and the stores behind them: SQLite, segments, memory; sealing."""
