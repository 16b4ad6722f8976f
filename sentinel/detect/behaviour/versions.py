"""Models of the past, kept beside the one in force, to go back to.

A version is a copy of the model's files under ``versions/``, named by the instant of its training
and the digest of its manifest. Going back copies it into place, the manifest last; the version in
force stays among the others, so that going back can be undone.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from sentinel.detect.behaviour.manifest import MANIFEST, read_file, write_files
from sentinel.errors import ContentError

FOLDER = "versions"


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A model that can be put in force. ``current``: it is. Instants are UTC."""

    name: str
    created_at: datetime
    window_from: datetime
    window_to: datetime
    data_digest: str
    current: bool


class _Passport(msgspec.Struct):
    """What every manifest says."""

    created_at: datetime
    window_from: datetime
    window_to: datetime
    files: dict[str, str]
    data_digest: str = ""


def keep_version(directory: Path, *, most: int) -> str:
    """Keep a copy of the model in force; return its name. At most ``most`` copies stay."""
    passport, raw = _passport(directory)
    name = _name(passport, raw)
    target = directory / FOLDER / name
    if not (target / MANIFEST).exists():
        files = {file: read_file(directory / file) for file in sorted(passport.files)}
        write_files(target, {**files, MANIFEST: raw})
    for old in versions(directory)[most:]:
        if not old.current:
            shutil.rmtree(directory / FOLDER / old.name)
    return name


def versions(directory: Path) -> list[Version]:
    """Return the versions kept, the newest first; what cannot be read is left out."""
    try:
        in_force = _name(*_passport(directory))
    except ContentError:
        in_force = ""
    found = []
    for path in sorted((directory / FOLDER).glob("*/" + MANIFEST)):
        try:
            one, _ = _passport(path.parent)
        except ContentError:
            continue
        found.append(
            Version(
                name=path.parent.name,
                created_at=one.created_at,
                window_from=one.window_from,
                window_to=one.window_to,
                data_digest=one.data_digest,
                current=path.parent.name == in_force,
            )
        )
    return sorted(found, key=lambda one: (one.created_at, one.name), reverse=True)


def roll_back(directory: Path, name: str = "") -> Version:
    """Put a version in force: ``name``, else the newest that is older than the one in force.

    Raises ContentError where there is none, or where its files are not those that were trained.
    """
    known = versions(directory)
    chosen = _chosen(known, name, str(directory / FOLDER))
    source = directory / FOLDER / chosen.name
    passport, raw = _passport(source)
    files = {file: read_file(source / file) for file in sorted(passport.files)}
    for file, content in files.items():
        if hashlib.sha256(content).hexdigest() != passport.files[file]:
            raise ContentError("the file is not the one that was trained", where=str(source / file))
    write_files(directory, {**files, MANIFEST: raw})
    return msgspec.structs.replace(chosen, current=True)


def _chosen(known: Sequence[Version], name: str, where: str) -> Version:
    names = [one.name for one in known]
    if name:
        if name not in names:
            raise ContentError(f"there is no version {name}", where=where, hint=_list(names))
        return known[names.index(name)]
    at = next((at for at, one in enumerate(known) if one.current), -1)
    if at + 1 >= len(known):
        raise ContentError("there is no older version", where=where, hint=_list(names))
    return known[at + 1]


def _list(names: Sequence[str]) -> str:
    return f"there are: {', '.join(names) or 'none'}"


def _passport(directory: Path) -> tuple[_Passport, bytes]:
    path = directory / MANIFEST
    if not path.exists():
        raise ContentError("there is no model", where=str(directory), hint="train one")
    raw = read_file(path)
    try:
        return msgspec.json.decode(raw, type=_Passport), raw
    except msgspec.MsgspecError as error:
        raise ContentError(f"not a manifest: {error}", where=str(path)) from error


def _name(passport: _Passport, raw: bytes) -> str:
    return f"{passport.created_at:%Y%m%dT%H%M%SZ}-{hashlib.sha256(raw).hexdigest()[:8]}"
