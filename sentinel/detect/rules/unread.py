"""A document of a rule file that is read when somebody asks what it says, and not before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from sentinel.detect.rules.fault import RuleFault
from sentinel.detect.rules.locate import load_documents
from sentinel.errors import UnreadableFile


class Unread(Mapping[str, Any]):
    """The mapping that document ``index`` of ``path`` is. Raises UnreadableFile when it is gone."""

    def __init__(self, path: Path, index: int) -> None:
        self._path = path
        self._index = index

    @cached_property
    def _document(self) -> Mapping[str, Any]:
        try:
            documents = load_documents(self._path.read_text(encoding="utf-8"))
            found = documents[self._index]
        except (OSError, UnicodeDecodeError, RuleFault, IndexError) as error:
            raise UnreadableFile("it changed while it was used", where=str(self._path)) from error
        if not isinstance(found, Mapping):
            raise UnreadableFile("it changed while it was used", where=str(self._path))
        return found

    def __getitem__(self, key: str) -> Any:
        return self._document[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._document)

    def __len__(self) -> int:
        return len(self._document)
