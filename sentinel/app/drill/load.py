"""Reads a scenario from its folder: shipped below ``drills/``, or a folder of one's own."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import msgspec

from sentinel.app.drill.sandbox import Person, require_reserved
from sentinel.content import content_dir
from sentinel.domain.scenario import Scenario
from sentinel.errors import ContentError, NotFound, Refused, UnreadableFile
from sentinel.yaml_file import read_yaml

FILE = "scenario.yml"
PERSONS = "persons.csv"


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario with everything that it needs. ``lines``: by name of the source."""

    folder: Path
    scenario: Scenario
    persons: list[Person]
    lines: dict[str, bytes]


def shipped() -> list[str]:
    """Return the ids of the scenarios that ship."""
    return sorted(path.parent.name for path in content_dir("drills").glob(f"*/{FILE}"))


def find(name: str) -> Path:
    """Return the folder of a shipped scenario, or ``name`` itself where it is one."""
    own = Path(name)
    folder = own if (own / FILE).is_file() else content_dir("drills") / name
    if not (folder / FILE).is_file():
        raise NotFound(f"drill {name}", hint=", ".join(shipped()))
    return folder


def load(folder: Path) -> Stage:
    """Read and check a scenario. Raises ContentError, UnreadableFile; Refused for an address that
    could be somebody's.
    """  # noqa: D205
    path = folder / FILE
    file = read_yaml(path)
    try:
        scenario = msgspec.convert(file.tree, Scenario)
    except (msgspec.ValidationError, ValueError) as error:
        raise ContentError(str(error), where=str(path)) from error
    return Stage(
        folder=folder,
        scenario=scenario,
        persons=_persons(folder / PERSONS),
        lines={one.name: _bytes(folder / one.file) for one in scenario.sources},
    )


def _persons(path: Path) -> list[Person]:
    found = []
    rows = csv.DictReader(io.StringIO(_bytes(path).decode("utf-8")))
    for number, row in enumerate(rows, start=2):
        try:
            person = msgspec.convert(row, Person)
            require_reserved(person.email)
        except msgspec.ValidationError as error:
            raise ContentError(str(error), where=f"{path}:{number}") from error
        except Refused as error:
            raise Refused(error.detail, where=f"{path}:{number}", hint=error.hint) from error
        found.append(person)
    return found


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFile(error.strerror or str(error), where=str(path)) from error
