"""Draws the weekly sample of the audit logs, and takes the signatures of those who looked at it."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from datetime import datetime

import msgspec

from sentinel.domain import event as names
from sentinel.domain.event import Event
from sentinel.domain.incident import Actor, Role
from sentinel.domain.log_review import LogReview, Looked, Signature, digest_of, drawn
from sentinel.errors import NotFound, Refused
from sentinel.respond.humans import same_human
from sentinel.store.ports import CaseTx

FOLDER = "log-review"
REVIEWERS = (Role.DPO, Role.AUDITOR, Role.LEGAL, Role.COMMANDER, Role.ANALYST)
STAFF = frozenset({"staff", "service"})
KEY_ACTIONS = ("key.", "kms.")
DRAWER = "sentinel:log-review"
SEED_BYTES = 16


def is_key_access(event: Event) -> bool:
    """Tell whether an event is an access to a key: those are looked at without exception."""
    return event.text("event.action").startswith(KEY_ACTIONS)


def is_explained(event: Event) -> bool:
    """Tell whether it is an access of staff to somebody's data that the facts explained."""
    return (
        event.text(names.ACTOR_KIND) in STAFF
        and bool(event.items(names.SUBJECT))
        and event.text(names.SCOPE_VERDICT) == "explained"
    )


def draw(
    events: Iterable[Event],
    *,
    week: str,
    since: datetime,
    until: datetime,
    share: float,
    now: datetime,
    seed: str = "",
) -> LogReview:
    """Return the review of a week, unsigned. ``seed``: to draw an earlier sample again."""
    chosen = seed or secrets.token_hex(SEED_BYTES)
    entries: list[Looked] = []
    population = keys = 0
    for event in events:
        if is_key_access(event):
            keys += 1
            entries.append(_looked(event, "key"))
        elif is_explained(event):
            population += 1
            if drawn(chosen, event.id, share):
                entries.append(_looked(event, "sampled"))
    ordered = tuple(sorted(entries, key=lambda one: (one.time, one.event)))
    return LogReview(
        id=f"{FOLDER}:{week}",
        incident_id=FOLDER,
        created_at=now,
        created_by=DRAWER,
        week=week,
        since=since,
        until=until,
        seed=chosen,
        share=share,
        population=population,
        key_accesses=keys,
        entries=ordered,
        sha256=digest_of(ordered),
    )


def keep(tx: CaseTx, review: LogReview, now: datetime) -> LogReview:
    """Record a drawn sample, once for a week: nobody draws until the sample suits him."""
    if any(one.week == review.week for one in all_reviews(tx)):
        raise Refused(f"the sample of {review.week} was drawn already")
    tx.records.put(review)
    _journal(
        tx, DRAWER, now, "log_review.drawn", review,
        {"seed": review.seed, "share": review.share, "entries": len(review.entries)},
    )  # fmt: skip
    return review


def sign(
    tx: CaseTx,
    actor: Actor,
    week: str,
    *,
    own: Collection[str],
    remarks: str,
    now: datetime,
    suspicious: Collection[str] = (),
) -> LogReview:
    """Stand for the entries of everybody else. ``own``: what the logs call the reviewer.

    The reviewer is not the reviewed: entries of ``own`` stay open for another person. Raises
    Refused where nothing is left to sign, or nothing was written.
    """
    review = of_week(tx, week)
    if not actor.has(*REVIEWERS) or actor.has(Role.ADMIN):
        raise Refused("the review takes the role " + " or ".join(sorted(REVIEWERS)))
    if not own:
        raise Refused("say what the logs call the reviewer: nobody reviews himself")
    if len(remarks.strip()) < 10:  # noqa: PLR2004 - a sentence
        raise Refused("write what was looked at, and what was found")
    if any(same_human(tx, one.by, actor) for one in review.signatures):
        raise Refused("this person has signed already: the rest waits for another one")
    mine = review.open_for(own)
    if review.entries and not mine:
        raise Refused("only accesses of the reviewer are left: another person must look at them")
    unknown = set(suspicious) - {one.event for one in mine}
    if unknown:
        raise Refused(f"not in this person's part of the sample: {', '.join(sorted(unknown))}")
    signature = Signature(
        by=actor.id,
        at=now,
        covered=len(mine),
        not_own=tuple(sorted(own)),
        remarks=remarks.strip(),
        suspicious=tuple(sorted(suspicious)),
    )
    signed = msgspec.structs.replace(
        review, signatures=(*review.signatures, signature), version=review.version + 1
    )
    tx.records.put(signed)
    _journal(
        tx, actor.id, now, "log_review.signed", signed,
        {"covered": signature.covered, "remarks": signature.remarks,
         "suspicious": list(signature.suspicious), "complete": signed.complete},
    )  # fmt: skip
    return signed


def of_week(tx: CaseTx, week: str) -> LogReview:
    """Return the review of ``2026-W10``. Raises NotFound."""
    for one in all_reviews(tx):
        if one.week == week:
            return one
    raise NotFound(f"the review of {week}", hint=", ".join(one.week for one in all_reviews(tx)))


def all_reviews(tx: CaseTx) -> list[LogReview]:
    """Return every review, the oldest drawn first."""
    return tx.records.find(LogReview, FOLDER)


def _looked(event: Event, why: str) -> Looked:
    return Looked(
        event=event.id,
        ref=event.ref,
        time=event.time,
        actor=event.text(names.USER),
        action=event.text("event.action"),
        category=event.text(names.CATEGORY),
        reason=event.text(names.SCOPE_REASON_FR) or event.text(names.SCOPE_REASON),
        why=why,
    )


def _journal(
    tx: CaseTx,
    actor: str,
    now: datetime,
    action: str,
    review: LogReview,
    payload: dict[str, object],
) -> None:
    tx.journal.append(
        occurred_at=now,
        actor=actor,
        action=action,
        object_id=review.id,
        payload={**payload, "sha256": review.sha256},
    )
