"""One file per log format. A parser never raises on data: it returns fields or a reason."""
