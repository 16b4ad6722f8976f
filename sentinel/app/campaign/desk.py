"""What people do to a campaign: approve it, let it out, hold it, end it, settle what is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec

from sentinel.app.campaign.fit import require_sendable
from sentinel.app.campaign.house import House
from sentinel.clock import Clock
from sentinel.domain.approval import Approval
from sentinel.domain.campaign import Campaign, CampaignState
from sentinel.domain.dispatch import Dispatch, DispatchState, Failure
from sentinel.domain.incident import Actor
from sentinel.errors import NotFound, Refused
from sentinel.notify.campaign import changes
from sentinel.notify.campaign.mailer import Mailer
from sentinel.notify.campaign.settle import decided
from sentinel.notify.campaign.ways import PRIMARY, Ways
from sentinel.notify.egress import EgressPolicy
from sentinel.respond import campaign as commands
from sentinel.respond.second_factor import Factor
from sentinel.store.ports import CaseTx


def ask(
    tx: CaseTx, house: House, actor: Actor, factor: Factor, campaign: Campaign, *, now: datetime
) -> Approval:
    """Ask a second person to stand for these letters to this audience."""
    if campaign.state is not CampaignState.PREPARED and campaign.state.sends:
        raise Refused(f"the campaign is {campaign.state}")
    present = house.present(campaign)
    return house.approvals.ask(tx, actor, factor, present, authors=(campaign.created_by,), now=now)


def approve(
    tx: CaseTx, house: House, actor: Actor, factor: Factor, campaign: Campaign, *, now: datetime
) -> Approval:
    """Stand for the letters and the audience as they are now, as the second person."""
    waiting = house.approvals.of(tx, campaign.incident_id, campaign.id)
    if not waiting:
        raise Refused("nobody has asked for an approval yet")
    present = house.present(campaign)
    return house.approvals.approve(tx, actor, factor, waiting[-1].id, present=present, now=now)


def start(
    tx: CaseTx, house: House, actor: Actor, campaign: Campaign, *, again: str = "", now: datetime
) -> Campaign:
    """Let the canary out. Raises Refused without an approval of exactly what lies here now."""
    commands.check(actor, campaign, "start", "", now)
    if not house.settings.mail.primary.host:
        raise Refused("mail.primary.host is not set: no letter can leave")
    require_sendable(campaign.kind, house.texts(campaign), house.settings.notifiers_path)
    approval = house.approvals.require(tx, house.present(campaign), now=now)
    started = commands.start(tx, actor, campaign, approval, again=again, now=now)
    commands.note(
        tx,
        actor,
        started,
        "directory.opened_for_letters",
        now,
        approval=approval.id,
        persons=started.audience_count,
        by="the mail worker, one by one, at sending",
    )
    return started


def go_on(tx: CaseTx, house: House, actor: Actor, campaign: Campaign, *, now: datetime) -> Campaign:
    """Let the others out after the canary, or go on after a pause. Raises Refused."""
    house.approvals.require(tx, house.present(campaign), now=now)
    if campaign.state is CampaignState.CANARY_DONE:
        return commands.release(tx, actor, campaign, now)
    return commands.resume(tx, actor, campaign, now)


def hold(
    tx: CaseTx, house: House, actor: Actor, campaign: Campaign, *, reason: str, now: datetime
) -> Campaign:
    """Hold back what has not left: the gate first, then the line."""
    commands.check(actor, campaign, "pause", reason, now)
    house.ledger.gate(campaign.id, version=campaign.version + 1, open_to=0)
    return commands.pause(tx, actor, campaign, reason=reason, now=now)


def end(
    tx: CaseTx, house: House, actor: Actor, campaign: Campaign, *, reason: str, now: datetime
) -> Campaign:
    """End it for good: the gate first; what waits becomes a named failure."""
    commands.check(actor, campaign, "stop", reason, now)
    house.ledger.gate(campaign.id, version=campaign.version + 1, open_to=0)
    stopped = commands.stop(tx, actor, campaign, reason=reason, now=now)
    if campaign.started_at is None:
        house.ledger.discard(campaign.id)
    else:
        fail_waiting(house, campaign, now)
    return stopped


def fail_waiting(house: House, campaign: Campaign, now: datetime) -> None:
    """Name what waits in a campaign that was stopped: it never leaves."""
    fail = partial(changes.failed, failure=Failure.STOPPED, why="stopped", now=now)
    house.ledger.change_all(campaign.id, DispatchState.QUEUED, fail)


def resolve(
    tx: CaseTx,
    house: House,
    actor: Actor,
    campaign: Campaign,
    number: int,
    *,
    taken: bool,
    reason: str,
    now: datetime,
) -> Dispatch:
    """Settle an unknown letter by hand, with a reason; what it rests on is journalled."""
    commands.may(actor, commands.KEEPERS, "settling a letter")
    commands.reasoned(actor, reason, now, "settling a letter")
    found = next((one for one in house.ledger.letters(campaign.id) if one.number == number), None)
    if found is None:
        raise NotFound(f"letter {number}")
    settle = partial(decided, taken=taken, by=actor.id, now=now)
    changed = house.ledger.change(found.token, settle)
    if changed is None:
        raise Refused(f"letter {number} is {found.state}, not unknown")
    commands.note(
        tx,
        actor,
        campaign,
        "campaign.letter_settled",
        now,
        number=number,
        taken=taken,
        reason=reason,
    )
    return changed


async def send_test(
    house: House, campaign: Campaign, addresses: Sequence[str], clock: Clock
) -> list[str]:
    """Send every version of the letter to addresses inside the house; return the answers.

    Only addresses of ``mail.test_to``: a test reaches no person of the audience. Raises Refused.
    """
    mail = house.settings.mail
    allowed = {one.casefold() for one in mail.test_to}
    strangers = [one for one in addresses if one.casefold() not in allowed]
    if strangers or not allowed:
        raise Refused(
            f"{len(strangers)} of these addresses are not in mail.test_to"
            if strangers
            else "mail.test_to is empty: no test can be sent"
        )
    egress = EgressPolicy(house.settings.notify.egress_allow)
    ways = Ways([PRIMARY], switch_after=1, switch_back=timedelta(), turned=lambda _turn: None)
    mailer = Mailer(mail, egress, house.ledger, ways, clock)
    try:
        return await mailer.test(house.texts(campaign), list(addresses or mail.test_to), "[TEST]")
    finally:
        await mailer.close()


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a campaign stands, in numbers. ``coverage``: share of the audience with a letter."""

    states: dict[str, int]
    failures: dict[str, int]
    posted: int
    coverage: float


def progress(house: House, campaign: Campaign) -> Progress:
    """Count the letters of a campaign."""
    counts = house.ledger.counts(campaign.id)
    posted = house.ledger.posted(campaign.id)
    by_mail = counts[DispatchState.HANDED_OVER] + counts[DispatchState.DELIVERED]
    return Progress(
        states={state.value: count for state, count in counts.items()},
        failures={name.value: count for name, count in house.ledger.failures(campaign.id).items()},
        posted=posted,
        coverage=min(1.0, (by_mail + posted) / max(1, campaign.audience_count)),
    )
