"""Prepare a campaign: the letters filed as bytes, the audience frozen as rows; nothing leaves."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from sentinel.app.campaign.fit import require_sendable
from sentinel.app.campaign.house import HTML, PDF, TEXT, House, listed
from sentinel.app.directory import audience
from sentinel.domain.campaign import (
    Campaign,
    CampaignKind,
    LetterPart,
    audience_hash,
    canary_of,
    letter_version,
)
from sentinel.domain.directory import Addressee, Audience, Reach
from sentinel.domain.dispatch import Dispatch, DispatchState, Failure
from sentinel.domain.incident import Actor, Incident
from sentinel.errors import Refused
from sentinel.ids import uuid7
from sentinel.notify.letter_variants import Variant, draft_variants
from sentinel.respond import campaign as commands
from sentinel.respond.documents import Draft, file_drafts
from sentinel.store.ports import CaseTx

SUFFIXES = {TEXT: "txt", HTML: "html", PDF: "pdf"}
WHY: Mapping[str, Failure] = {
    Reach.POST.value: Failure.NO_EMAIL,
    Reach.CLOSED.value: Failure.ACCOUNT_CLOSED,
    Reach.NOT_FOUND.value: Failure.NOT_FOUND,
    Reach.NO_ADDRESS.value: Failure.NO_ADDRESS,
}


def prepare_letters(
    tx: CaseTx, house: House, actor: Actor, incident_id: str, *, now: datetime
) -> Campaign:
    """Draft the letters of a case and freeze them with its audience.

    Raises Refused where no set of persons is frozen, a letter still lacks something, or the same
    persons have these very letters already.
    """
    commands.may(actor, commands.PREPARERS, "preparing a campaign")
    incident = tx.incidents.get(incident_id)
    frozen = incident.affected
    if frozen is None:
        raise Refused("the affected persons are not frozen: no audience can be written to")
    rules = {alert.rule.slug for alert in tx.alerts.find(incident_id=incident.id)}
    variants = draft_variants(
        incident,
        frozen,
        house.settings.organisation,
        now,
        house.settings.notifiers_path,
        findings=sorted(rules),
    )
    missing = sorted({one for v in variants for text in v.letters.values() for one in text.missing})
    if missing:
        raise Refused(
            f"the letter is not complete: {'; '.join(missing)}",
            hint="answer what it asks for in the case",
        )
    parts = _file(tx, house, actor, incident, variants, now)
    found = audience(tx, house.directory, incident, by=actor, at=now)
    named = {one: ",".join(v.categories) for v in variants for one in v.subjects}
    return _freeze(
        tx,
        house,
        actor,
        found,
        Campaign(
            id=uuid7(),
            incident_id=incident.id,
            created_at=now,
            created_by=actor.id,
            kind=CampaignKind.BREACH_LETTER,
            parts=parts,
            letter_sha256=letter_version(parts),
            audience_sha256="",
            audience_count=len(found.rows),
            audience_query=frozen.query,
            affected_sha256=frozen.sha256,
            directory_version=found.directory,
            drill=incident.drill,
        ),
        named,
        now,
    )


def prepare_notice(
    tx: CaseTx,
    house: House,
    actor: Actor,
    files: Sequence[tuple[str, str, bytes]],
    *,
    effective_at: datetime,
    now: datetime,
) -> Campaign:
    """Freeze a notice of a change to every open account of the directory (promise R-60).

    ``files``: language, media type, bytes. ``effective_at``: from when the change holds, UTC.
    """
    commands.may(actor, commands.PREPARERS, "preparing a campaign")
    campaign_id = uuid7()
    parts = tuple(_keep(house, campaign_id, *file) for file in files)
    versions = house.directory.versions()
    rows = [
        Addressee(pseudonym=one.pseudonym, reach=reach, language=one.language)
        for one, reach in house.directory.everybody()
        if reach is not Reach.CLOSED
    ]
    number = versions[-1].version if versions else 0
    found = Audience(incident="", affected_sha256="", directory=number, rows=tuple(rows))
    return _freeze(
        tx,
        house,
        actor,
        found,
        Campaign(
            id=campaign_id,
            incident_id="",
            created_at=now,
            created_by=actor.id,
            kind=CampaignKind.CHANGE_NOTICE,
            parts=parts,
            letter_sha256=letter_version(parts),
            audience_sha256="",
            audience_count=len(rows),
            audience_query=f"every open account in version {number} of the directory",
            directory_version=number,
            effective_at=effective_at,
        ),
        {},
        now,
    )


def _freeze(
    tx: CaseTx,
    house: House,
    actor: Actor,
    found: Audience,
    campaign: Campaign,
    named: Mapping[str, str],
    now: datetime,
) -> Campaign:
    require_sendable(campaign.kind, house.texts(campaign), house.settings.notifiers_path)
    if not found.rows:
        raise Refused("the audience is empty")
    letters = _letters(house, campaign, found, named)
    counts = Counter(row.reach.value for row in found.rows)
    frozen = msgspec.structs.replace(
        campaign,
        audience_sha256=audience_hash(campaign.affected_sha256, listed(letters)),
        audience_counts=dict(sorted(counts.items())),
        canary=canary_of(counts[Reach.EMAIL.value], house.settings.mail.canary_percent),
    )
    made = commands.put_new(tx, actor, frozen, now)
    added = house.ledger.fill(letters)
    if added < len(letters):
        house.ledger.discard(campaign.id)
        raise Refused(
            f"{len(letters) - added} of these persons belong to another campaign with exactly this "
            "letter: nobody gets a letter twice",
            hint="stop the other campaign if it was never started",
        )
    return made


def _letters(
    house: House, campaign: Campaign, found: Audience, named: Mapping[str, str]
) -> list[Dispatch]:
    """Return the rows: first who can be written to, in the order of their keyed tokens.

    That order is nobody's choice: the canary is a random sample, and the same whenever asked.
    """
    rows = [(house.token(row.pseudonym, campaign.letter_sha256), row) for row in found.rows]
    rows.sort(key=lambda pair: (pair[1].reach is not Reach.EMAIL, pair[0]))
    return [
        Dispatch(
            token=token,
            campaign=campaign.id,
            number=number,
            state=DispatchState.QUEUED if row.reach is Reach.EMAIL else DispatchState.FAILED,
            failure=WHY.get(row.reach.value),
            pseudonym=row.pseudonym,
            language=row.language,
            variant=named.get(row.pseudonym, ""),
            reach=row.reach.value,
        )
        for number, (token, row) in enumerate(rows, 1)
    ]


def _file(
    tx: CaseTx,
    house: House,
    actor: Actor,
    incident: Incident,
    variants: Sequence[Variant],
    now: datetime,
) -> tuple[LetterPart, ...]:
    drafts, places = [], []
    for number, variant in enumerate(variants, 1):
        for language, letter in sorted(variant.letters.items()):
            contents = {
                TEXT: f"{letter.subject}\n\n{letter.text}".encode(),
                HTML: letter.html.encode(),
                PDF: letter.pdf,
            }
            for media_type, content in contents.items():
                name = f"{incident.reference}-send-{number}-{language}.{SUFFIXES[media_type]}"
                drafts.append(
                    Draft(
                        kind="campaign_letter",
                        language=language,
                        media_type=media_type,
                        name=name,
                        content=content,
                    )
                )
                places.append(",".join(variant.categories))
    filed = file_drafts(
        tx,
        root=house.settings.data_dir,
        incident=incident,
        drafts=drafts,
        actor=actor,
        now=now,
        sealer=house.sealer,
    )
    return tuple(
        LetterPart(
            variant=place,
            language=one.language,
            media_type=one.media_type,
            path=one.path,
            sha256=one.sha256,
            document_id=one.id,
        )
        for place, one in zip(places, filed, strict=True)
    )


def _keep(
    house: House, campaign_id: str, language: str, media_type: str, content: bytes
) -> LetterPart:
    path = Path("documents") / "notices" / campaign_id / f"notice-{language}.{SUFFIXES[media_type]}"
    whole = house.settings.data_dir / path
    whole.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(whole, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return LetterPart(
        language=language,
        media_type=media_type,
        path=str(path),
        sha256=hashlib.sha256(content).hexdigest(),
    )
