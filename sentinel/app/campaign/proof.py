"""What can be shown of a campaign: the signed evidence, the post's list, and "was I informed?"."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

import msgspec

from sentinel.app.campaign.house import House
from sentinel.clock import isoformat
from sentinel.domain.approval import Approval
from sentinel.domain.campaign import Campaign
from sentinel.domain.dispatch import Dispatch, DispatchState
from sentinel.domain.incident import Actor, Role
from sentinel.errors import ConfigError, Refused
from sentinel.notify.campaign.evidence import canonical, evidence_body, evidence_paper
from sentinel.respond import campaign as commands
from sentinel.respond.humans import same_human
from sentinel.store.ports import CaseTx
from sentinel.store.signing import AnchorSigner


class EvidenceFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The evidence: signed JSON, its hash, and the paper in each language."""

    json: bytes
    sha256: str
    papers: Mapping[str, bytes]


def make_evidence(
    tx: CaseTx, house: House, actor: Actor, campaign: Campaign, *, now: datetime
) -> EvidenceFiles:
    """Return the evidence file of a campaign, signed with the journal's key. Raises ConfigError."""
    commands.may(actor, commands.READERS, "the evidence of a campaign")
    key = house.settings.keys.anchor
    if key is None:
        raise ConfigError("keys.anchor: no key signs the evidence", where="keys")
    signer = AnchorSigner(key.get_secret_value())
    letters = list(house.ledger.letters(campaign.id))
    body = evidence_body(campaign, letters, _journal(tx, campaign), _approval(tx, campaign), at=now)
    whole = {
        "evidence": body,
        "signature": {
            "algorithm": "Ed25519 (RFC 8032) over format, line feed, JSON with sorted keys",
            "key_id": signer.key_id,
            "public_key": signer.public_pem(),
            "value": signer.sign_bytes(canonical(body)),
        },
    }
    content = msgspec.json.format(msgspec.json.encode(whole, order="sorted"), indent=1)
    digest = hashlib.sha256(content).hexdigest()
    notifiers = house.settings.notifiers_path
    papers = {
        language: evidence_paper(body, language, digest, now).pdf(now, notifiers)
        for language in ("fr", "en")
    }
    commands.note(tx, actor, campaign, "campaign.evidence_made", now, sha256=digest)
    return EvidenceFiles(json=content, sha256=digest, papers=papers)


class Informed(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one person's letter in one campaign, found by keyed hash."""

    campaign: str
    incident: str
    kind: str
    letter_sha256: str
    state: str
    failure: str
    handed_over_at: str
    by_post_at: str


def informed(
    tx: CaseTx, house: House, actor: Actor, *, person: str = "", email: str = "", now: datetime
) -> list[Informed]:
    """Answer "was I informed?" from an identifier or an e-mail address, also without the list.

    The journal notes that somebody asked, not about whom.
    """
    commands.may(actor, commands.KEEPERS | {Role.COMMS}, "asking whether a person was informed")
    campaigns = {one.id: one for one in tx.records.find(Campaign)}
    letters: list[Dispatch] = []
    if person:
        pseudonym = person if person.startswith("sub_") else house.known(person)
        tokens = [house.token(pseudonym, one.letter_sha256) for one in campaigns.values()]
        letters += [one for token in tokens if (one := house.ledger.find(token)) is not None]
    if email:
        letters += house.ledger.by_mail_key(house.mail_key(email))
    unique = {one.token: one for one in letters if one.campaign in campaigns}
    tx.journal.append(
        occurred_at=now,
        actor=actor.id,
        action="campaign.informed_asked",
        object_id="campaigns",
        payload={"found": len(unique)},
    )
    return [_informed(one, campaigns[one.campaign]) for one in unique.values()]


def destroy_list(
    tx: CaseTx,
    house: House,
    actor: Actor,
    campaign: Campaign,
    *,
    approver: Actor,
    reason: str,
    now: datetime,
) -> Campaign:
    """Remove who the persons are; keyed hashes, states and reports stay. It cannot be undone."""
    commands.may(actor, commands.KEEPERS, "destroying the list")
    commands.may(approver, commands.KEEPERS, "destroying the list")
    if same_human(tx, approver.id, actor):
        raise Refused("destroying the list: the author cannot be the approver")
    commands.reasoned(actor, reason, now, "destroying the list")
    if campaign.ended_at is None:
        raise Refused(f"destroying the list: the campaign is {campaign.state}")
    counts = house.ledger.counts(campaign.id)
    if counts[DispatchState.UNKNOWN] or counts[DispatchState.HANDING_OVER]:
        raise Refused("destroying the list: letters are still unknown")
    for state in DispatchState:
        house.ledger.change_all(campaign.id, state, _forgotten)
    house.ledger.scrub()
    return commands.save(
        tx,
        actor,
        campaign,
        "campaign.list_destroyed",
        now,
        {"reason": reason, "approved_by": approver.id},
        list_destroyed_at=now,
    )


def _forgotten(one: Dispatch) -> Dispatch | None:
    return msgspec.structs.replace(one, pseudonym="") if one.pseudonym else None


def _informed(one: Dispatch, campaign: Campaign) -> Informed:
    return Informed(
        campaign=campaign.id,
        incident=campaign.incident_id,
        kind=campaign.kind.value,
        letter_sha256=campaign.letter_sha256,
        state=one.state.value,
        failure=one.failure.value if one.failure else "",
        handed_over_at=isoformat(one.handed_at) if one.handed_at else "",
        by_post_at=isoformat(one.posted_at) if one.posted_at else "",
    )


def _approval(tx: CaseTx, campaign: Campaign) -> dict[str, object]:
    if not campaign.approval_id:
        return {}
    found = tx.records.get(Approval, campaign.approval_id)
    given = found.approved
    return {
        "id": found.id,
        "letter_sha256": found.bound.sha256,
        "audience_sha256": found.bound.audience,
        "asked_by": found.asked.account,
        "asked_at": isoformat(found.asked.at),
        "given_by": given.account if given else "",
        "given_at": isoformat(given.at) if given else "",
    }


def _journal(tx: CaseTx, campaign: Campaign) -> list[dict[str, object]]:
    lines = tx.journal.lines(object_id=campaign.incident_id or campaign.id)
    return [
        {
            "seq": line.seq,
            "at": isoformat(line.occurred_at),
            "actor": line.actor,
            "action": line.action,
            "hash": line.hash,
        }
        for line in lines
        if line.action.startswith(("campaign.", "approval.", "directory.opened_for"))
    ]
