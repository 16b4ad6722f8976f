"""Loading a folder of rules: everything that can be used, and every error in the rest.

A broken rule never hides the others, and never disappears in silence: it is an error with file,
line and column in `RuleSet.errors`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from sentinel.detect.rules.cache import RuleCache
from sentinel.detect.rules.compile import Lists
from sentinel.detect.rules.fault import RuleFault
from sentinel.detect.rules.filters import Filter, apply_filters
from sentinel.detect.rules.lists import load_lists
from sentinel.detect.rules.locate import load_documents, position
from sentinel.detect.rules.model import Correlation, Origin, Rule, RuleSet
from sentinel.detect.rules.parse import parse_document, parse_filter_document
from sentinel.detect.rules.pipelines import FOLDER as PIPELINES
from sentinel.detect.rules.pipelines import Pipelines, load_pipelines
from sentinel.detect.rules.resolve import resolve, silent_ids
from sentinel.errors import ContentError, UnreadableFile

# Content beside the rules that other rooms read, and rules kept for their history.
OTHER_FOLDERS: Final = frozenset(
    {"sources", "scopes", "lists", "models", "exceptions", "pipelines", "deprecated"}
)
TEST_SUFFIX: Final = ".test.yml"


def load_rules(directory: Path, *, cache: Path | None = None) -> RuleSet:
    """Load every rule below ``directory``. Raises UnreadableFile where it is no folder.

    ``cache``: the file in which what parsing gave is kept for the next time.
    """
    if not directory.is_dir():
        raise UnreadableFile("not a folder of rules", where=str(directory))
    pipelines, errors = load_pipelines(directory / PIPELINES)
    lists = load_lists(directory / "lists")
    kept = RuleCache(cache, (repr(lists).encode(), *_pipeline_files(directory))) if cache else None
    loader = _Loader(lists, pipelines, kept)
    loader.errors.extend(errors)
    for path in rule_files(directory):
        loader.read(path)
    if kept is not None:
        kept.save()
        return replace(loader.finish(), cache=kept.use)
    return loader.finish()


def rule_files(directory: Path) -> list[Path]:
    """Return the rule files below ``directory``, sorted."""
    found = (p for pattern in ("*.yml", "*.yaml") for p in directory.rglob(pattern))
    return sorted(
        path
        for path in found
        if not path.name.endswith(TEST_SUFFIX)
        and OTHER_FOLDERS.isdisjoint(path.relative_to(directory).parts[:-1])
    )


def where(origin: Origin, fault: RuleFault) -> str:
    """Return ``file:line:column`` of a fault in a document that could be read."""
    text = origin.path.read_text(encoding="utf-8")
    line, column = position(text, origin.index, fault.path)
    return f"{origin.path}:{line}:{column}"


class _Loader:
    """Collects rules and errors file by file, then ties correlations to what they name."""

    def __init__(self, lists: Lists, pipelines: Pipelines, cache: RuleCache | None) -> None:
        self.lists = lists
        self.pipelines = pipelines
        self.cache = cache
        self.items: list[Rule | Correlation] = []
        self.filters: list[Filter] = []
        self.errors: list[ContentError] = []

    def read(self, path: Path) -> None:
        try:
            content = path.read_bytes()
        except OSError as error:
            self.errors.append(ContentError(error.strerror or "unreadable", where=str(path)))
            return
        if self.cache is None:
            self._read(path, content)
            return
        found = self.cache.find(path, content)
        if found is not None:
            self.items += found
            return
        known, others = len(self.items), len(self.errors) + len(self.filters)
        self._read(path, content)
        if others == len(self.errors) + len(self.filters):
            self.cache.keep(path, content, self.items[known:])

    def _read(self, path: Path, content: bytes) -> None:
        try:
            documents = load_documents(content.decode())
        except UnicodeDecodeError as error:
            self.errors.append(ContentError(f"not UTF-8 ({error.reason})", where=str(path)))
            return
        except RuleFault as fault:
            place = ":".join(str(part) for part in (path, *fault.path))
            self.errors.append(fault.located(place))
            return
        if not documents:
            self.errors.append(ContentError("the file is empty", where=f"{path}:1:1"))
        for origin, slug in _origins(path, documents):
            try:
                self._parse(origin, slug)
            except RuleFault as fault:
                self.errors.append(fault.located(where(origin, fault)))

    def _parse(self, origin: Origin, slug: str) -> None:
        raw, lists, pipelines = origin.raw, self.lists, self.pipelines
        if isinstance(raw, dict) and "filter" in raw:
            self.filters.append(parse_filter_document(raw, origin, lists, pipelines))
        else:
            self.items.append(parse_document(raw, origin, slug, lists, pipelines))

    def finish(self) -> RuleSet:
        unique = list(self._without_duplicates())
        rules = tuple(item for item in unique if isinstance(item, Rule))
        found = [item for item in unique if isinstance(item, Correlation)]
        correlations, faults = resolve(found, rules)
        rules, misnamed = apply_filters(rules, found, self.filters)
        for correlation, fault in faults:
            self.errors.append(fault.located(where(correlation.origin, fault)))
        for one, fault in misnamed:
            self.errors.append(fault.located(where(one.origin, fault)))
        return RuleSet(
            rules=rules,
            correlations=correlations,
            errors=tuple(self.errors),
            silent=silent_ids(rules, correlations),
        )

    def _without_duplicates(self) -> Iterator[Rule | Correlation]:
        """Yield each rule once; a second one of the same id or name is an error."""
        seen: dict[str, Path] = {}
        for item in self.items:
            keys = [("id", item.info.id), ("name", item.name)]
            taken = [(kind, key) for kind, key in keys if key and key in seen]
            for kind, key in taken:
                fault = RuleFault(f"the {kind} {key} is taken by {seen[key]}", path=(kind,))
                self.errors.append(fault.located(where(item.origin, fault)))
            if not taken:
                seen.update({key: item.origin.path for _kind, key in keys if key})
                yield item


def _pipeline_files(directory: Path) -> Iterator[bytes]:
    for path in sorted((directory / PIPELINES).glob("*.y*ml")):
        with contextlib.suppress(OSError):  # told by `load_pipelines`
            yield path.read_bytes()


def _origins(path: Path, documents: Sequence[Any]) -> Iterator[tuple[Origin, str]]:
    """Yield each document with its slug: the file's stem, or in a file of several the name."""
    for index, raw in enumerate(documents):
        name = raw.get("name") if isinstance(raw, dict) and len(documents) > 1 else None
        yield Origin(path=path, index=index, raw=raw), str(name or path.stem)
