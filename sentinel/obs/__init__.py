"""Our own logs, metrics and health; no personal data in any of them."""
