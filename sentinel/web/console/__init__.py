"""The console: views, templates, static files."""
