"""The evidence file of a campaign: what happened to each letter, and what that proves.

Nobody is named in it: a letter is its number and its keyed token. The JSON is signed; the paper
says the same in words and carries the JSON's hash.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from sentinel.clock import isoformat
from sentinel.domain.campaign import Campaign
from sentinel.domain.dispatch import Dispatch, DispatchState
from sentinel.notify import wording
from sentinel.notify.campaign import evidence_words as words
from sentinel.notify.paper import Paper, Section

FORMAT = "sentinel-campaign-evidence-1"


def evidence_body(
    campaign: Campaign,
    letters: Sequence[Dispatch],
    journal: Sequence[Mapping[str, object]],
    approval: Mapping[str, object],
    *,
    at: datetime,
) -> dict[str, object]:
    """Return the evidence as data, ready to be signed."""
    states = Counter(one.state.value for one in letters)
    failures = Counter(one.failure.value for one in letters if one.failure)
    reports = Counter(report.action for one in letters for report in one.reports)
    return {
        "format": FORMAT,
        "made_at": isoformat(at),
        "campaign": campaign.id,
        "incident": campaign.incident_id,
        "kind": campaign.kind.value,
        "state": campaign.state.value,
        "drill": campaign.drill,
        "letter": {
            "sha256": campaign.letter_sha256,
            "files": [
                {
                    "variant": part.variant,
                    "language": part.language,
                    "media_type": part.media_type,
                    "sha256": part.sha256,
                }
                for part in campaign.parts
            ],
        },
        "audience": {
            "sha256": campaign.audience_sha256,
            "persons": campaign.audience_count,
            "query": campaign.audience_query,
            "affected_sha256": campaign.affected_sha256,
            "directory_version": campaign.directory_version,
            "by_reach": campaign.audience_counts,
        },
        "approval": dict(approval),
        "started_at": _instant(campaign.started_at),
        "ended_at": _instant(campaign.ended_at),
        "totals": {
            "states": dict(sorted(states.items())),
            "failures": dict(sorted(failures.items())),
            "reports": dict(sorted(reports.items())),
            "by_post": sum(one.posted_at is not None for one in letters),
            "coverage": coverage(letters),
        },
        "proves": {language: list(words.PROVES[language]) for language in ("fr", "en")},
        "does_not_prove": {language: list(words.NOT[language]) for language in ("fr", "en")},
        "letters": [_row(one) for one in letters],
        "journal": list(journal),
    }


def coverage(letters: Sequence[Dispatch]) -> float:
    """Return the share of persons whose letter a server took, or that went by post."""
    by_mail = (DispatchState.HANDED_OVER, DispatchState.DELIVERED)
    reached = sum(one.state in by_mail or one.posted_at is not None for one in letters)
    return round(reached / max(1, len(letters)), 4)


def canonical(body: Mapping[str, object]) -> bytes:
    """Return the bytes that are signed: the format's name, then JSON with sorted keys."""
    return FORMAT.encode() + b"\n" + msgspec.json.encode(body, order="sorted")


def evidence_paper(body: Mapping[str, object], language: str, sha256: str, at: datetime) -> Paper:
    """Return the evidence in words, in ``fr`` or ``en``. ``sha256``: of the signed JSON file."""
    say = words.LABELS[language]
    totals, letter, audience = _part(body, "totals"), _part(body, "letter"), _part(body, "audience")
    states, failures = _part(totals, "states"), _part(totals, "failures")
    percent = f"{float(str(totals['coverage'])) * 100:.1f}"
    percent = f"{percent.replace('.', ',')} %" if language == "fr" else f"{percent}%"
    rows = [
        (say[f"state.{state.value}"], _n(states[state.value], language))
        for state in DispatchState
        if state.value in states
    ]
    named = [(words.FAILURES[language][name], _n(n, language)) for name, n in failures.items()]
    return Paper(
        title=say["title"],
        language=language,
        intro=(
            say["intro"].format(
                n=_n(audience["persons"], language), made=wording.instant(at, language)
            ),
            f"SHA-256 : {sha256}" if language == "fr" else f"SHA-256: {sha256}",
        ),
        sections=(
            Section(heading=say["proves"], items=words.PROVES[language]),
            Section(heading=say["not"], items=words.NOT[language]),
            Section(
                heading=say["letters"],
                head=(say["what"], say["count"]),
                rows=(
                    *rows,
                    (say["post"], _n(totals["by_post"], language)),
                    (say["coverage"], percent),
                ),
            ),
            Section(heading=say["failures"], head=(say["why"], say["count"]), rows=tuple(named))
            if named
            else Section(heading=say["failures"], lines=(say["none"],)),
            Section(
                heading=say["bound"],
                items=(
                    f"{say['letter_hash']} {letter['sha256']}",
                    f"{say['audience_hash']} {audience['sha256']}",
                    f"{say['question']} {audience['query']}",
                    f"{say['approved']} {_approved(body, language)}",
                ),
            ),
        ),
    )


def _approved(body: Mapping[str, object], language: str) -> str:
    given = str(_part(body, "approval").get("given_at", ""))
    return wording.instant(datetime.fromisoformat(given), language) if given else "–"


def _row(one: Dispatch) -> dict[str, object]:
    return {
        "number": one.number,
        "token": one.token,
        "language": one.language,
        "variant": one.variant,
        "state": one.state.value,
        "failure": one.failure.value if one.failure else "",
        "way": one.path,
        "attempts": one.attempts,
        "begun_at": _instant(one.begun_at),
        "handed_over_at": _instant(one.handed_at),
        "answer": one.reply,
        "queue_id": one.queue_id,
        "known_by": one.settled_by,
        "reports": [
            {
                "read_at": isoformat(report.at),
                "action": report.action,
                "status": report.status,
                "detail": report.detail,
                "server": report.reporter,
                "sha256": report.sha256,
            }
            for report in one.reports
        ],
        "by_post_at": _instant(one.posted_at),
    }


def _part(body: Mapping[str, object], name: str) -> dict[str, object]:
    found = body.get(name)
    return found if isinstance(found, dict) else {}


def _n(value: object, language: str) -> str:
    return wording.number(int(str(value)), language)


def _instant(value: datetime | None) -> str:
    return isoformat(value) if value is not None else ""
