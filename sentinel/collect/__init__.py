"""What takes logs in: framing, formats, normalisation, redaction, pseudonyms, the spool."""
