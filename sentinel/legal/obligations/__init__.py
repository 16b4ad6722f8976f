"""The calendar of obligations as dated data, and the thin code that reads it."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import msgspec

from sentinel.domain.recurring import Recurring
from sentinel.errors import ContentError, UnreadableFile

SHIPPED = Path(__file__).with_name("eu-fr.toml")


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    recurring: tuple[Recurring, ...]


def load_recurring(path: Path | None = None) -> tuple[Recurring, ...]:
    """Read the obligations. Raises ContentError for a wrong period or an id that is given twice."""
    file = path or SHIPPED
    try:
        found = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), _File).recurring
    except OSError as error:
        raise UnreadableFile(error.strerror or str(error), where=str(file)) from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, ValueError) as error:
        raise ContentError(str(error), where=str(file)) from error
    for one in found:
        others = [two for two in found if two is not one and two.id == one.id]
        if any(one.overlaps(two) for two in others):
            raise ContentError(f"{one.id} holds twice on one day", where=str(file))
    return found


def in_force(day: date, path: Path | None = None) -> list[Recurring]:
    """Return what holds on ``day``, in the order of the file."""
    return [one for one in load_recurring(path) if one.holds_on(day)]
