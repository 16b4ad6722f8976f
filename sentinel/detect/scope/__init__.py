"""Out of scope: explain, or flag. Policies and business facts, joined at the instant."""
