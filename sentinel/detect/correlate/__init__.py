"""Correlations in event time (Sigma 2.1 correlation rules)."""
