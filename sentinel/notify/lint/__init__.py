"""Whether a letter to the persons says what it must, in words that may be sent (GDPR art. 34)."""
