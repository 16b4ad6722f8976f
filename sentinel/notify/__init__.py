"""What leaves the house: the outbox, its channels, the dossier, the letters."""
