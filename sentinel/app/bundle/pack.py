"""Makes the bundle: gathers, anchors the journal once more, hashes, signs, and zips.

The making is an act on the case: it stands in the journal with its purpose before the anchor that
covers it, and each evidence gets a line of custody.
"""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from pathlib import Path

import msgspec

from sentinel.app.bundle import verify
from sentinel.app.bundle.gather import (
    Ask,
    Files,
    document_files,
    evidence_files,
    journal_files,
    pretty,
    record_files,
    sha256,
)
from sentinel.app.duties import signer_of
from sentinel.clock import isoformat
from sentinel.config import Settings
from sentinel.domain.anchor import Anchor
from sentinel.domain.incident import Actor, Incident, Role
from sentinel.errors import ConfigError, Refused, StorageError
from sentinel.notify import wording
from sentinel.notify.templates import Templates, one_line
from sentinel.respond import anchoring
from sentinel.store.ports import CaseTx, Sealer
from sentinel.store.signing import AnchorSigner

MAKERS = (Role.DPO, Role.LEGAL, Role.COMMANDER, Role.DIRECTOR, Role.AUDITOR)
MADE = "case.bundled"
STAMP = (2020, 1, 1, 0, 0, 0)  # the instants that count stand inside; a zip's would have no zone


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """``content``: the zip. ``wrong``: what is missing or was altered in our own store."""

    reference: str
    content: bytes
    sha256: str
    files: int
    anchor: Anchor
    wrong: tuple[str, ...]


def make_bundle(
    tx: CaseTx,
    settings: Settings,
    sealer: Sealer,
    *,
    actor: Actor,
    reference: str,
    purpose: str,
    now: datetime,
) -> Made:
    """Return the bundle of a case. Raises Refused, NotFound, and ConfigError without a key."""
    if actor.has(Role.ADMIN) or not actor.has(*MAKERS):
        raise Refused("a bundle takes the role " + " or ".join(sorted(MAKERS)))
    if not purpose.strip():
        raise Refused("say for whom the bundle is, and why")
    signer = signer_of(settings)
    if signer is None:
        raise ConfigError("keys.anchor: no key to sign the bundle with", where="keys")
    incident = tx.incidents.get(reference)
    made = tx.journal.append(
        occurred_at=now,
        actor=actor.id,
        action=MADE,
        object_id=incident.id,
        payload={"purpose": purpose.strip()},
    )
    ask = Ask(incident=incident, actor=actor, purpose=purpose.strip())
    root = settings.data_dir
    files = record_files(tx, ask)
    documents, altered = document_files(tx, root, sealer, incident)
    evidence, lost = evidence_files(tx, root, sealer, ask, made)
    anchor = _anchored(tx, signer, now)
    files |= documents | evidence | journal_files(tx, incident, tx.journal.anchors())
    files |= _about(settings, incident, signer, now)
    wrong = (*altered, *lost)
    content = _packed(files, incident, ask, signer, now, wrong)
    return Made(
        reference=incident.reference,
        content=content,
        sha256=sha256(content),
        files=len(files),
        anchor=anchor,
        wrong=wrong,
    )


def _anchored(tx: CaseTx, signer: AnchorSigner, now: datetime) -> Anchor:
    made = anchoring.anchor_now(tx, now, signer.sign)
    if made is None:
        raise StorageError("the journal could not be anchored")
    return made


def _about(settings: Settings, incident: Incident, signer: AnchorSigner, now: datetime) -> Files:
    """Return the two READMEs, the public key, and the verifier itself."""
    templates = Templates(settings.notifiers_path / "bundle", finalize=one_line)
    facts = {"reference": incident.reference, "key_id": signer.key_id, "drill": incident.drill}
    files = {
        f"README.{language}.md": wording.typographic(
            templates.render(
                f"README.{language}.md.j2", {**facts, "made": wording.instant(now, language)}
            ),
            language,
        ).encode()
        for language in ("fr", "en")
    }
    files[verify.KEY] = signer.public_pem().encode()
    files["verify.py"] = Path(verify.__file__).read_bytes()
    return files


def _packed(
    files: Files,
    incident: Incident,
    ask: Ask,
    signer: AnchorSigner,
    now: datetime,
    wrong: tuple[str, ...],
) -> bytes:
    manifest = pretty(
        {
            "format": verify.FORMAT,
            "reference": incident.reference,
            "drill": incident.drill,
            "made_at": isoformat(now),
            "made_by": ask.actor.id,
            "purpose": ask.purpose,
            "key_id": signer.key_id,
            "wrong": wrong,
            "files": [
                {"path": path, "size": len(content), "sha256": sha256(content)}
                for path, content in sorted(files.items())
            ],
        }
    )
    signature = signer.sign_bytes(verify.FORMAT.encode() + b"\n" + manifest)
    whole = files | {verify.MANIFEST: manifest, verify.SIGNATURE: signature.encode() + b"\n"}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in sorted(whole.items()):
            archive.writestr(zipfile.ZipInfo(path, STAMP), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()
