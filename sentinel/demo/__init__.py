"""A deterministic story of one working day, and the run that tells it."""
