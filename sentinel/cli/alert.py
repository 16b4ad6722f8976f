"""``sentinel alert``: read alerts from the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from sentinel import config
from sentinel.app.parts import reading
from sentinel.cli.output import json, line, pretty
from sentinel.clock import isoformat
from sentinel.domain.alert import Alert, AlertState

app = typer.Typer(help="Alerts: what detection found, folded.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


def public(alert: Alert) -> dict[str, object]:
    """Return an alert as data: pseudonyms, counts and references, in English."""
    return {
        "id": alert.id,
        "rule_id": alert.rule.id,
        "rule": alert.rule.slug,
        "title": alert.rule.title,
        "level": alert.rule.level.value,
        "state": alert.state.value,
        "actor": alert.actor,
        "subjects": list(alert.subjects),
        "categories": list(alert.categories),
        "first": isoformat(alert.first),
        "last": isoformat(alert.last),
        "findings": alert.count,
        "events": alert.event_count,
        "event_refs": list(alert.refs),
        "reasons": [reason.text("en") for reason in alert.reasons],
        "score": alert.score,
        "incident": alert.incident_id,
    }


@app.command("list")
def list_alerts(
    context: typer.Context,
    state: Annotated[AlertState | None, typer.Option(help="Only this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 50,
    as_json: Json = False,
) -> None:
    """List alerts, newest first."""
    with reading(config.load(context.obj)) as tx:
        alerts = tx.alerts.find(state=state, limit=limit)
    for alert in alerts:
        if as_json:
            json(public(alert))
            continue
        line(
            f"{isoformat(alert.last)}  {alert.rule.level.value:<13} {alert.state.value:<12} "
            f"{alert.rule.title}  actor {alert.actor or '-'}  "
            f"persons {len(alert.subjects)}  {alert.id}"
        )


@app.command("show")
def show(
    context: typer.Context,
    alert_id: Annotated[str, typer.Argument(help="Id of the alert.")],
    as_json: Json = False,
) -> None:
    """Show one alert with its reasons and event references."""
    with reading(config.load(context.obj)) as tx:
        alert = tx.alerts.get(alert_id)
    (json if as_json else pretty)(public(alert))
