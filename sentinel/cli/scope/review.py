"""``sentinel scope review``: the list of a day, its reasons, and what was cut."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

import typer

from sentinel import config
from sentinel.app import parts
from sentinel.app.scope_review import ONE_DAY, Calendar, review_of
from sentinel.cli.output import json, line
from sentinel.cli.scope.options import AsJson
from sentinel.clock import SystemClock, isoformat
from sentinel.config import Settings
from sentinel.detect.scope.ranking_budget import TOLD_WITHIN
from sentinel.domain.review import Entry, Review
from sentinel.errors import NotFound
from sentinel.respond.reviews import chosen_before, load_review, review_days


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("review")(review)


def review(
    context: typer.Context,
    day: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day of the accesses; default: the last reviewed."),
    ] = None,
    compute: Annotated[
        bool,
        typer.Option(
            "--compute", help="Make the list of a day now (default: yesterday); stores nothing."
        ),
    ] = False,
    language: Annotated[Literal["fr", "en"] | None, typer.Option(help="Of the reasons.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print which accesses of a day are to be reviewed, why, and what the budget cut."""
    settings = config.load(context.obj)
    calendar = Calendar(settings)
    yesterday = calendar.day_of(SystemClock().now()) - ONE_DAY
    wanted = day.date() if day else None
    if compute:
        found = _compute(settings, calendar, wanted or yesterday)
    else:
        found = _stored(settings, wanted, yesterday)
    words = language or settings.language
    if as_json:
        json(public(found))
    else:
        for text in review_lines(found, words):
            line(text)


def public(review: Review) -> dict[str, object]:
    """Return a review as data: pseudonyms and counts, reasons in both languages."""
    return {
        "day": review.day.isoformat(),
        "reviewed_at": isoformat(review.reviewed_at),
        "budget": review.budget,
        "visits": review.visits,
        "unexplained": review.unexplained,
        "forbidden": review.forbidden,
        "waited": review.waited,
        "cut": review.cut,
        "highest_cut": review.highest_cut,
        "learning": review.learning,
        "history_days": review.history,
        "entries": [_entry(entry) for entry in review.entries],
    }


def _entry(entry: Entry) -> dict[str, object]:
    return {
        "actor": entry.actor,
        "role": entry.role,
        "team": entry.team,
        "subject": entry.subject,
        "looks": entry.looks,
        "first": isoformat(entry.first),
        "last": isoformat(entry.last),
        "categories": list(entry.categories),
        "verdicts": list(entry.verdicts),
        "explained": entry.explained,
        "score": entry.score,
        "reasons": {word: [reason.text(word) for reason in entry.reasons] for word in ("en", "fr")},
        "event_refs": list(entry.refs),
        "alert": entry.alert,
    }


def review_lines(review: Review, language: str) -> list[str]:
    """Return the review in words."""
    french = language == "fr"
    lines = [
        f"{review.day}\u00a0: {len(review.entries)} à examiner sur {review.visits} "
        f"(budget\u00a0: {review.budget}), {review.unexplained} sans explication directe, "
        f"{review.forbidden} hors du rôle, signalées aussitôt"
        if french
        else f"{review.day}: {len(review.entries)} to review of {review.visits} "
        f"(budget {review.budget}), {review.unexplained} without a direct explanation, "
        f"{review.forbidden} outside the role, told at once"
    ]
    highest = "-" if review.highest_cut is None else f"{review.highest_cut:.2f}"
    lines.append(
        f"laissées de côté avec un score supérieur à 0\u00a0: {review.cut}\u00a0; "
        f"plus haut score laissé de côté\u00a0: {highest}"
        if french
        else f"cut with a score above 0: {review.cut}; highest score that was cut: {highest}"
    )
    if review.learning:
        lines.append(
            f"apprentissage ({review.history} jours d’historique)\u00a0: aucune alerte n’est levée"
            if french
            else f"learning ({review.history} days of history): no alert is raised"
        )
    for number, entry in enumerate(review.entries, start=1):
        lines.append(
            f"{number:>3}. {entry.score:+.2f}  {entry.actor} ({entry.role}) -> {entry.subject}  "
            f"x{entry.looks}  {isoformat(entry.first)}  {entry.alert or '-'}"
        )
        lines += [f"       - {reason.text(language)}" for reason in entry.reasons]
    return lines


def _stored(settings: Settings, wanted: date | None, yesterday: date) -> Review:
    with parts.reading(settings) as tx:
        days = review_days(tx)
        day = wanted or (days[-1] if days else yesterday)
        found = load_review(tx, parts.open_sealer(settings), day)
    if found is None:
        known = f"reviewed: {days[0]} to {days[-1]}" if days else "no day was reviewed yet"
        raise NotFound(
            f"no review of {day}",
            hint=f"{known}; `sentinel run` makes it on the next morning, --compute makes it now",
        )
    return found


def _compute(settings: Settings, calendar: Calendar, day: date) -> Review:
    sealer = parts.open_sealer(settings)
    with parts.reading(settings) as tx:
        facts, earlier = list(tx.facts.all()), chosen_before(tx, sealer, day, TOLD_WITHIN)
    events = parts.read_events(settings, sealer)
    try:
        return review_of(settings, calendar, events, facts, day, earlier)
    finally:
        events.close()
