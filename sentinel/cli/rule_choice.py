"""Which rule a command means: a slug, an id, a name, or the path of its file."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from sentinel.clock import SystemClock
from sentinel.config import Settings
from sentinel.detect.exceptions import load_exceptions, with_exceptions
from sentinel.detect.rules.cache import user_cache
from sentinel.detect.rules.lists import load_lists
from sentinel.detect.rules.load import load_rules
from sentinel.detect.rules.model import Correlation, Rule, RuleSet
from sentinel.errors import ContentError, UnreadableFile, UsageError

MARKS = ("lists", "access", "exceptions")  # by which the top of a folder of rules is known


@dataclass(frozen=True, slots=True)
class Choice:
    """The rule, the folder that it belongs to, and the set of that folder, exceptions included."""

    folder: Path
    ruleset: RuleSet
    rule: Rule | Correlation

    @property
    def lists(self) -> dict[str, tuple[str, ...]]:
        """The lists that the folder's rules may name."""
        return load_lists(self.folder / "lists")


def choose_rule(settings: Settings, wanted: str, folder: Path | None = None) -> Choice:
    """Return the rule ``wanted`` of ``folder`` (default: the rules in force).

    Other rules may be wrong; this one may not. Raises UsageError, ContentError, UnreadableFile.
    """
    path = Path(wanted)
    is_path = path.suffix in {".yml", ".yaml"}
    if is_path and not path.is_file():
        raise UnreadableFile("no such file", where=wanted)
    top = folder or (top_of(path) if is_path else settings.rules_path)
    loaded = load_rules(top, cache=user_cache())
    exceptions, _faults = load_exceptions(top, loaded)
    ruleset = with_exceptions(loaded, exceptions, SystemClock().now())
    key = path.stem if is_path else wanted
    rule = ruleset.find(key)
    if rule is not None:
        return Choice(top, ruleset, rule)
    _raise_fault(loaded.errors, key)
    close = difflib.get_close_matches(key, [item.info.slug for item in ruleset.items], n=1)
    hint = f"did you mean {close[0]}?" if close else f"{len(ruleset.items)} rules stand in {top}"
    raise UsageError(f"there is no rule {key!r}", hint=hint)


def top_of(path: Path) -> Path:
    """Return the folder of rules that holds ``path``: the nearest one with lists or areas."""
    for parent in path.resolve().parents:
        if any((parent / mark).is_dir() for mark in MARKS):
            return parent
    return path.resolve().parent


def _raise_fault(errors: tuple[ContentError, ...], key: str) -> None:
    """Raise why the rule of the file ``key``.yml could not be loaded, where that is so."""
    for error in errors:
        if Path(error.where.split(":", 1)[0]).stem == key:
            raise error
