"""One clear line for a wrong setting: where it stands, what is expected, what was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import get_args

from pydantic import ValidationError

from sentinel.config.model import SECRETS, Settings
from sentinel.config.section import Section
from sentinel.errors import ConfigError

_EXPECTED = {
    "int_type": "a whole number is expected",
    "int_parsing": "a whole number is expected",
    "float_type": "a number is expected",
    "float_parsing": "a number is expected",
    "bool_type": "true or false is expected",
    "bool_parsing": "true or false is expected",
    "string_type": "text in quotes is expected",
    "path_type": "a path in quotes is expected",
    "list_type": 'a list is expected, as in ["a", "b"]',
    "model_type": "a table with settings inside is expected",
    "extra_forbidden": "no such setting",
    "missing": "this setting is needed",
}


class Origin:
    """Where settings came from: the file's text, and which variable set which setting."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.variables: dict[tuple[str, ...], str] = {}
        self._text = text

    def where(self, place: Sequence[str]) -> str:
        """Return the variable that set ``place`` or something inside it, else file:line."""
        wanted = tuple(place)
        for own, name in self.variables.items():
            if _plain(own)[: len(wanted)] == _plain(wanted):
                return name
        if not self._text:
            return "settings"
        line = _line_of(self._text, list(place))
        return f"{self.path}:{line}" if line else str(self.path)


def explain(error: ValidationError, origin: Origin) -> ConfigError:
    """Return the first fault as ConfigError. Values are not repeated: one may be a secret."""
    faults = error.errors(include_url=False, include_input=False)
    first = next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])
    place = [str(part) for part in first["loc"]]
    message = _EXPECTED.get(first["type"], str(first["msg"]).removeprefix("Value error, "))
    hints = [unknown_hint(place)] if first["type"] == "extra_forbidden" else []
    if len(faults) > 1:
        hints.append(f"and {len(faults) - 1} more")
    detail = f"{'.'.join(place)}: {message}" if place else message
    return ConfigError(detail, where=origin.where(place), hint="; ".join(hints))


def unknown_hint(place: Sequence[str]) -> str:
    """Return which setting may have been meant by the unknown one at ``place``."""
    names = list(_names_beside(place))
    close = get_close_matches(place[-1] if len(place) > 1 else place[0], names, n=1)
    return f"did you mean {close[0]}?" if close else f"settings here: {', '.join(names)}"


def _names_beside(place: Sequence[str]) -> Iterator[str]:
    model: type[Section] = Settings
    for part in place[:-1]:
        if part.isdigit() or part not in model.model_fields:
            continue
        annotation = model.model_fields[part].annotation
        inner = annotation if isinstance(annotation, type) else get_args(annotation)[0]
        if isinstance(inner, type) and issubclass(inner, Section):
            model = inner
    for name in model.model_fields:
        yield name
        if name in SECRETS:
            yield f"{name}_file"


def _plain(place: tuple[str, ...]) -> tuple[str, ...]:
    """Return the place of the setting that a secret's file stands for."""
    last = place[-1].removesuffix("_file") if place else ""
    return (*place[:-1], last) if last in SECRETS else place


def _line_of(text: str, path: list[str]) -> int | None:
    """Return the line (from 1) of the setting at ``path``, or of its table."""
    table: list[str] = []
    seen: dict[str, int] = {}
    best: int | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*(\[\[?)\s*([^\]]+?)\s*\]", line)
        if header:
            name = header[2].replace(" ", "")
            table = name.split(".")
            if header[1] == "[[":
                seen[name] = seen.get(name, -1) + 1
                table.append(str(seen[name]))
            if table == path[: len(table)] or (best is None and table[: len(path)] == path):
                best = number
        else:
            key = re.match(r"\s*([A-Za-z0-9_.\-\"]+)\s*=", line)
            if key:
                full = table + key[1].replace('"', "").split(".")
                if path in (full, [*full[:-1], full[-1].removesuffix("_file")]):
                    return number
                if full == path[: len(full)]:
                    best = number
    return best
