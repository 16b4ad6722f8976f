"""One channel per file. A channel knows no other."""
