"""Sigma rules: load, compile, match, and the tests that stand beside them."""
