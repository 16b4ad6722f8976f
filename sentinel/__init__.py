"""Sentinel: from an access log line to a notification that reaches the CNIL and the persons."""

__version__ = "0.1.0"
