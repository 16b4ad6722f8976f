"""Drills: a scenario on invented people, from log lines to closing, with every way out closed."""
