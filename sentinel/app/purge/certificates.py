"""Certificates of the purge: made, signed, kept in the case store and as files, verified."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path

import msgspec

from sentinel import __version__
from sentinel.domain.certificate import NOTHING_BEFORE, Certificate
from sentinel.domain.record import CaseRecord
from sentinel.errors import UnreadableFile
from sentinel.ids import uuid7
from sentinel.respond.anchoring import write_once
from sentinel.respond.reclassify import KEEPER
from sentinel.store.ports import CaseTx
from sentinel.store.signing import AnchorSigner, PublicKey, key_id, signature_fits

CERTIFIED = "purge.certified"
OF_NO_CASE = "purge"
STATE = "purge:last"


class PurgeCertificate(CaseRecord, kw_only=True):
    """A certificate as the case store keeps it."""

    certificate: Certificate


class LastRun(msgspec.Struct, frozen=True, kw_only=True):
    """Where the last run stood. ``number`` 0: none was needed so far. ``seq``: of the journal."""

    at: datetime
    day: date
    number: int = 0
    digest: str = NOTHING_BEFORE
    seq: int = 0


def last_run(tx: CaseTx) -> LastRun | None:
    """Return where the last run stood."""
    stored = tx.state.get(STATE)
    return msgspec.json.decode(stored, type=LastRun) if stored else None


def certify(tx: CaseTx, draft: Certificate, signer: AnchorSigner | None) -> Certificate:
    """Sign a certificate, keep it, and write its digest into the journal."""
    named = msgspec.structs.replace(
        draft, software=f"sentinel {__version__}", key_id=signer.key_id if signer else ""
    )
    if signer is not None:
        signature = signer.sign_bytes(named.signed_bytes())
        named = msgspec.structs.replace(named, signature=signature)
    _keep(tx, named)
    line = tx.journal.append(
        occurred_at=named.finished_at,
        actor=named.by or KEEPER,
        action=CERTIFIED,
        object_id=f"purge:{named.number}",
        payload={"digest": named.digest, "certificate": msgspec.to_builtins(named)},
    )
    keep_last(tx, named.finished_at, named.day, named.number, named.digest, line.seq)
    return named


def take_back(tx: CaseTx, payload: object) -> bool:
    """Keep a certificate that the ledger has and a restored case store lacks; False: it has it."""
    if not isinstance(payload, dict) or "certificate" not in payload:
        return False
    one = msgspec.convert(payload["certificate"], Certificate)
    if any(known.id == one.id for known in all_certificates(tx)):
        return False
    _keep(tx, one)
    last = last_run(tx)
    if last is None or last.number < one.number:
        seq = last.seq if last else 0
        keep_last(tx, one.finished_at, one.day, one.number, one.digest, seq)
    return True


def _keep(tx: CaseTx, one: Certificate) -> None:
    tx.records.put(
        PurgeCertificate(
            id=one.id,
            incident_id=OF_NO_CASE,
            created_at=one.finished_at,
            created_by=one.by or KEEPER,
            certificate=one,
        )
    )


def keep_last(
    tx: CaseTx,
    at: datetime,
    day: date,
    number: int = 0,
    digest: str = NOTHING_BEFORE,
    seq: int = 0,
) -> None:
    """Note where a run stood."""
    run = LastRun(at=at, day=day, number=number, digest=digest, seq=seq)
    tx.state.put(STATE, msgspec.json.encode(run))


def all_certificates(tx: CaseTx) -> list[Certificate]:
    """Return the certificates by number."""
    found = [one.certificate for one in tx.records.find(PurgeCertificate)]
    return sorted(found, key=lambda one: one.number)


def file_of(folder: Path, certificate: Certificate) -> Path:
    """Return where a certificate lies as a file."""
    mark = certificate.id[-8:]  # a restore may give a number twice
    return folder / f"purge-{certificate.day}-{certificate.number:06d}-{mark}.json"


def write(folder: Path, certificates: Iterable[Certificate]) -> list[Path]:
    """Write certificates as files, never over another; return those files. Raises StorageError."""
    paths = []
    for one in certificates:
        path = file_of(folder, one)
        write_once(path, msgspec.json.format(msgspec.json.encode(one), indent=1) + b"\n")
        paths.append(path)
    return paths


def read(path: Path) -> Certificate:
    """Return the certificate of a file. Raises UnreadableFile."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Certificate)
    except OSError as error:
        raise UnreadableFile(error.strerror or str(error), where=str(path)) from error
    except msgspec.MsgspecError as error:
        raise UnreadableFile(f"this is no certificate: {error}", where=str(path)) from error


def faults(certificates: Sequence[Certificate], public: PublicKey | None) -> list[str]:
    """Return what does not fit in a row of certificates; empty: all of it does."""
    ordered = sorted(certificates, key=lambda one: (one.number, one.id))
    found = [fault for one in ordered if (fault := _signature(one, public))]
    for before, after in pairwise(ordered):
        if after.number != before.number + 1:
            missing = f"{before.number + 1} to {after.number - 1}"
            twice = after.number == before.number
            found.append(f"number {after.number} twice" if twice else f"missing: {missing}")
        elif after.previous != before.digest:
            found.append(f"number {after.number} does not follow number {before.number}")
    if ordered and ordered[0].number == 1 and ordered[0].previous != NOTHING_BEFORE:
        found.append("number 1 follows another")
    return found


def unjournalled(tx: CaseTx, certificates: Iterable[Certificate]) -> list[str]:
    """Return the certificates that the journal does not know as they are."""
    found = []
    for one in certificates:
        lines = tx.journal.lines(object_id=f"purge:{one.number}")
        told = [_told(tx.journal.opened(line)) for line in lines]
        known = [payload for payload in told if payload is not None]
        purged = lines and not known
        if not purged and all(payload.get("digest") != one.digest for payload in known):
            found.append(f"number {one.number} is not what the journal says")
    return found


def draft(
    *,
    number: int,
    day: date,
    started_at: datetime,
    finished_at: datetime,
    previous: str,
) -> Certificate:
    """Return an empty certificate."""
    return Certificate(
        id=uuid7(),
        number=number,
        day=day,
        started_at=started_at,
        finished_at=finished_at,
        items=(),
        stayed=(),
        gone_everywhere=None,
        previous=previous,
    )


def _told(payload: object) -> dict[str, object] | None:
    """Return what a line says of a certificate: at first hand, or done again after a restore."""
    if not isinstance(payload, dict):
        return None
    again = payload.get("line")
    if isinstance(again, dict):
        return _told(again.get("payload"))
    return payload if "digest" in payload else None


def _signature(one: Certificate, public: PublicKey | None) -> str:
    if not one.signature:
        return f"number {one.number} is not signed"
    if public is None:
        return f"number {one.number} cannot be checked: give --public-key"
    if one.key_id != key_id(public):
        return f"number {one.number} is signed by another key, {one.key_id}"
    if not signature_fits(one.signed_bytes(), one.signature, public):
        return f"number {one.number} was altered: the signature does not fit"
    return ""
