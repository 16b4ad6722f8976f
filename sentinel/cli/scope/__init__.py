"""``sentinel scope``: accesses of staff to persons' data, explained, ranked, reviewed, answered."""

from __future__ import annotations

import typer

from sentinel.cli.scope import drift, evaluate, judged, review, staff, suggest

app = typer.Typer(help="Accesses of staff to persons' data.", no_args_is_help=True)

for group in (review, judged, suggest, drift, staff, evaluate):
    group.register(app)
