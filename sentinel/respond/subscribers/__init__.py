"""One side effect per file, named by what it does."""
