"""The distinct values of a column, and which of them fulfil a condition.

The reference is `domain.hunt_match.fulfils`, asked of each entry. What is asked often has a faster
way beside it: a text is looked for in all entries laid end to end, a number compared at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from sentinel.domain.hunt import NUMERIC, Exists, In, Op, Test
from sentinel.domain.hunt_match import fulfils, text_of
from sentinel.store.columnar import chunks
from sentinel.store.columnar.chunks import Ints
from sentinel.store.columnar.layout import Kind

Hits: TypeAlias = npt.NDArray[np.bool_]
Leaf: TypeAlias = Test | In | Exists

_FEW = 16
_LAID_END_TO_END = (Op.IS, Op.CONTAINS, Op.PREFIX)
_ADDRESS = frozenset("0123456789abcdefABCDEF:")
_COMPARE: dict[Op, Callable[[Any, Any], Hits]] = {
    Op.LT: np.less,
    Op.LTE: np.less_equal,
    Op.GT: np.greater,
    Op.GTE: np.greater_equal,
}
_WORD = 1 << 63


class Entries(ABC):
    """Values of one kind, in blocks that were joined."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def value(self, index: int) -> Any:
        """Return one value."""

    @abstractmethod
    def values(self) -> list[Any]:
        """Return every value."""

    @property
    def single(self) -> bool:
        """Whether an event with any of these values counts under one text."""
        return True

    def text(self, index: int) -> str:
        """Return the text under which an event with this value counts, where it is `single`."""
        return text_of(self.value(index))

    def all_texts(self) -> list[str]:
        """Return that text for each value."""
        return list(map(text_of, self.values()))

    def some_texts(self, indices: Sequence[int]) -> list[str]:
        """Return that text for each of some values."""
        return [self.text(index) for index in indices]

    def texts(self, index: int) -> tuple[str, ...]:
        """Return the texts under which an event with this value counts."""
        return (self.text(index),)

    def hits(self, leaf: Leaf) -> Hits:
        """Tell for each value whether the condition is true of an event that has it."""
        if isinstance(leaf, Exists):
            return np.ones(len(self), dtype=np.bool_)
        quick = self._quick(leaf)
        if quick is not None:
            return quick
        return np.fromiter(map(_judge(leaf), self._judged()), dtype=np.bool_, count=len(self))

    def _judged(self) -> list[Any]:
        """Return what a condition is asked of: the values, or what they are lists of."""
        return self.values()

    @abstractmethod
    def _quick(self, leaf: Test | In) -> Hits | None:
        """Answer as the reference does, faster; None where there is no faster way."""


class TextEntries(Entries):
    """Texts, as UTF-8 laid end to end."""

    def __init__(self, packed: Sequence[bytes]) -> None:
        parts = [chunks.unpack_blob(one) for one in packed]
        lengths = np.concatenate([lengths for lengths, _ in parts])
        self._blob = b"".join(blob for _, blob in parts)
        self._ends: Ints = np.zeros(len(lengths) + 1, dtype=np.int64)
        np.cumsum(lengths, dtype=np.int64, out=self._ends[1:])

    def __len__(self) -> int:
        return len(self._ends) - 1

    def value(self, index: int) -> Any:
        """Return one value."""
        return self.text(index)

    def text(self, index: int) -> str:
        """Return one text."""
        return self._blob[self._ends[index] : self._ends[index + 1]].decode()

    def values(self) -> list[Any]:
        """Return every value."""
        return self.all_texts()

    def all_texts(self) -> list[str]:
        """Return every text."""
        ends = self._ends.tolist()
        if self._blob.isascii():
            text = self._blob.decode("ascii")
            return [text[start:end] for start, end in pairwise(ends)]
        blob = self._blob
        return [blob[start:end].decode() for start, end in pairwise(ends)]

    def some_texts(self, indices: Sequence[int]) -> list[str]:
        """Return the texts of some entries."""
        at = np.array(indices, dtype=np.int64)
        places = zip(self._ends[at].tolist(), self._ends[at + 1].tolist(), strict=True)
        return [self._blob[start:end].decode() for start, end in places]

    def _quick(self, leaf: Test | In) -> Hits | None:
        hits = np.zeros(len(self), dtype=np.bool_)
        if isinstance(leaf, In):
            if len(leaf.values) > _FEW:
                return None
            for value in leaf.values:
                hits[self._find(self._blob, value, Op.IS)] = True
            return hits
        if leaf.op in NUMERIC:
            return hits
        if leaf.op not in _LAID_END_TO_END or (leaf.ignore_case and not self._blob.isascii()):
            return None
        text, blob = str(leaf.value), self._blob
        if leaf.ignore_case:
            text, blob = text.lower(), blob.lower()
        hits[self._find(blob, text, leaf.op)] = True
        return hits

    def _find(self, blob: bytes, text: str, op: Op) -> list[int]:
        needle = text.encode(errors="surrogatepass")  # no stored text holds a lone surrogate
        if not needle:
            every = (
                np.ones(len(self), dtype=np.bool_) if op is not Op.IS else np.diff(self._ends) == 0
            )
            return np.nonzero(every)[0].tolist()
        return list(self._occurrences(blob, needle, op))

    def _occurrences(self, blob: bytes, needle: bytes, op: Op) -> Iterator[int]:
        """Yield the entries that contain, start with or are ``needle``."""
        ends, size = self._ends, len(needle)
        at = blob.find(needle)
        while at >= 0:
            entry = int(np.searchsorted(ends, at, side="right")) - 1
            start, end = int(ends[entry]), int(ends[entry + 1])
            inside = at + size <= end
            if op is Op.CONTAINS and not inside:
                at = blob.find(needle, at + 1)  # it reaches into the next entry
                continue
            if (
                inside
                and (op is Op.CONTAINS or at == start)
                and (op is not Op.IS or at + size == end)
            ):
                yield entry
            at = blob.find(needle, end)


class OneEntries(TextEntries):
    """Lists of one text: every condition and every count is that of the text."""

    def value(self, index: int) -> Any:
        """Return one value."""
        return [self.text(index)]

    def values(self) -> list[Any]:
        """Return every value."""
        return [[text] for text in self.all_texts()]

    def _judged(self) -> list[Any]:
        return self.all_texts()


class HexEntries(Entries):
    """Texts of 32 hex digits, as bytes laid end to end."""

    def __init__(self, packed: Sequence[bytes]) -> None:
        self._blob = b"".join(packed)

    def __len__(self) -> int:
        return len(self._blob) // chunks.HEX_BYTES

    def value(self, index: int) -> str:
        """Return one value."""
        at = index * chunks.HEX_BYTES
        return self._blob[at : at + chunks.HEX_BYTES].hex()

    def values(self) -> list[Any]:
        """Return every value."""
        digits = self._blob.hex()
        return [digits[at : at + 32] for at in range(0, len(digits), 32)]

    def _quick(self, leaf: Test | In) -> Hits | None:
        wanted = leaf.values if isinstance(leaf, In) else (str(leaf.value),)
        if len(wanted) > _FEW or (
            isinstance(leaf, Test) and (leaf.op is not Op.IS or leaf.ignore_case)
        ):
            return None
        hits = np.zeros(len(self), dtype=np.bool_)
        for value in wanted:
            if not chunks.is_hex([value]):
                continue
            needle = bytes.fromhex(value)
            at = self._blob.find(needle)
            while at >= 0 and at % chunks.HEX_BYTES:
                at = self._blob.find(needle, at + 1)
            if at >= 0:
                hits[at // chunks.HEX_BYTES] = True
        return hits


class IntEntries(Entries):
    """Whole numbers of 64 bits."""

    def __init__(self, packed: Sequence[bytes]) -> None:
        self._ints: Ints = np.frombuffer(b"".join(map(chunks.decompress, packed)), dtype="<i8")

    def __len__(self) -> int:
        return len(self._ints)

    def value(self, index: int) -> int:
        """Return one value."""
        return int(self._ints[index])

    def values(self) -> list[Any]:
        """Return every value."""
        return [*self._ints.tolist()]

    def _quick(self, leaf: Test | In) -> Hits | None:
        if isinstance(leaf, In) or leaf.op not in NUMERIC or isinstance(leaf.value, str):
            return None
        fits = isinstance(leaf.value, float) or -_WORD <= leaf.value < _WORD
        return _COMPARE[leaf.op](self._ints, leaf.value) if fits else None


class AnyEntries(Entries):
    """Values of any type: lists, booleans, floats, null, a mixture."""

    def __init__(self, packed: Sequence[bytes]) -> None:
        self._values: list[Any] = []
        for one in packed:
            self._values += chunks.unpack_values(one)

    def __len__(self) -> int:
        return len(self._values)

    def value(self, index: int) -> Any:
        """Return one value."""
        return self._values[index]

    def values(self) -> list[Any]:
        """Return every value."""
        return self._values

    @property
    def single(self) -> bool:
        """Whether an event with any of these values counts under one text."""
        return not any(value is None or isinstance(value, list) for value in self._values)

    def texts(self, index: int) -> tuple[str, ...]:
        """Return the texts under which an event with this value counts."""
        return tuple(dict.fromkeys(map(text_of, _items(self._values[index]))))

    def hits(self, leaf: Leaf) -> Hits:
        """Tell for each value whether the condition is true of an event that has it."""
        if isinstance(leaf, Exists):
            true: Callable[[Any], bool] = bool
        else:
            one = _judge(leaf)

            def true(items: list[Any]) -> bool:
                return any(map(one, items))

        found = (true(_items(value)) for value in self._values)
        return np.fromiter(found, dtype=np.bool_, count=len(self))

    def _quick(self, _leaf: Test | In) -> Hits | None:
        return None


_KINDS: dict[Kind, type[TextEntries | HexEntries | IntEntries | AnyEntries]] = {
    Kind.TEXT: TextEntries,
    Kind.ONE: OneEntries,
    Kind.HEX: HexEntries,
    Kind.INT: IntEntries,
    Kind.ANY: AnyEntries,
}


def entries_of(kind: Kind, packed: Sequence[bytes]) -> Entries:
    """Return the entries that some blocks of a dictionary hold."""
    return _KINDS[kind](packed)


def _items(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [one for one in value if one is not None]
    return [] if value is None else [value]


def _judge(leaf: Test | In) -> Callable[[Any], bool]:
    if isinstance(leaf, In):
        wanted = frozenset(leaf.values)
        return lambda value: text_of(value) in wanted
    if leaf.op is Op.CIDR:
        return lambda value: text_of(value)[:1] in _ADDRESS and fulfils(leaf, value)
    return lambda value: fulfils(leaf, value)
