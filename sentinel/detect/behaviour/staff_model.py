"""The baselines of all roles on disk: a manifest that anybody may read, and what it names, sealed.

Habits of accounts are data about employees: they are written encrypted, or not at all.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec

from sentinel.detect.behaviour.manifest import MANIFEST, read_file, write_files
from sentinel.detect.behaviour.staff_baseline import Judged, RoleBaseline
from sentinel.detect.behaviour.staff_features import STAFF_FEATURES
from sentinel.detect.behaviour.staff_relations import Relations
from sentinel.detect.behaviour.staff_windows import Window
from sentinel.errors import ContentError

FOLDER = "staff"
ROLES = "roles.sealed"
FORMAT = 1
_CONTEXT = "behaviour.staff"


class Seals(Protocol):
    """What encrypts."""

    def seal(self, plaintext: bytes, *, context: str) -> bytes:
        """Encrypt."""
        ...

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Decrypt. Raises StorageError."""
        ...


class StaffManifest(msgspec.Struct, frozen=True, kw_only=True):
    """The passport of the baselines. Instants are UTC.

    ``roles``: accounts by role that has a baseline. ``left_out``: how many roles have none, their
    groups being too small. ``data_digest``: of the acts learnt from, in whatever order.
    ``budget``: findings a day accepted for a hundred accounts. ``files``: SHA-256 (hex) by name.
    """

    format: int
    created_at: datetime
    window_from: datetime
    window_to: datetime
    acts: int
    data_digest: str
    budget: float
    timezone: str
    smallest_group: int
    features: tuple[str, ...]
    roles: dict[str, int]
    left_out: int
    libraries: dict[str, str]
    files: dict[str, str]


class StaffModel:
    """Loaded baselines."""

    def __init__(self, manifest: StaffManifest, roles: dict[str, RoleBaseline]) -> None:
        self.manifest = manifest
        self._roles = {role: (one, Relations(one.accounts)) for role, one in roles.items()}
        self._zone = ZoneInfo(manifest.timezone)

    def judge(self, window: Window) -> Judged | None:
        """Return the window's score; None where its role has no baseline."""
        role = window.role
        known = self._roles.get(role)
        if known is None:
            return None
        baseline, relations = known
        return baseline.judge(window, role, relations, self._zone)

    @classmethod
    def load(cls, directory: Path, seals: Seals) -> StaffModel:
        """Load a folder. Raises ContentError, UnreadableFile, StorageError."""
        manifest = read_staff_manifest(directory)
        path = directory / ROLES
        raw = read_file(path)
        if hashlib.sha256(raw).hexdigest() != manifest.files.get(ROLES):
            raise ContentError(
                "the file is not the one that was trained",
                where=str(path),
                hint="train the baselines again, or roll back",
            )
        try:
            roles = msgspec.json.decode(
                seals.open(raw, context=_CONTEXT), type=dict[str, RoleBaseline]
            )
        except msgspec.MsgspecError as error:
            raise ContentError("the baselines cannot be read", where=str(path)) from error
        try:
            return cls(manifest, roles)
        except ValueError as error:  # a group that is too small
            raise ContentError(str(error), where=str(path), hint="train again") from error


def read_staff_manifest(directory: Path) -> StaffManifest:
    """Read the passport alone. Raises ContentError, UnreadableFile."""
    path = directory / MANIFEST
    try:
        manifest = msgspec.json.decode(read_file(path), type=StaffManifest)
    except msgspec.MsgspecError as error:
        raise ContentError(f"not the manifest of baselines: {error}", where=str(path)) from error
    if manifest.format != FORMAT or manifest.features != STAFF_FEATURES:
        raise ContentError(
            "these baselines were learnt by another version", where=str(path), hint="train again"
        )
    return manifest


def write_staff_model(
    directory: Path, manifest: StaffManifest, roles: dict[str, RoleBaseline], seals: Seals
) -> StaffManifest:
    """Write the baselines, sealed, then the manifest; return it completed."""
    body = seals.seal(msgspec.json.encode(roles, order="deterministic"), context=_CONTEXT)
    complete = msgspec.structs.replace(manifest, files={ROLES: hashlib.sha256(body).hexdigest()})
    pretty = msgspec.json.format(msgspec.json.encode(complete), indent=2)
    write_files(directory, {ROLES: body, MANIFEST: pretty})
    return complete
