"""Letters to persons: composed, signed, handed over once, proved; what fails goes by post."""
