"""The register of breaches of this house: gathered, anchored, signed, verified."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidSignature

from sentinel.app.directory import directory_path, open_directory
from sentinel.app.duties import signer_of
from sentinel.clock import isoformat
from sentinel.config import Settings
from sentinel.domain.frozen_dossier import FrozenDossier
from sentinel.domain.incident import Actor, Incident, Role
from sentinel.errors import ConfigError, Refused
from sentinel.notify.register import Head, Known, is_breach, row_of
from sentinel.notify.register_model import FORMAT, Anchored, Register
from sentinel.notify.register_paper import as_csv, as_paper
from sentinel.respond.anchoring import anchor_now
from sentinel.store.ports import CaseTx, Sealer
from sentinel.store.signing import PublicKey, key_id, read_public_key

READERS = (Role.DPO, Role.LEGAL, Role.DIRECTOR, Role.COMMANDER, Role.AUDITOR)
EXPORTED = "register.exported"
OBJECT = "register"
MOST = 1_000_000
Format = Literal["csv", "json", "pdf"]


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """A register as a file, and what proves it. ``rows``: how many breaches."""

    content: bytes
    proof: bytes
    rows: int


def gather(
    tx: CaseTx,
    settings: Settings,
    sealer: Sealer,
    actor: Actor,
    *,
    since: datetime | None,
    until: datetime | None,
    language: str,
    now: datetime,
) -> Register:
    """Return the breaches of a range (by awareness; ``until`` excluded), oldest first.

    The export is an act: it is journalled, then the journal is anchored, so that the register
    names an anchor that covers it. Raises Refused for who does not read cases.
    """
    if actor.has(Role.ADMIN) or not actor.has(*READERS):
        raise Refused(f"the register takes one of {', '.join(role.value for role in READERS)}")
    cases = sorted(
        (one for one in tx.incidents.find(limit=MOST) if is_breach(one) and _in(one, since, until)),
        key=lambda one: (_when(one), one.reference),
    )
    made = tx.journal.append(
        occurred_at=now,
        actor=actor.id,
        action=EXPORTED,
        object_id=OBJECT,
        payload={
            "since": isoformat(since) if since else "",
            "until": isoformat(until) if until else "",
            "rows": len(cases),
        },
    )
    rows = tuple(
        row_of(
            _known(tx, settings, sealer, one),
            settings.organisation,
            language,
            now,
            settings.notifiers_path,
        )
        for one in cases
    )
    return Register(
        format=FORMAT,
        controller=settings.organisation.name,
        made_at=isoformat(now),
        since=isoformat(since) if since else "",
        until=isoformat(until) if until else "",
        language=language,
        rows=rows,
        journal=_anchored(tx, settings, made.seq, made.hash, now),
    )


def export(settings: Settings, register: Register, form: Format, now: datetime) -> Exported:
    """Return the register in a format, with its signature. Raises ConfigError without a key."""
    signer = signer_of(settings)
    if signer is None:
        raise ConfigError("keys.anchor: no key to sign the register with", where="keys")
    canonical = register.canonical()
    sha256 = hashlib.sha256(canonical).hexdigest()
    content = canonical + b"\n"
    if form == "csv":
        content = as_csv(register)
    elif form == "pdf":
        content = as_paper(register, sha256).pdf(now, settings.notifiers_path)
    digest = hashlib.sha256(content).hexdigest()
    proof = {
        "format": FORMAT,
        "file_sha256": digest,
        "register_sha256": sha256,
        "made_at": register.made_at,
        "journal": msgspec.to_builtins(register.journal),
        "key_id": signer.key_id,
        "public_key": signer.public_pem(),
        "signature": signer.sign_bytes(_signed(digest, sha256)),
    }
    return Exported(
        content=content, proof=msgspec.json.encode(proof) + b"\n", rows=len(register.rows)
    )


def verify(content: bytes, proof: bytes, public: PublicKey | None) -> list[str]:
    """Return what is wrong with a register and its proof; empty: it is what was exported."""
    try:
        told = msgspec.json.decode(proof, type=dict[str, object])
        believed = public or read_public_key(str(told.get("public_key", "")).encode())
    except (msgspec.MsgspecError, ConfigError) as error:
        return [f"the proof cannot be read: {error}"]
    wrong = []
    digest = hashlib.sha256(content).hexdigest()
    if told.get("file_sha256") != digest:
        wrong.append("the SHA-256 of the file is another one: it was altered")
    if told.get("key_id") != key_id(believed):
        wrong.append("it was signed by another key")
    try:
        signature = bytes.fromhex(str(told.get("signature", "")))
        believed.verify(signature, _signed(digest, str(told.get("register_sha256"))))
    except (InvalidSignature, ValueError):
        wrong.append("the signature does not fit")
    return wrong


def _signed(file_sha256: str, register_sha256: str) -> bytes:
    return f"{FORMAT}\n{file_sha256}\n{register_sha256}\n".encode()


def _in(incident: Incident, since: datetime | None, until: datetime | None) -> bool:
    when = _when(incident)
    return (since is None or since <= when) and (until is None or when < until)


def _when(incident: Incident) -> datetime:
    return incident.aware_at or incident.created_at


def _known(tx: CaseTx, settings: Settings, sealer: Sealer, incident: Incident) -> Known:
    lines = tx.journal.lines(object_id=incident.id, limit=MOST)
    frozen = tx.records.find(FrozenDossier, incident.id)
    return Known(
        incident=incident,
        clocks=tx.incidents.deadlines(incident.id),
        dossiers=[one.sha256 for one in frozen],
        head=Head(lines[-1].seq, lines[-1].hash) if lines else Head(0, ""),
        names=names_of(tx, settings, sealer, incident),
    )


def names_of(tx: CaseTx, settings: Settings, sealer: Sealer, incident: Incident) -> list[str]:
    """Return what must not appear where a case is told outside: who works here, who is in it."""
    return [*_staff(tx, incident), *_persons(settings, sealer, incident)]


def _staff(tx: CaseTx, incident: Incident) -> Iterator[str]:
    """Yield what names the people who work here, and who is in the case."""
    for account in tx.accounts.all():
        if account.name not in set(Role):
            yield account.name
        yield account.display_name
        yield account.id
    yield from incident.actors
    yield incident.informant


def _persons(settings: Settings, sealer: Sealer, incident: Incident) -> Iterator[str]:
    """Yield what names the persons of the case, where the directory knows them."""
    subjects = {*incident.subjects, *(incident.affected.subjects if incident.affected else ())}
    yield from subjects
    if not subjects or not directory_path(settings).is_file():
        return
    directory = open_directory(settings, sealer)
    try:
        for entry in directory.opened(sorted(subjects)).values():
            yield from (entry.name, entry.email, *entry.address.split("\n"), *entry.name.split())
    finally:
        directory.close()


def _anchored(tx: CaseTx, settings: Settings, seq: int, line: str, now: datetime) -> Anchored:
    signer = signer_of(settings)
    anchor = anchor_now(tx, now, signer.sign) if signer is not None else None
    if anchor is None:
        return Anchored(last_seq=seq, last_hash=line)
    return Anchored(
        last_seq=seq,
        last_hash=line,
        anchor_day=anchor.day,
        anchor_seq=anchor.last_seq,
        anchor_hash=anchor.hash,
        anchor_key=anchor.key_id,
        anchor_signature=anchor.signature,
    )
