"""Verifies an evidence bundle without Sentinel: Python 3.9 or later, standard library only.

    python3 verify.py [FOLDER] [--public-key KEY.pem] [--anchor FILE]...

FOLDER: where the bundle was unpacked; default: where this file lies. A public key and anchors that
you received *earlier, by another way* are what makes the result strong: give them. Exit code 0:
everything fits; 1: each line printed names what does not.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FORMAT = "sentinel-bundle/1"
GENESIS = "0" * 64
MANIFEST, SIGNATURE, KEY = "manifest.json", "manifest.sig", "public-key.pem"
CHAIN, PAYLOADS = "journal/chain.ndjson", "journal/payloads.ndjson"
DOCUMENTS, CUSTODY = "documents.json", "custody.json"
ANCHOR_FIELDS = ("scheme", "day", "first_seq", "last_seq", "hash", "previous", "made_at", "key_id")
LINE_FIELDS = (
    "seq", "occurred_at", "recorded_at", "actor", "action", "object", "payload_digest", "prev_hash",
)  # fmt: skip

# Ed25519 as RFC 8032, section 5.1, writes it down: slow, and short enough to be read.
P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)
SPKI = bytes.fromhex("302a300506032b6570032100")  # RFC 8410: what stands before the 32 bytes
Point = tuple[int, int, int, int]


def _add(a: Point, b: Point) -> Point:
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    w, x, y, z = f - e, h - g, h + g, f + e
    return (w * x % P, y * z % P, x * y % P, w * z % P)


def _times(scalar: int, point: Point) -> Point:
    result: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point = _add(point, point)
        scalar >>= 1
    return result


def _same(a: Point, b: Point) -> bool:
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def _point(raw: bytes) -> Point | None:
    """Decode a point (RFC 8032, section 5.1.3); None where it is none."""
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


BASE = _point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether ``signature`` (64 bytes) over ``message`` is of ``public`` (32 bytes)."""
    if len(public) != 32 or len(signature) != 64:  # noqa: PLR2004 - RFC 8032, section 5.1
        return False
    key, commitment = _point(public), _point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or BASE is None or scalar >= Q:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    challenge = int.from_bytes(digest, "little") % Q
    return _same(_times(scalar, BASE), _add(commitment, _times(challenge, key)))


def read_key(pem: bytes) -> bytes:
    """Return the 32 bytes of a PEM public key. Raises ValueError."""
    lines = [line for line in pem.decode("ascii").split("\n") if line and "-----" not in line]
    der = base64.b64decode("".join(lines), validate=True)
    if not der.startswith(SPKI) or len(der) != len(SPKI) + 32:
        raise ValueError("not an Ed25519 public key")
    return der[len(SPKI) :]


def canonical(values: list[Any]) -> bytes:
    """Return the JSON over which Sentinel hashes and signs: compact, UTF-8."""
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode()


class Bundle:
    """The unpacked files; what cannot be read counts as empty, and is named by the manifest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def data(self, path: str) -> bytes:
        """Return the bytes of a file, empty where there is none."""
        try:
            return (self.folder / path).read_bytes()
        except OSError:
            return b""

    def json(self, path: str) -> Any:
        """Return a JSON file. Raises ValueError."""
        return json.loads(self.data(path) or b"null")

    def lines(self, path: str) -> list[dict[str, Any]]:
        """Return an NDJSON file. Raises ValueError."""
        return [json.loads(line) for line in self.data(path).splitlines() if line]

    def names(self) -> set[str]:
        """Return every file, by its path with slashes."""
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix() for path in files}


def check_files(bundle: Bundle, manifest: dict[str, Any]) -> Iterator[str]:
    """Hold every file against the manifest."""
    listed = {entry["path"]: entry for entry in manifest["files"]}
    present = {name for name in bundle.names() if "__pycache__" not in name}
    for path, entry in listed.items():
        if path not in present:
            yield f"{path}: missing"
        elif hashlib.sha256(bundle.data(path)).hexdigest() != entry["sha256"]:
            yield f"{path}: altered (its SHA-256 is not that of the manifest)"
    for path in sorted(present - set(listed) - {MANIFEST, SIGNATURE}):
        yield f"{path}: not in the manifest (added)"


def check_chain(lines: list[dict[str, Any]]) -> Iterator[str]:
    """Recompute every hash of the journal's extract and every link."""
    before: dict[str, Any] | None = None
    for line in lines:
        where = f"{CHAIN}: line {line['seq']}"
        if (
            hashlib.sha256(canonical([line[name] for name in LINE_FIELDS])).hexdigest()
            != (line["hash"])
        ):
            yield f"{where}: altered"
        if before is not None and line["seq"] != before["seq"] + 1:
            yield f"{where}: lines removed, inserted or moved before it"
        if before is not None and line["prev_hash"] != before["hash"]:
            yield f"{where}: does not follow the line before it"
        payload = base64.b64decode(line.get("payload", ""))
        if payload and hashlib.sha256(payload).hexdigest() != line["payload_digest"]:
            yield f"{where}: its payload was altered"
        before = line


def _signed(anchor: dict[str, Any]) -> list[Any]:
    """Return what an anchor's signature covers; instants are signed with their microseconds."""
    made = anchor["made_at"].replace("+00:00", "Z")
    made = made if "." in made else made.replace("Z", ".000000Z")
    return [made if field == "made_at" else anchor[field] for field in ANCHOR_FIELDS]


def check_anchors(
    anchors: list[tuple[str, dict[str, Any]]], lines: list[dict[str, Any]], key: bytes
) -> Iterator[str]:
    """Verify the signatures of the anchors, and that the chain reaches their hashes."""
    known = {line["seq"]: line for line in lines}
    covered = 0
    for name, anchor in anchors:
        if not ed25519(key, canonical(_signed(anchor)), bytes.fromhex(anchor["signature"])):
            yield f"{name}: not signed by this public key"
            continue
        line = known.get(anchor["last_seq"])
        if line is not None and line["hash"] != anchor["hash"]:
            yield f"{name}: the chain does not reach its hash at line {anchor['last_seq']}"
        first = known.get(anchor["last_seq"] + 1)
        if first is not None and first["prev_hash"] != anchor["hash"]:
            yield f"{name}: line {first['seq']} does not start from it"
        if line is not None:
            covered = max(covered, anchor["last_seq"])
    if not lines:
        yield f"{CHAIN}: empty"
    elif covered < lines[-1]["seq"]:
        yield f"{CHAIN}: no anchor covers the lines after {covered}: a cut tail would not show"
    started = {anchor["last_seq"] + 1 for _, anchor in anchors} | {1}
    if lines and lines[0]["seq"] not in started:
        yield f"{CHAIN}: line {lines[0]['seq']} starts from no anchor: its beginning was cut"
    if lines and lines[0]["seq"] == 1 and lines[0]["prev_hash"] != GENESIS:
        yield f"{CHAIN}: line 1 does not start the chain"


def check_records(bundle: Bundle) -> Iterator[str]:
    """Hold documents and evidence against what was recorded of them, and against the journal."""
    told = {
        one.get("sha256")
        for line in bundle.lines(PAYLOADS)
        for one in (line["payload"] if isinstance(line["payload"], list) else [line["payload"]])
        if isinstance(one, dict)
    }
    purged = any(line["payload"] is None for line in bundle.lines(PAYLOADS))
    for name in (DOCUMENTS, CUSTODY):
        for record in bundle.json(name) or []:
            path, sha256 = record["file"], record["sha256"]
            if path and hashlib.sha256(bundle.data(path)).hexdigest() != sha256:
                yield f"{path}: not the file that {name} records"
            if sha256 not in told and not purged:
                yield f"{name}: the journal does not know the SHA-256 of {record['id']}"
            for custody in record.get("custody", []):
                if custody["sha256"] != sha256:
                    yield f"{name}: {record['id']} was not intact at {custody['at']}"


def check(folder: Path, key_file: Path | None = None, kept: tuple[Path, ...] = ()) -> list[str]:
    """Return everything that does not fit; empty: the bundle holds."""
    bundle, found = Bundle(folder), list[str]()
    try:
        manifest = bundle.json(MANIFEST)
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            return [f"{MANIFEST}: missing, or not of the format {FORMAT}"]
        key = read_key(key_file.read_bytes() if key_file else bundle.data(KEY))
        signature = bytes.fromhex(bundle.data(SIGNATURE).decode("ascii").strip())
        if not ed25519(key, FORMAT.encode() + b"\n" + bundle.data(MANIFEST), signature):
            found.append(f"{MANIFEST}: not signed by this public key (altered, or another key)")
        if key_file and read_key(bundle.data(KEY)) != key:
            found.append(f"{KEY}: not the key that you gave")
        found += check_files(bundle, manifest)
        lines = bundle.lines(CHAIN)
        found += check_chain(lines)
        names = sorted(name for name in bundle.names() if name.startswith("anchors/"))
        anchors = [(name, bundle.json(name)) for name in names]
        anchors += [(str(path), json.loads(path.read_bytes())) for path in kept]
        found += check_anchors(anchors, lines, key)
        found += check_records(bundle)
    except (ValueError, KeyError, TypeError, OSError) as error:
        found.append(f"the bundle cannot be read to its end: {type(error).__name__}: {error}")
    return found


def main(arguments: list[str]) -> int:
    """Verify, print, and return the exit code."""
    folder, key, kept = Path(__file__).resolve().parent, None, list[Path]()
    given = iter(arguments)
    for argument in given:
        if argument == "--public-key":
            key = Path(next(given, ""))
        elif argument == "--anchor":
            kept.append(Path(next(given, "")))
        else:
            folder = Path(argument)
    found = check(folder, key, tuple(kept))
    strong = "" if key else " (by the key inside the bundle: compare it with one kept elsewhere)"
    sys.stdout.write("\n".join(found or [f"the bundle holds{strong}"]) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
