"""Effective permissions against the scope model: too much, too little, unknown, dormant, gone.

The matrix says what a role may do; systems say what accounts can do. Promise R-13 asks every day
whether they agree. Permissions come from files that each system can write (CSV or JSON).
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from sentinel.detect.scope.facts import FactIndex, parse_instant
from sentinel.detect.scope.leavers import EMPLOYMENT
from sentinel.detect.scope.model import ANY, ScopeModel
from sentinel.domain.reason import Reason
from sentinel.errors import ContentError, UnreadableFile

COLUMNS = {
    "staff": "staff",
    "user": "staff",
    "account": "staff",
    "role": "role",
    "category": "category",
    "permission": "category",
    "last_used": "last_used",
    "last_sign_in": "last_used",
}


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """What an account can do in fact. ``category`` empty = the role alone is known."""

    staff: str
    role: str
    category: str = ""
    last_used: datetime | None = None


class Drift(StrEnum):
    """What is wrong with an account."""

    TOO_MUCH = "too_much"
    TOO_LITTLE = "too_little"
    UNKNOWN_ROLE = "unknown_role"
    UNKNOWN_CATEGORY = "unknown_category"
    DORMANT = "dormant"
    LEAVER = "leaver"


class DriftItem(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One difference. ``what``: the role, the category or the day that it is about."""

    kind: Drift
    staff: str
    role: str
    what: str

    @property
    def reason(self) -> Reason:
        """The difference in words; it names no person."""
        return Reason(f"drift.{self.kind.value}", {"role": self.role or "-", "what": self.what})


def load_permissions(path: Path) -> list[Permission]:
    """Read effective permissions. Raises UnreadableFile, ContentError with file:line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = str(getattr(error, "strerror", None) or "not UTF-8 text")
        raise UnreadableFile(reason, where=str(path)) from error
    rows = _json(path, text) if path.suffix == ".json" else _csv(path, text)
    found = [_permission(where, cells) for where, cells in rows]
    if not found:
        raise ContentError("no permission in this file", where=str(path))
    return found


def find_drift(
    permissions: Iterable[Permission],
    model: ScopeModel,
    facts: FactIndex,
    *,
    now: datetime,
    dormant_after: timedelta,
    last_access: Callable[[str], datetime | None] = lambda _staff: None,
) -> list[DriftItem]:
    """Return the differences, sorted. ``last_access``: when an account was last seen at work."""
    by_staff: dict[str, list[Permission]] = defaultdict(list)
    for one in permissions:
        by_staff[one.staff].append(one)
    found: set[DriftItem] = set()
    for staff, own in by_staff.items():
        found |= set(_against_matrix(staff, own, model))
        found |= set(_gone(staff, own, facts, now))
        seen = [at for one in own if (at := one.last_used) is not None]
        if (at := last_access(staff)) is not None:
            seen.append(at)
        if not seen or now - max(seen) >= dormant_after:
            what = max(seen).date().isoformat() if seen else "-"
            roles = ", ".join(sorted({one.role for one in own}))
            found.add(DriftItem(kind=Drift.DORMANT, staff=staff, role=roles, what=what))
    return sorted(found)


def _against_matrix(staff: str, own: list[Permission], model: ScopeModel) -> Iterator[DriftItem]:
    by_role: dict[str, set[str]] = defaultdict(set)
    for one in own:
        by_role[one.role] |= {one.category} - {""}
    for name, has in by_role.items():
        role = model.roles.get(name)
        if role is None:
            yield DriftItem(kind=Drift.UNKNOWN_ROLE, staff=staff, role=name, what=name or "-")
            continue
        for category in has:
            if model.data_categories and category not in model.data_categories:
                yield DriftItem(kind=Drift.UNKNOWN_CATEGORY, staff=staff, role=name, what=category)
            elif not role.covers_categories((category,)):
                yield DriftItem(kind=Drift.TOO_MUCH, staff=staff, role=name, what=category)
        if has:
            due = model.data_categories if ANY in role.categories else role.categories
            for category in set(due) - has:
                yield DriftItem(kind=Drift.TOO_LITTLE, staff=staff, role=name, what=category)


def _gone(
    staff: str, own: list[Permission], facts: FactIndex, now: datetime
) -> Iterator[DriftItem]:
    """Yield a leaver: every employment known has ended, and the account lives on."""
    known = list(facts.about_agent(EMPLOYMENT, staff, ""))
    ends = [fact.valid_to for fact in known if fact.valid_to is not None and fact.valid_to <= now]
    if known and len(ends) == len(known):
        roles = ", ".join(sorted({one.role for one in own}))
        what = max(ends).date().isoformat()
        yield DriftItem(kind=Drift.LEAVER, staff=staff, role=roles, what=what)


def _csv(path: Path, text: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        for row in reader:
            if not row:
                continue
            where = f"{path}:{reader.line_num}"
            if len(row) != len(header):
                raise ContentError(f"{len(row)} cells where {len(header)} are due", where=where)
            yield where, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise ContentError(f"not CSV: {error}", where=f"{path}:{reader.line_num}") from error


def _json(path: Path, text: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        tree = msgspec.json.decode(text.encode())
    except msgspec.DecodeError as error:
        raise ContentError(f"not JSON: {error}", where=str(path)) from error
    if not isinstance(tree, list):
        raise ContentError("an array of permissions is expected", where=f"{path}:1")
    for index, item in enumerate(tree):
        where = f"{path}:[{index}]"
        if not isinstance(item, dict):
            raise ContentError("an object is expected", where=where)
        yield where, item


def _permission(where: str, cells: Mapping[str, Any]) -> Permission:
    values: dict[str, str] = {}
    for column, cell in cells.items():
        name = COLUMNS.get(column)
        if name is None:
            hint = f"columns: {', '.join(COLUMNS)}"
            raise ContentError(f"no column is called {column!r} here", where=where, hint=hint)
        values[name] = str(cell or "").strip() or values.get(name, "")
    if not values.get("staff") or not values.get("role"):
        raise ContentError("staff and role are needed", where=where)
    try:
        last = parse_instant(values.get("last_used", ""))
    except (ValueError, OverflowError) as error:
        hint = "as in 2026-01-02T03:04:05Z"
        raise ContentError("last_used: not an instant", where=where, hint=hint) from error
    return Permission(
        staff=values["staff"],
        role=values["role"],
        category=values.get("category", ""),
        last_used=last,
    )
