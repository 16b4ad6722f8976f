"""Questions one a line, answers one a line: how the calculators read and speak.

Every line gets exactly one answer, in order, an empty line too: a line that is refused gets
``{"error": ..., "line": n}``, and the command ends with exit code 1.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import typer

from sentinel.cli import output
from sentinel.domain.question import shown
from sentinel.errors import Exit, InvalidInstant, InvalidValue, NotFound

STDIN = "-"
REFUSALS = (InvalidInstant, InvalidValue, NotFound)  # faults of a line; others end the command
T = TypeVar("T")


def answer_lines(
    path: str, answer: Callable[[str], T], say: Callable[[T], None], *, as_json: bool
) -> None:
    """Answer each line of ``path`` (``-``: standard input). Exit 1 where one was refused."""
    refused = 0
    for number, raw in _lines(path):
        try:
            reply = answer(_decoded(raw))
        except REFUSALS as error:
            refused += 1
            if as_json:
                output.json({"error": str(error), "line": number})
            else:
                output.note(f"{path}:{number}: {error}")
        else:
            say(reply)
    if refused:
        raise typer.Exit(int(Exit.FINDINGS))


def decode(text: str) -> object:
    """Return one JSON document. Raises InvalidValue for NaN and for a field that stands twice."""
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError as error:
        raise InvalidValue("the question is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise InvalidValue(f"no JSON: {error.msg} at column {error.colno}") from error
    except ValueError as error:
        raise InvalidValue("a number has too many digits") from error


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise InvalidValue(f"the field {shown(twice)} stands twice")
    return found


def _no_constant(name: str) -> object:
    raise InvalidValue(f"{name} is no number of JSON")


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise InvalidValue(f"no UTF-8 at byte {error.start + 1}") from error


def _lines(path: str) -> Iterator[tuple[int, bytes]]:
    if path == STDIN:
        yield from enumerate(sys.stdin.buffer, start=1)
        return
    with Path(path).open("rb") as file:
        yield from enumerate(file, start=1)
