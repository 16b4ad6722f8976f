"""What Sentinel talks about. Pure: no I/O, no framework; the standard library and msgspec."""
