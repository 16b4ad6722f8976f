"""The second channel: letters by post, for two people to make and one to record; SMS is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

import msgspec

from sentinel.app.campaign.house import PDF, House
from sentinel.domain.campaign import Campaign, LetterPart
from sentinel.domain.directory import DirectoryEntry
from sentinel.domain.dispatch import Dispatch, DispatchState, Step
from sentinel.domain.incident import Actor, Role
from sentinel.errors import NotFound, Refused
from sentinel.notify.campaign.post import Posted, post_csv, post_pdf
from sentinel.respond import campaign as commands
from sentinel.respond.humans import same_human
from sentinel.store.ports import CaseTx

AT_ONCE = 200
DEROGATED = "campaign.sms_derogated"


def make_post(
    tx: CaseTx,
    house: House,
    actor: Actor,
    campaign: Campaign,
    *,
    approver: Actor,
    reason: str,
    now: datetime,
) -> tuple[bytes, bytes, list[int], int]:
    """Return the CSV and the PDF for the post, the numbers in them, and how many have no address.

    Two people, a reason, a journal line before anything is opened. Who was posted to is not there.
    """
    commands.may(actor, commands.KEEPERS, "the list for the post")
    commands.may(approver, commands.KEEPERS, "the list for the post")
    if same_human(tx, approver.id, actor):
        raise Refused("the list for the post: the author cannot be the approver")
    commands.reasoned(actor, reason, now, "the list for the post")
    failed = [
        one
        for one in house.ledger.letters(campaign.id, DispatchState.FAILED)
        if one.posted_at is None and one.pseudonym
    ]
    commands.note(
        tx,
        actor,
        campaign,
        "campaign.post_list_made",
        now,
        letters=[one.number for one in failed],
        approved_by=approver.id,
        reason=reason,
    )
    found = _opened(house, [one.pseudonym for one in failed])
    pdfs = _pdfs(house.unchanged(campaign))
    people = [
        _posted(one, entry, pdfs, house.settings.language)
        for one in failed
        if (entry := found.get(one.pseudonym)) is not None and entry.address.strip()
    ]
    template = house.settings.notifiers_path / "post" / "post.typ"
    printed = post_pdf(template, people, pdfs, house.settings.organisation, at=now)
    return post_csv(people), printed, [one.number for one in people], len(failed) - len(people)


def posted(
    tx: CaseTx,
    house: House,
    actor: Actor,
    campaign: Campaign,
    numbers: Iterable[int],
    *,
    proof: str,
    now: datetime,
) -> int:
    """Record that letters went by post. ``proof``: the carrier's receipt. Returns how many."""
    commands.may(actor, commands.KEEPERS, "recording the post")
    if not proof.strip():
        raise Refused("recording the post: name the carrier's receipt")
    wanted = set(numbers)
    chosen = [one for one in house.ledger.letters(campaign.id) if one.number in wanted]
    if len(chosen) != len(wanted):
        raise NotFound(f"letters {sorted(wanted - {one.number for one in chosen})}")
    change = partial(_by_post, proof=proof.strip(), now=now)
    done = [one.number for one in chosen if house.ledger.change(one.token, change) is not None]
    commands.note(tx, actor, campaign, "campaign.posted", now, letters=done, proof=proof.strip())
    return len(done)


def refuse_sms(tx: CaseTx, campaign: Campaign) -> None:
    """Raise Refused unless the officer has derogated: promise R-07."""
    lines = tx.journal.lines(object_id=campaign.incident_id or campaign.id)
    if not any(line.action == DEROGATED for line in lines):
        raise Refused(
            "SMS is no channel for letters: the telephone number serves identity checks (R-07)",
            hint="the data protection officer may derogate in writing: campaign derogate-sms",
        )


def derogate_sms(
    tx: CaseTx, actor: Actor, campaign: Campaign, *, reason: str, now: datetime
) -> None:
    """Write the officer's derogation for SMS, with its reason."""
    commands.may(actor, frozenset({Role.DPO}), "derogating for SMS")
    commands.reasoned(actor, reason, now, "derogating for SMS")
    commands.note(tx, actor, campaign, DEROGATED, now, reason=reason)


def _posted(
    one: Dispatch,
    entry: DirectoryEntry,
    pdfs: Mapping[tuple[str, str], bytes],
    default: str,
) -> Posted:
    language = one.language if (one.variant, one.language) in pdfs else default
    return Posted(
        number=one.number,
        reference=f"{one.campaign[-6:]}-{one.number}",
        name=entry.name,
        address=tuple(line for line in entry.address.split("\n") if line.strip()),
        language=language,
        variant=one.variant,
        failure=one.failure.value if one.failure else "",
    )


def _opened(house: House, pseudonyms: Sequence[str]) -> dict[str, DirectoryEntry]:
    found: dict[str, DirectoryEntry] = {}
    for start in range(0, len(pseudonyms), AT_ONCE):
        found |= house.directory.opened(pseudonyms[start : start + AT_ONCE])
    return found


def _pdfs(files: Mapping[LetterPart, bytes]) -> dict[tuple[str, str], bytes]:
    found = {
        (part.variant, part.language): content
        for part, content in files.items()
        if part.media_type == PDF
    }
    if not found:
        raise Refused("the letter has no PDF: nothing can be printed")
    return found


def _by_post(one: Dispatch, *, proof: str, now: datetime) -> Dispatch | None:
    if one.state is not DispatchState.FAILED or one.posted_at is not None:
        return None
    step = Step(now, f"by post: {proof}")
    return msgspec.structs.replace(one, posted_at=now, steps=(*one.steps, step))
