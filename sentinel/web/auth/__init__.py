"""Sign-in: password and a second factor, sessions, CSRF."""
