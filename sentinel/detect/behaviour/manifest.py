"""What a model is made of, written beside it: a model that cannot say it is not loaded.

A model folder holds ``manifest.json``, ``features.npz`` (numbers of sessions and of requests, no
identity), ``markov.json`` and ``requests.json`` (counts). Nothing in it is executable: no pickle,
ever.
"""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from pathlib import Path

import msgspec

from sentinel.detect.behaviour.features import FEATURES
from sentinel.errors import ContentError, UnreadableFile

FORMAT = 2
MANIFEST = "manifest.json"
MATRIX = "features.npz"
MARKOV = "markov.json"
REQUESTS = "requests.json"
FILES = (MATRIX, MARKOV, REQUESTS)


class FeatureStats(msgspec.Struct, frozen=True):
    """A feature in the population: 1st percentile, median and 99th percentile of its raw values."""

    name: str
    p1: float
    median: float
    p99: float


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A model's passport. Instants are UTC.

    ``window_from``/``window_to``: event times learnt from. ``sessions`` and ``requests``: how many
    were learnt. ``threshold``: a session scoring above it is a finding;
    it follows from ``budget``, the findings a day that are accepted at ``sessions_per_day``.
    ``files``: SHA-256 (hex) by name. ``data_digest``: of the events learnt from, see `DataDigest`.
    """

    format: int
    created_at: datetime
    window_from: datetime
    window_to: datetime
    sessions: int
    requests: int
    sessions_per_day: float
    budget: float
    threshold: float
    seed: int
    idle_seconds: float
    detector: str
    parameters: dict[str, int | float | str]
    features: tuple[FeatureStats, ...]
    libraries: dict[str, str]
    files: dict[str, str]
    data_digest: str = ""


class DataDigest:
    """A digest of the events that something was learnt from, whatever their order.

    The sum of the SHA-256 of their ids modulo 2 ** 256: the same window of the same logs gives the
    same digest, and an event more or less another one.
    """

    def __init__(self) -> None:
        self._sum = 0

    def of(self, event_id: str) -> None:
        """Take one event in."""
        self._sum += int.from_bytes(hashlib.sha256(event_id.encode()).digest(), "big")

    @property
    def hex(self) -> str:
        """The digest, 64 hex digits."""
        return f"{self._sum % 2**256:064x}"


def read_manifest(directory: Path) -> Manifest:
    """Read and check a model folder. Raises UnreadableFile, ContentError."""
    path = directory / MANIFEST
    raw = read_file(path)
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
    except msgspec.MsgspecError as error:
        raise ContentError(f"not a model's manifest: {error}", where=str(path)) from error
    if manifest.format != FORMAT or tuple(item.name for item in manifest.features) != FEATURES:
        raise ContentError(
            "this model was trained by another version", where=str(path), hint="train it again"
        )
    for name in FILES:
        if hashlib.sha256(read_file(directory / name)).hexdigest() != manifest.files.get(name):
            raise ContentError(
                "the file is not the one that was trained",
                where=str(directory / name),
                hint="train the model again, or restore it",
            )
    return manifest


def write_model(directory: Path, manifest: Manifest, files: dict[str, bytes]) -> Manifest:
    """Write the files, then the manifest that names their digests; return it completed.

    The manifest comes last, by rename: a half-written model is refused at loading.
    """
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    complete = msgspec.structs.replace(manifest, files=digests)
    pretty = msgspec.json.format(msgspec.json.encode(complete), indent=2)
    write_files(directory, {**files, MANIFEST: pretty})
    return complete


def write_files(directory: Path, files: dict[str, bytes]) -> None:
    """Write durably, each by rename, in the order given."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        draft = directory / f".{name}.new"
        with draft.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(directory / name)


def read_file(path: Path) -> bytes:
    """Return a file's content. Raises UnreadableFile."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFile(
            error.strerror or "cannot be read", where=str(path), hint="no model? train one"
        ) from error
