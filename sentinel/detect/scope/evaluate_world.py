"""Read a folder of accesses, facts, staff, customers and labels, as `sentinel scope eval` takes it.

``accesses.ndjson.gz`` (or ``.ndjson``; nested ECS), ``facts/*.csv``, ``staff.csv`` (user, role,
team, region), ``customers.csv`` (customer, region, public_figure), ``labels.csv`` (event_id,
scenario, case). The labels score the ranking and are never shown to it.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec

from sentinel.detect.scope.fact_files import load_facts
from sentinel.detect.scope.ranking_visit import Look, Person
from sentinel.domain.scope import Fact
from sentinel.errors import ContentError, UnreadableFile

ACCESSES = ("accesses.ndjson.gz", "accesses.ndjson")


class Label(msgspec.Struct, frozen=True):
    """An access that belongs to a case."""

    event: str
    scenario: str
    case: str


class World(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a folder holds. ``places``: region by actor."""

    looks: list[Look]
    facts: list[Fact]
    people: dict[str, Person]
    places: dict[str, str]
    labels: list[Label]


class _Event(msgspec.Struct):
    id: Annotated[str, msgspec.Meta(min_length=1)]
    action: str


class _User(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(min_length=1)]
    roles: Annotated[list[str], msgspec.Meta(min_length=1)]
    group: _Group | None = None


class _Group(msgspec.Struct):
    name: str


class _Customer(msgspec.Struct):
    id: Annotated[str, msgspec.Meta(min_length=1)]


class _Source(msgspec.Struct):
    ip: str = ""


class _Agent(msgspec.Struct):
    original: str = ""


class _Line(msgspec.Struct):
    at: Annotated[datetime, msgspec.Meta(tz=True)] = msgspec.field(name="@timestamp")
    event: _Event
    user: _User
    customer: _Customer
    source: _Source | None = None
    user_agent: _Agent | None = None

    @property
    def agent(self) -> str:
        """Where the access came from, as far as the line says it."""
        address = self.source.ip if self.source else ""
        return f"{address} {self.user_agent.original if self.user_agent else ''}".strip()


def read_world(folder: Path, *, labelled: bool = True) -> World:
    """Return the content of ``folder``; without its labels where it is not ``labelled``.

    Raises UnreadableFile where a file is missing, ContentError (``where`` = file:line) where a
    line is wrong, an access occurs twice, or a label names an access that does not exist.
    """
    if not folder.is_dir():
        raise UnreadableFile("no such folder", where=str(folder))
    looks = list(_looks(_accesses(folder)))
    people = {
        row["customer"]: Person(row["region"], row["public_figure"] == "1")
        for _, row in _table(folder / "customers.csv", ("customer", "region", "public_figure"))
    }
    places = {
        row["user"]: row["region"] for _, row in _table(folder / "staff.csv", ("user", "region"))
    }
    facts = folder / "facts"
    if not facts.is_dir():
        raise UnreadableFile("no such folder", where=str(facts))
    return World(
        looks=looks,
        facts=load_facts(facts),
        people=people,
        places=places,
        labels=list(_labels(folder / "labels.csv", {look.event for look in looks}))
        if labelled
        else [],
    )


def _accesses(folder: Path) -> Path:
    for name in ACCESSES:
        if (folder / name).is_file():
            return folder / name
    raise UnreadableFile("no such file", where=str(folder / ACCESSES[0]))


def _looks(path: Path) -> Iterator[Look]:
    decoder = msgspec.json.Decoder(_Line)
    seen: set[str] = set()
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            one = decoder.decode(line)
        except msgspec.DecodeError as error:
            raise ContentError(f"not an access: {error}", where=where) from error
        if one.event.id in seen:
            raise ContentError(f"the access {one.event.id} occurs twice", where=where)
        seen.add(one.event.id)
        yield Look(
            event=one.event.id,
            actor=one.user.name,
            role=one.user.roles[0],
            team=one.user.group.name if one.user.group else "",
            subject=one.customer.id,
            act=one.event.action,
            instant=one.at.astimezone(UTC),
            agent=one.agent,
        )


def _lines(path: Path) -> list[bytes]:
    try:
        content = path.read_bytes()
        return (gzip.decompress(content) if path.suffix == ".gz" else content).splitlines()
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or "not a whole gzip file"
        raise UnreadableFile(reason, where=str(path)) from error


def _labels(path: Path, events: set[str]) -> Iterator[Label]:
    scenarios: dict[str, str] = {}
    labelled: set[str] = set()
    for where, row in _table(path, ("event_id", "scenario", "case")):
        event, scenario, case = row["event_id"], row["scenario"], row["case"]
        if event not in events:
            raise ContentError(f"a label names the access {event}, which is not there", where=where)
        if event in labelled:
            raise ContentError(f"the access {event} is labelled twice", where=where)
        if not scenario or not case:
            raise ContentError("a label needs a scenario and a case", where=where)
        if scenarios.setdefault(case, scenario) != scenario:
            raise ContentError(f"the case {case} has two scenarios", where=where)
        labelled.add(event)
        yield Label(event, scenario, case)
    if not labelled:
        raise ContentError("no label: nothing could be scored", where=f"{path}:1")


def _table(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = str(getattr(error, "strerror", None) or "not UTF-8 text")
        raise UnreadableFile(reason, where=str(path)) from error
    reader = csv.reader(text.splitlines())
    header = next(reader, [])
    missing = [name for name in columns if name not in header]
    if missing:
        raise ContentError(f"no column {', '.join(missing)}", where=f"{path}:1")
    for row in reader:
        where = f"{path}:{reader.line_num}"
        if len(row) != len(header):
            raise ContentError(f"{len(row)} cells where {len(header)} are due", where=where)
        yield where, dict(zip(header, row, strict=True))
