"""What goes into a bundle: the record, documents, evidence with custody, and the journal's extract.

The extract holds the lines of the case with their payloads (ciphertext, and in clear beside), and
of the lines between them, which belong to other cases, the heads alone: without them nobody could
recompute the chain up to an anchor. A head names ids, never content.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from sentinel.domain.anchor import Anchor
from sentinel.domain.incident import Actor, Document, Incident
from sentinel.domain.journal import JournalLine, instant_us
from sentinel.domain.record import Evidence, Merge
from sentinel.errors import StorageError
from sentinel.respond.documents import read_document
from sentinel.respond.evidence import read_out
from sentinel.respond.journal_check import PAGE
from sentinel.respond.timeline import timeline
from sentinel.respond.workflow.gathering import record_access
from sentinel.store.ports import CaseTx, Sealer

Files = dict[str, bytes]
"""Path with slashes -> bytes."""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """Who wants the bundle of which case, for whom, and why (it goes into the journal)."""

    incident: Incident
    actor: Actor
    purpose: str


def record_files(tx: CaseTx, ask: Ask) -> Files:
    """Return the case, its clocks and its timeline as JSON."""
    case = ask.incident
    clocks = tx.incidents.deadlines(case.id)
    return {
        "case.json": pretty(case),
        "clocks.json": pretty(clocks),
        "timeline.json": pretty(timeline(tx, case)),
    }


def document_files(
    tx: CaseTx, root: Path, sealer: Sealer, incident: Incident
) -> tuple[Files, list[str]]:
    """Return the documents with their list, and what is wrong with them in the store."""
    files: Files = {}
    wrong: list[str] = []
    listed = []
    for document in tx.incidents.documents(incident.id):
        path = f"documents/{document.id}-{document.name}"
        try:
            files[path] = read_document(root, document, sealer)
        except StorageError as error:
            wrong.append(f"document {document.id}: {error.detail}")
            path = ""
        listed.append(_row(document, path))
    files["documents.json"] = pretty(listed)
    return files, wrong


def evidence_files(
    tx: CaseTx, root: Path, sealer: Sealer, ask: Ask, made: JournalLine
) -> tuple[Files, list[str]]:
    """Return the evidence with its custody, this export included; ``made``: its journal line."""
    files: Files = {}
    wrong: list[str] = []
    listed = []
    for kept in tx.records.find(Evidence, ask.incident.id):
        path = f"evidence/{kept.id}-{kept.name}"
        try:
            files[path], digest = read_out(root, sealer, kept)
        except StorageError as error:
            wrong.append(f"evidence {kept.id}: {error.detail}")
            path, digest = "", ""
        seen = record_access(
            tx,
            ask.actor,
            kept,
            act="export",
            purpose=ask.purpose,
            found_sha256=digest,
            now=made.occurred_at,
        )
        listed.append({**_builtins(seen), "file": path})
    files["custody.json"] = pretty(listed)
    return files, wrong


def journal_files(tx: CaseTx, incident: Incident, anchors: list[Anchor]) -> Files:
    """Return the extract from the anchor before the case to the first one after its last line."""
    own = own_objects(tx, incident)
    seqs = [line.seq for name in own for line in _lines_of(tx, name)]
    first, last = min(seqs), max(seqs)
    begin = max((one.last_seq for one in anchors if one.last_seq < first), default=0)
    end = min((one.last_seq for one in anchors if one.last_seq >= last), default=last)
    chain, payloads = [], []
    for line in _between(tx, begin, end):
        mine = line.object in own
        chain.append(_head(line) | ({"payload": _base64(line.payload)} if mine else {}))
        if mine:
            payloads.append({"seq": line.seq, "payload": tx.journal.opened(line)})
    within = [one for one in anchors if begin <= one.last_seq <= end]
    return {
        "journal/chain.ndjson": ndjson(chain),
        "journal/payloads.ndjson": ndjson(payloads),
    } | {f"anchors/{one.last_seq:012d}-{one.day}.json": pretty(one) for one in within}


def own_objects(tx: CaseTx, incident: Incident) -> frozenset[str]:
    """Return the ids of the case, of its alerts, and of the cases that it took in."""
    alerts = {one.id for one in tx.alerts.find(incident_id=incident.id, limit=10_000)}
    merged = {one.source_id for one in tx.records.find(Merge, incident.id) if one.undone_at is None}
    return frozenset({incident.id} | alerts | merged)


def pretty(value: object) -> bytes:
    """Return a value as JSON that a person can read."""
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"


def ndjson(rows: list[dict[str, object]]) -> bytes:
    """Return one JSON object a line."""
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def sha256(content: bytes) -> str:
    """Return the SHA-256, hex."""
    return hashlib.sha256(content).hexdigest()


def _head(line: JournalLine) -> dict[str, object]:
    return {
        "seq": line.seq,
        "occurred_at": instant_us(line.occurred_at),
        "recorded_at": instant_us(line.recorded_at),
        "actor": line.actor,
        "action": line.action,
        "object": line.object,
        "payload_digest": line.payload_digest,
        "prev_hash": line.prev_hash,
        "hash": line.hash,
    }


def _row(document: Document, path: str) -> dict[str, object]:
    return {**_builtins(document), "file": path}


def _builtins(value: object) -> Mapping[str, object]:
    found = msgspec.to_builtins(value)
    return found if isinstance(found, dict) else {}


def _lines_of(tx: CaseTx, name: str) -> Iterator[JournalLine]:
    after = 0
    while page := tx.journal.lines(object_id=name, after=after, limit=PAGE):
        yield from page
        after = page[-1].seq


def _between(tx: CaseTx, begin: int, end: int) -> Iterator[JournalLine]:
    after = begin
    while page := tx.journal.lines(after=after, limit=min(PAGE, end - after) or 1):
        for line in page:
            if line.seq > end:
                return
            yield line
        after = page[-1].seq
        if after >= end:
            return


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
