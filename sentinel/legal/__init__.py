"""Dated rule sets and forms: data, and the thin code that reads them."""
