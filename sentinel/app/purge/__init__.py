"""The purge: what must go goes, every day, and a signed certificate says so (R-51 to R-55)."""
