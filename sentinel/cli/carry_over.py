"""``sentinel carry-over``: bring the events of the embedded store onto Elasticsearch."""

from __future__ import annotations

import typer

from sentinel import config
from sentinel.app.carry_over import carry_over
from sentinel.cli.output import line


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("carry-over")(run)


def run(context: typer.Context) -> None:
    """Bring what the embedded event store holds onto the server that store.events names.

    Stop the service first. Interrupted, it goes on where it was. The embedded store stays as it is:
    remove `<data_dir>/events` when the events are found on the server.
    """
    settings = config.load(context.obj)
    count = carry_over(settings, lambda brought: line(f"{brought} events brought"))
    line(f"{count} events are on {settings.store.events.url}; the embedded ones were left")
