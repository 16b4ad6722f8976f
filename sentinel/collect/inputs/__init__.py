"""How lines come in besides ``/v1/events``: Elasticsearch's ``_bulk``, OTLP, syslog, files."""
